"""Score against tuning budget: how much each variant gains from trying more settings."""

from functools import partial
from textwrap import fill

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ganbench.catalogue.metrics import METRICS, base_name
from ganbench.report.figures.curves import THICK, THIN, draw_levels
from ganbench.report.figures.drawing import (
    Drawing,
    Sketch,
    choose_colour,
    choose_dash,
    finish,
    mark_variant,
    open_figure,
)
from ganbench.report.figures.equilibrium_levels import Level
from ganbench.report.figures.learning_curves import LABEL_WIDTH, TITLE_WIDTH
from ganbench.report.measures import describe_metric
from ganbench.report.results import Results
from ganbench.wording import count, listing, number, percent


def sketch_tuning_curves(results: Results, table: pd.DataFrame, dataset: str) -> list[Sketch]:
    """Each variant's expected primary score over settings tried; none without a sweep."""
    rows = table[table["dataset"] == dataset]
    drawn = results.study["settings"] and len(rows)
    return [partial(_draw_tuning_curves, results, rows, dataset)] if drawn else []


def _draw_tuning_curves(results: Results, rows: pd.DataFrame, dataset: str) -> Drawing:
    """The figure; `rows` are those of one dataset."""
    metric, reference = rows.iloc[0][["metric", "reference"]]
    definition = METRICS[base_name(metric)]
    title = f"{definition.title} after tuning, {definition.better} is better"
    variants = {}
    with open_figure() as (figure, (axes,)):
        for index, variant in enumerate(results.variants):
            scores = rows[rows["variant"] == variant]
            if len(scores):
                lines_before = len(axes.lines)
                _draw_variant(axes, index, scores)
                mark_variant(axes, lines_before, index)
                variants[index] = variant
        floor = results.floor(dataset, metric, reference)
        if floor is not None:
            draw_levels(axes, [Level(floor, "real samples")])
        axes.set(
            title=fill(title, TITLE_WIDTH),
            xlabel="settings tried (0: no tuning)",
            ylabel=fill(describe_metric(metric), LABEL_WIDTH),
        )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        caption = _describe_tuning(results, rows)
        return finish(figure, f"tuning-{dataset}", title, caption, variants)


def _draw_variant(axes: Axes, index: int, scores: pd.DataFrame) -> None:
    """A dot for the score without tuning, then the expected score with its interval."""
    colour, dash = choose_colour(index), choose_dash(index)
    tried = scores[scores["settings"] > 0]
    axes.plot(scores["settings"][:1], scores["value"][:1], "o", ms=5, color=colour)
    axes.plot(tried["settings"], tried["value"], color=colour, linestyle=dash, **THICK)
    for end in ("ci_low", "ci_high"):
        axes.plot(tried["settings"], tried[end], color=colour, linestyle=dash, **THIN)


def _describe_tuning(results: Results, rows: pd.DataFrame) -> str:
    """How to read the curves, and where they end."""
    most = int(rows["settings"].max())
    last = rows[rows["settings"] == most].sort_values("value")
    ends = listing([f"{row.variant} {number(row.value)}" for row in last.itertuples()], 5)
    failed = int(rows.groupby("variant")["failed"].first().sum())
    failures = f" Runs that failed: {failed}; each counts as the worst score." if failed else ""
    return (
        f"Expected {describe_metric(rows['metric'].iloc[0])} on {rows['dataset'].iloc[0]} of the "
        f"best of the settings tried, chosen on {rows['chosen_on'].iloc[-1]}. Thin lines: "
        f"{percent(results.study['report']['confidence'])} interval over seeds. After "
        f"{count(most, 'setting')}: {ends}.{failures}"
    )

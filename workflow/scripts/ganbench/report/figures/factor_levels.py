"""The mean score at each level of a grid's factors: whether one factor's effect needs another's."""

from collections.abc import Mapping
from functools import partial
from itertools import combinations
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ganbench.catalogue.metrics import METRICS, base_name
from ganbench.evidence.final_scores import ScoresBySeed, index_final_scores
from ganbench.evidence.scales import Scale, choose_scale
from ganbench.report.figures.curves import spread
from ganbench.report.figures.drawing import Drawing, Sketch, finish, open_figure
from ganbench.report.figures.learning_curves import LABEL_WIDTH
from ganbench.report.figures.svg import INK
from ganbench.report.measures import describe_metric, primary_measure
from ganbench.report.results import Results
from ganbench.wording import count

MOST_PAIRS = 6
"""Pairs of factors that a dataset has figures of; those after them are left to the table."""

_STYLES = (("o", "-"), ("s", "--"), ("^", ":"), ("D", "-."), ("v", (0, (6, 1, 1, 1, 1, 1))))
"""Markers and dashes of a factor's levels. They are grey: a colour is that of a variant."""

_SHIFT = 0.06
"""How far to the side the runs of neighbouring lines are drawn, of the space between levels."""

Levels = Mapping[str, str]


def sketch_factor_levels(results: Results, dataset: str) -> list[Sketch]:
    """One figure for each pair of factors, by the primary metric; one for a single factor."""
    variants = results.study["variants"]
    cells = {name: of["levels"] for name, of in variants.items() if of.get("levels")}
    factors = list(dict.fromkeys(factor for levels in cells.values() for factor in levels))
    if not factors:
        return []
    pairs = list(combinations(factors, 2)) or [(factors[0], None)]
    return [partial(_draw_pair, results, dataset, cells, *pair) for pair in pairs[:MOST_PAIRS]]


def _draw_pair(
    results: Results, dataset: str, cells: Mapping[str, Levels], across: str, by: str | None
) -> Drawing:
    """Scores over the levels of `across`, with a line for each level of `by`."""
    metric, reference = primary_measure(results, dataset)
    final = index_final_scores(results.scores, results.runs)
    scores = {name: final[dataset, name, metric, reference] for name in cells}
    scale = choose_scale(metric, [value for seeds in scores.values() for value in seeds.values()])
    levels = list(dict.fromkeys(of[across] for of in cells.values() if across in of))
    lines = list(dict.fromkeys(of[by] for of in cells.values() if by in of)) if by else [""]
    ends = {}
    with open_figure(width=4.2) as (figure, (axes,)):
        for place, line in enumerate(lines):
            groups = [
                _group(cells, scores, {across: level} | ({by: line} if by else {}))
                for level in levels
            ]
            shift = _SHIFT * (place - (len(lines) - 1) / 2)
            ends[line] = _draw_line(axes, groups, scale, place, shift)
        if scale.name == "log":
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.yaxis.set_minor_formatter(lambda value, _: f"{value:g}")
        axes.set(
            title=_title(across, by),
            xlabel=across,
            ylabel=fill(describe_metric(metric), LABEL_WIDTH),
            xlim=(-0.3, len(levels) - 0.7),
        )
        axes.set_xticks(range(len(levels)), levels)
        if by:
            _label_lines(axes, ends)
        name = f"factors-{dataset}-{across}" + (f"-{by}" if by else "")
        caption = _describe(results, dataset, metric, scale, by)
        title = f"{_title(across, by)}, on {dataset}"
        return finish(figure, name.replace(".", "-").replace("_", "-"), title, caption, {})


def _title(across: str, by: str | None) -> str:
    return f"{across} by {by}" if by else f"Levels of {across}"


def _group(
    cells: Mapping[str, Levels], scores: Mapping[str, ScoresBySeed], wanted: Mapping[str, Any]
) -> list[list[float]]:
    """The scores of each variant that has the `wanted` levels."""
    names = [name for name, levels in cells.items() if wanted.items() <= levels.items()]
    return [list(scores[name].values()) for name in names]


def _draw_line(
    axes: Axes, groups: list[list[list[float]]], scale: Scale, place: int, shift: float
) -> float:
    """A dot for each run and a line of means over variants; returns the height of its right end."""
    marker, dash = _STYLES[place % len(_STYLES)]
    at = np.arange(len(groups)) + shift
    means = [average_variants(group, scale) for group in groups]
    for x, group in zip(at, groups, strict=True):
        runs = [value for scores in group for value in scores]
        axes.plot([x] * len(runs), runs, ".", color=INK, ms=4, alpha=0.6)
    axes.plot(at, means, color=INK, ls=dash, marker=marker, ms=5, lw=1.6)
    known = [mean for mean in means if np.isfinite(mean)]
    return known[-1] if known else np.nan


def average_variants(group: list[list[float]], scale: Scale) -> float:
    """The mean over variants of their means over runs, on the metric's scale; NaN without any."""
    means = [np.mean(scale.to_positions(np.asarray(scores))) for scores in group if scores]
    return float(scale.to_values(np.mean(means))) if means else np.nan


def _label_lines(axes: Axes, ends: Mapping[str, float]) -> None:
    """The level of each line beside its right end, none overlapping."""
    known = {line: end for line, end in ends.items() if np.isfinite(end)}
    places = axes.transLimits.transform(axes.transScale.transform([(0, y) for y in known.values()]))
    heights = spread([place[1] for place in places], 0.09) if known else []
    for line, height in zip(known, heights, strict=True):
        axes.annotate(
            line,
            (1.02, height),
            xycoords="axes fraction",
            va="center",
            fontsize=8,
            gid=f"label-{line}",
        )


def _describe(results: Results, dataset: str, metric: str, scale: Scale, by: str | None) -> str:
    better = METRICS[base_name(metric)].better
    runs = results.runs[results.runs["dataset"] == dataset]
    failed = int((runs["status"] == "diverged").sum())
    parallel = " Parallel lines: the two factors do not depend on each other." if by else ""
    left_out = f" Left out: {count(failed, 'diverged run')}." if failed else ""
    return (
        f"{describe_metric(metric)} on {dataset} at the end of training, {better} is better. "
        f"{scale.mean_name.capitalize()}s over all variants with these levels; "
        f"dots are single runs.{parallel}{left_out}"
    )

"""Performance profiles: the share of runs that reach a score, for every score."""

from functools import partial

import pandas as pd

from ganbench.catalogue.metrics import METRICS, base_name
from ganbench.evidence.final_scores import select
from ganbench.report.figures.curves import set_log_scale
from ganbench.report.figures.drawing import (
    Drawing,
    Sketch,
    choose_colour,
    choose_dash,
    finish,
    mark_variant,
    open_figure,
)
from ganbench.report.measures import describe_metric, primary_measure, spans_powers
from ganbench.report.results import Results


def sketch_profiles(results: Results, table: pd.DataFrame, dataset: str) -> list[Sketch]:
    """The profile of every variant by the dataset's primary metric, if anything was scored."""
    metric, reference = primary_measure(results, dataset)
    profiles = select(table, dataset=dataset, metric=metric, reference=reference)
    return [partial(_draw_profiles, results, profiles, dataset)] if len(profiles) else []


def _draw_profiles(results: Results, profiles: pd.DataFrame, dataset: str) -> Drawing:
    """The figure; `profiles` are the rows of one dataset and measure."""
    metric = profiles["metric"].iloc[0]
    title = "Share of runs that reach a score"
    variants = {}
    with open_figure() as (figure, (axes,)):
        for index, variant in enumerate(results.variants):
            rows = profiles[profiles["variant"] == variant]
            if len(rows):
                lines_before = len(axes.lines)
                axes.plot(
                    rows["threshold"],
                    rows["share"],
                    lw=1.8,
                    color=choose_colour(index),
                    ls=choose_dash(index),
                    drawstyle="steps-post",
                )
                mark_variant(axes, lines_before, index)
                variants[index] = variant
        if spans_powers(metric, profiles["threshold"]):
            set_log_scale(axes, "x")
        axes.set(title=title, xlabel=f"{describe_metric(metric)} τ", ylabel="share of runs")
        axes.set(ylim=(-0.03, 1.03))
        caption = _describe_profile(metric, dataset)
        return finish(figure, f"profile-{dataset}", f"{title}, {dataset}", caption, variants)


def _describe_profile(metric: str, dataset: str) -> str:
    """How to read the profile."""
    definition = METRICS[base_name(metric)]
    lower = definition.better == "lower"
    return (
        f"Share of all runs on {dataset} that end with {describe_metric(metric)} "
        f"{'≤' if lower else '≥'} τ. Curves further up and to the {'left' if lower else 'right'} "
        "are better. The curve of a variant with failed runs ends below 1."
    )

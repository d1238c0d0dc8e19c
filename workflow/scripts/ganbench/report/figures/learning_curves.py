"""Learning curves: each metric over the training budget."""

import math
from dataclasses import dataclass, replace
from functools import partial
from textwrap import fill

import numpy as np
import pandas as pd

from ganbench.catalogue.metrics import METRICS, base_name, companion
from ganbench.evidence.final_scores import select
from ganbench.evidence.scales import choose_scale
from ganbench.report.figures.budgets import BUDGETS, label_budget
from ganbench.report.figures.curves import (
    MANY_RUNS,
    draw_levels,
    draw_seeds_and_mean,
    keep_in_view,
    label_ends,
    set_log_scale,
)
from ganbench.report.figures.drawing import Drawing, Sketch, finish, open_figure
from ganbench.report.figures.equilibrium_levels import Level
from ganbench.report.figures.plots import Plot
from ganbench.report.measures import (
    HIDDEN,
    describe_metric,
    describe_reference,
    primary_measure,
    spans_powers,
)
from ganbench.report.results import Results
from ganbench.wording import listing, number

LARGE = (7.5, 3.9)
"""Inches of the figure of the primary metric."""

TITLE_WIDTH = 38
"""Characters of a title that fit above a figure."""

LABEL_WIDTH = 34
"""Characters of a label that fit beside a figure."""

_NATS = {"JSD", "value", "optimal_value", "duality_gap"}


@dataclass(frozen=True)
class MetricCurves:
    """The scores of one metric of a dataset: those that are drawn run by run, and `other` ones.

    Of the others, against training images, only the mean over seeds is drawn.
    """

    metric: str
    scores: pd.DataFrame
    other: pd.DataFrame
    plot: Plot

    @property
    def reference(self) -> str:
        """What the scores are against."""
        return self.scores["reference"].iloc[0]


def list_metric_curves(results: Results, dataset: str) -> list[MetricCurves]:
    """The metrics of a dataset that have figures; the primary one comes first.

    Scores are against held-out images if the metric has them as reference; scores against training
    images are then drawn as well.
    """
    scores = results.curves[results.curves["dataset"] == dataset]
    primary, _ = primary_measure(results, dataset)
    curves = []
    groups = sorted(scores.groupby("metric", sort=False), key=lambda group: group[0] != primary)
    for metric, rows in groups:
        if base_name(metric) in HIDDEN:
            continue
        against_train = rows["reference"] == "train"
        if against_train.all():
            main, other = rows, rows[:0]
        else:
            main, other = rows[~against_train], rows[against_train]
        plot = _describe_plot(results, dataset, metric, main, other)
        curves.append(MetricCurves(metric, main, other, replace(plot, large=metric == primary)))
    return curves


def _describe_plot(
    results: Results, dataset: str, metric: str, scores: pd.DataFrame, other: pd.DataFrame
) -> Plot:
    base, reference = base_name(metric), scores["reference"].iloc[0]
    definition = METRICS[base]
    better = "" if definition.better == "neither" else f", {definition.better} is better"
    unit = " (nats)" if base in _NATS else ""
    values = [*scores["value"], *other["value"]]
    logarithmic = spans_powers(metric, values)
    levels = _list_levels(base, results.floor(dataset, metric, reference))
    return Plot(
        name=f"curve-{dataset}-{metric.lower()}",
        title=f"{definition.title}{better}",
        label=describe_metric(metric) + unit,
        subtitle=metric + describe_reference(metric, reference) + unit,
        column=name_column(metric, reference),
        other=name_column(metric, "train") if len(other) else "",
        logarithmic=logarithmic,
        scale=choose_scale(metric, values),
        levels=tuple(level for level in levels if level.value > 0 or not logarithmic),
    )


def name_column(metric: str, reference: str) -> str:
    """The name of a metric's scores against a reference in the page's data."""
    return f"{metric} (training)" if reference == "train" else metric


def sketch_learning_curves(results: Results, dataset: str) -> list[Sketch]:
    """For each metric of a dataset, its curves over each budget, by the budget's column.

    The primary metric has curves over all budgets, the others over the first one only: the script
    of the page draws them over the others.
    """
    return [
        partial(_draw_curves, results, curves) for curves in list_metric_curves(results, dataset)
    ]


def _draw_curves(results: Results, curves: MetricCurves) -> dict[str, Drawing]:
    """One metric over each budget.

    The primary metric's figure is large, and has the variants' names at the ends of their lines.
    """
    plot, scores = curves.plot, curves.scores
    dataset, metric = scores["dataset"].iloc[0], curves.metric
    drawings = {}
    budgets = BUDGETS if plot.large else BUDGETS[:1]
    with open_figure(*LARGE if plot.large else ()) as (figure, (axes,)):
        lines = draw_seeds_and_mean(
            axes,
            results,
            scores,
            "value",
            budgets=[budget.column for budget in budgets],
            other=curves.other,
            seeds=plot.large or len(results.runs) <= MANY_RUNS,
            scale=plot.scale,
        )
        if plot.logarithmic:
            set_log_scale(axes)
        outside = "" if plot.logarithmic else keep_in_view(axes, scores["value"])
        caption = _describe_ends(results, scores, metric)
        caption += _describe_companion(results, dataset, metric, curves.reference)
        draw_levels(axes, plot.levels)
        axes.set(title=fill(plot.title, TITLE_WIDTH), ylabel=fill(plot.label, LABEL_WIDTH))
        if plot.large:
            label_ends(axes, lines)
        for budget in budgets:
            lines.move(axes, budget.column)
            label_budget(axes, budget, results.study, dataset)
            first = budget is BUDGETS[0]
            drawings[budget.column] = finish(
                figure,
                plot.name if first else f"{plot.name}-{budget.column}",
                f"{plot.title}, over {budget.title}",
                caption,
                lines.variants,
                outside=outside,
                inline=plot.large and first,
            )
    return drawings


def _list_levels(base: str, floor: float | None) -> tuple[Level, ...]:
    """The value at the equilibrium, or the score of real samples, if there is one."""
    if base in ("value", "optimal_value"):
        return (Level(-math.log(4), "−log 4"),)
    return () if floor is None else (Level(floor, "real samples"),)


def _describe_companion(results: Results, dataset: str, metric: str, reference: str) -> str:
    """The final means of the metric without which `metric` misleads, if there is one."""
    other = companion(metric)
    scores = select(results.curves, dataset=dataset, metric=other, reference=reference)
    return f" {_describe_ends(results, scores, other)}" if len(scores) else ""


def _describe_ends(results: Results, scores: pd.DataFrame, metric: str) -> str:
    """The final mean of every variant, best first, in words."""
    completed = results.runs[results.runs["status"] == "completed"]
    final = scores.merge(completed[["dataset", "variant", "seed", "step"]])
    final = final[np.isfinite(final["value"])]
    scale = choose_scale(metric, final["value"])  # that of the leaderboard's means
    values = final.assign(value=scale.to_positions(final["value"].to_numpy()))
    positions = values.groupby("variant", sort=False)["value"].mean()
    means = pd.Series(scale.to_values(positions.to_numpy()), positions.index)
    better = METRICS[base_name(metric)].better
    if better != "neither":
        means = means.sort_values(ascending=better == "lower", kind="stable")
    reference = scores["reference"].iloc[0]
    ends = listing([f"{variant} {number(mean)}" for variant, mean in means.items()], 5)
    floor = results.floor(scores["dataset"].iloc[0], metric, reference)
    real = "" if floor is None else f"; real samples {number(floor)}"
    return (
        f"{describe_metric(metric)}{describe_reference(metric, reference)} at the end of training, "
        f"{scale.mean_name} over seeds: {ends or 'no completed run'}{real}."
    )

"""Learning curves: each metric over the training budget."""

import math
from functools import partial
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ganbench.catalogue.metrics import METRICS, base_name, companion
from ganbench.evidence.final_scores import select
from ganbench.report.figures.budgets import BUDGETS, label_budget
from ganbench.report.figures.curves import (
    MANY_RUNS,
    ONLY_MEANS,
    draw_level,
    draw_seeds_and_mean,
    keep_in_view,
    label_ends,
)
from ganbench.report.figures.drawing import Drawing, Sketch, finish, open_figure
from ganbench.report.measures import (
    HIDDEN,
    describe_metric,
    describe_reference,
    primary_measure,
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


def sketch_learning_curves(results: Results, dataset: str) -> list[Sketch]:
    """For each metric of a dataset, its curves over each budget, by the budget's column.

    The primary metric comes first; the others have curves over the first budget only.
    Scores are against held-out images if the metric has them as reference; scores against training
    images are then drawn as well, as a mean over seeds.
    """
    scores = results.curves[results.curves["dataset"] == dataset]
    primary, _ = primary_measure(results, dataset)
    sketches = []
    groups = sorted(scores.groupby("metric", sort=False), key=lambda group: group[0] != primary)
    for metric, rows in groups:
        if base_name(metric) in HIDDEN:
            continue
        against_train = rows["reference"] == "train"
        if against_train.all():
            main, other = rows, rows[:0]
        else:
            main, other = rows[~against_train], rows[against_train]
        sketches.append(partial(_draw_curves, results, main, other, metric == primary))
    return sketches


def _draw_curves(
    results: Results, scores: pd.DataFrame, other: pd.DataFrame, primary: bool
) -> dict[str, Drawing]:
    """One metric over each budget; of the scores `other` only the mean is drawn.

    The `primary` metric's figure is large, and has the variants' names at the ends of their lines.
    """
    dataset, metric, reference = scores.iloc[0][["dataset", "metric", "reference"]]
    base = base_name(metric)
    definition = METRICS[base]
    better = "" if definition.better == "neither" else f", {definition.better} is better"
    title = f"{definition.title}{better}"
    drawings = {}
    budgets = BUDGETS if primary else BUDGETS[:1]
    with open_figure(*LARGE if primary else ()) as (figure, (axes,)):
        curves = draw_seeds_and_mean(
            axes,
            results,
            scores,
            "value",
            budgets=[budget.column for budget in budgets],
            other=other,
            seeds=primary or len(results.runs) <= MANY_RUNS,
        )
        caption = _describe_ends(results, scores, metric) + keep_in_view(axes, scores["value"])
        caption += ONLY_MEANS if not primary and len(results.runs) > MANY_RUNS else ""
        caption += _describe_companion(results, dataset, metric, reference)
        _draw_reference(axes, base, results.floor(dataset, metric, reference))
        label = describe_metric(metric) + (" (nats)" if base in _NATS else "")
        axes.set(title=fill(title, TITLE_WIDTH), ylabel=fill(label, LABEL_WIDTH))
        if primary:
            label_ends(axes, curves)
        for budget in budgets:
            curves.move(axes, budget.column)
            label_budget(axes, budget, results.study, dataset)
            suffix = "" if budget is BUDGETS[0] else f"-{budget.column}"
            name = f"curve-{dataset}-{metric.lower()}{suffix}"
            drawings[budget.column] = finish(
                figure, name, f"{title}, over {budget.title}", caption, curves.variants
            )
    return drawings


def _draw_reference(axes: Axes, base: str, floor: float | None) -> None:
    """The value at the equilibrium, or the score of real samples, if there is one."""
    if base in ("value", "optimal_value"):
        draw_level(axes, -math.log(4), "−log 4")
    elif floor is not None:
        draw_level(axes, floor, "real samples")


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
    means = final.groupby("variant", sort=False)["value"].mean()
    better = METRICS[base_name(metric)].better
    if better != "neither":
        means = means.sort_values(ascending=better == "lower", kind="stable")
    reference = scores["reference"].iloc[0]
    ends = listing([f"{variant} {number(mean)}" for variant, mean in means.items()], 5)
    floor = results.floor(scores["dataset"].iloc[0], metric, reference)
    real = "" if floor is None else f"; real samples {number(floor)}"
    return (
        f"{describe_metric(metric)}{describe_reference(metric, reference)} at the end of training, "
        f"mean over seeds: {ends or 'no completed run'}{real}."
    )

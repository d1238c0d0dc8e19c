"""Learning curves: each metric over the training budget."""

import math
from dataclasses import dataclass
from textwrap import fill

import numpy as np
import pandas as pd

from ganbench.catalogue.metrics import METRICS, base_name
from ganbench.report.figures.budgets import BUDGETS, BudgetAxis, label_budget
from ganbench.report.figures.curves import draw_level, draw_seeds_and_mean, keep_in_view
from ganbench.report.figures.drawing import Drawing, finish, open_figure
from ganbench.report.measures import describe_metric, describe_reference
from ganbench.report.results import Results
from ganbench.wording import listing, number

TITLE_WIDTH = 38
"""Characters of a title that fit above a figure."""

LABEL_WIDTH = 34
"""Characters of a label that fit beside a figure."""

_NATS = {"JSD", "value", "optimal_value", "duality_gap"}


@dataclass(frozen=True)
class Curve:
    """One metric of one dataset, drawn over each budget: the drawings by the budget's column."""

    caption: str
    by_budget: dict[str, Drawing]


def draw_learning_curves(results: Results, dataset: str) -> list[Curve]:
    """A curve for each metric of a dataset, against held-out images if it has them as reference.

    Scores against training images are then drawn as well, as a mean over seeds.
    """
    scores = results.curves[results.curves["dataset"] == dataset]
    curves = []
    for metric, rows in scores.groupby("metric", sort=False):
        against_train = rows["reference"] == "train"
        if against_train.all():
            main, other = rows, rows[:0]
        else:
            main, other = rows[~against_train], rows[against_train]
        caption = _describe_ends(results, main, metric)
        drawings = {
            budget.column: _draw_curve(results, main, other, budget, caption) for budget in BUDGETS
        }
        curves.append(Curve(drawings["images"].caption, drawings))
    return curves


def _draw_curve(
    results: Results, scores: pd.DataFrame, other: pd.DataFrame, budget: BudgetAxis, caption: str
) -> Drawing:
    """One metric over one budget; of the scores `other` only the mean is drawn."""
    dataset, metric, reference = scores.iloc[0][["dataset", "metric", "reference"]]
    base = base_name(metric)
    definition = METRICS[base]
    better = "" if definition.better == "neither" else f", {definition.better} is better"
    unit = " (nats)" if base in _NATS else ""
    suffix = "" if budget.column == "images" else f"-{budget.column}"
    title = f"{definition.title}{better}"
    with open_figure() as (figure, (axes,)):
        variants = draw_seeds_and_mean(
            axes, results, scores, "value", budget=budget.column, other=other
        )
        caption += keep_in_view(axes, scores["value"])
        floor = results.floor(dataset, metric, reference)
        if base in ("value", "optimal_value"):
            draw_level(axes, -math.log(4), "−log 4")
        elif floor is not None:
            draw_level(axes, floor, "real samples")
        label = describe_metric(metric) + unit
        axes.set(title=fill(title, TITLE_WIDTH), ylabel=fill(label, LABEL_WIDTH))
        label_budget(axes, budget, results.study, dataset)
        name = f"curve-{dataset}-{metric.lower()}{suffix}"
        return finish(figure, name, f"{title}, over {budget.title}", caption, variants)


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

"""Learning curves: each metric over what training had cost by then."""

import math
from dataclasses import dataclass
from textwrap import fill

import pandas as pd

from ganbench.catalogue.metrics import METRICS, base_name
from ganbench.report.figures.budgets import BUDGETS, Budget, label_budget
from ganbench.report.figures.curves import keep_in_view, level, seeds_and_mean
from ganbench.report.figures.drawing import Drawing, figure, finish
from ganbench.report.results import Results
from ganbench.wording import listing, number

LINE = 38
"""Characters of a title that fit above a figure."""

_NATS = {"JSD", "value", "optimal_value", "duality_gap"}


@dataclass(frozen=True)
class Curve:
    """One metric of one dataset, drawn over each budget: the drawings by the budget's column."""

    metric: str
    caption: str
    by_budget: dict[str, Drawing]


def draw_learning_curves(results: Results, dataset: str) -> list[Curve]:
    """A curve for each metric of a dataset, against `held_out` where it looks at real samples."""
    scores = results.curves[results.curves["dataset"] == dataset]
    found = []
    for metric, both in scores.groupby("metric", sort=False):
        on_train = both["reference"] == "train"
        alone = on_train.all()
        shown, trained = (both, both[:0]) if alone else (both[~on_train], both[on_train])
        caption = _ends(results, shown, metric)
        drawings = {
            budget.column: _drawn(results, shown, trained, budget, caption) for budget in BUDGETS
        }
        found.append(Curve(metric, drawings["images"].caption, drawings))
    return found


def _drawn(
    results: Results, scores: pd.DataFrame, trained: pd.DataFrame, budget: Budget, caption: str
) -> Drawing:
    """One metric of one dataset over one budget; `trained` are its scores against train."""
    dataset, metric, reference = scores.iloc[0][["dataset", "metric", "reference"]]
    definition = METRICS[base_name(metric)]
    better = "" if definition.better == "neither" else f", {definition.better} is better"
    unit = " (nats)" if base_name(metric) in _NATS else ""
    suffix = "" if budget.column == "images" else f"-{budget.column}"
    title = f"{definition.title}{better}"
    with figure() as (drawn, (axes,)):
        variants = seeds_and_mean(
            axes, results, scores, "value", budget=budget.column, aside=trained
        )
        caption += keep_in_view(axes, scores["value"])
        floor = results.floor(dataset, metric, reference)
        if base_name(metric) in ("value", "optimal_value"):
            level(axes, -math.log(4), "−log 4")
        elif floor is not None:
            level(axes, floor, "real samples")
        axes.set(title=fill(title, LINE), ylabel=f"{metric}{unit}")
        label_budget(axes, budget, results.study, dataset)
        name = f"curve-{dataset}-{metric.lower()}{suffix}"
        return finish(drawn, name, f"{title}, over {budget.title}", caption, variants)


def _ends(results: Results, scores: pd.DataFrame, metric: str) -> str:
    """Where every variant ends, best first, in words."""
    completed = results.runs[results.runs["status"] == "completed"]
    last = scores.merge(completed[["dataset", "variant", "seed", "step"]])
    means = last.groupby("variant", sort=False)["value"].mean().dropna()
    better = METRICS[base_name(metric)].better
    if better != "neither":
        means = means.sort_values(ascending=better == "lower", kind="stable")
    reference = scores["reference"].iloc[0]
    against = "" if reference == "none" else f" against {reference}"
    ends = listing([f"{variant} {number(mean)}" for variant, mean in means.items()], 5)
    floor = results.floor(scores["dataset"].iloc[0], metric, reference)
    real = "" if floor is None else f"; real samples {number(floor)}"
    return f"{metric}{against} at the end, mean of seeds: {ends or 'no run got there'}{real}."

"""The budget axes of learning curves: updates of G, images, seconds, and updates of D."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter

from ganbench.study.budget import images_per_step

RUN_COLUMNS = ["dataset", "variant", "seed"]


@dataclass(frozen=True)
class BudgetAxis:
    """One way to measure what training costs: a column of tables, and its name on an axis."""

    column: str
    title: str
    label: str


BUDGETS = (
    BudgetAxis("generator_steps", title="G updates", label="updates of G"),
    BudgetAxis("images", title="images", label="real {things} shown to D"),
    BudgetAxis("seconds", title="seconds", label="seconds of training"),
    BudgetAxis("updates", title="D updates", label="updates of D"),
)
"""In the order of the page, which shows the first unless the reader switches."""


def add_budgets(scores: pd.DataFrame, history: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """`scores` with the `generator_steps`, the `seconds` and the `updates` of D at each snapshot.

    Seconds are interpolated linearly between the rows of the history.
    """
    histories = {key: rows for key, rows in history.groupby(RUN_COLUMNS, sort=False)}
    parameters = {(run.dataset, run.variant, run.seed): run.parameters for run in runs.itertuples()}
    tables = []
    for key, table in scores.groupby(RUN_COLUMNS, sort=False):
        past = histories.get(key, history[:0])
        seconds = np.full(len(table), np.nan)
        if len(past):
            seconds = np.interp(table["images"], past["images"], past["seconds"])
        updates = table["step"] * parameters[key]["discriminator_steps"]
        steps = table["step"]
        tables.append(table.assign(generator_steps=steps, seconds=seconds, updates=updates))
    if not tables:
        return scores.assign(generator_steps=[], seconds=[], updates=[])
    return pd.concat(tables)


def describe_budget(budget: BudgetAxis, study: Mapping[str, Any], dataset: str) -> str:
    """The label of an axis of `budget`, with the images of a step if all runs share it."""
    label = budget.label.format(things=study["datasets"][dataset]["type"])
    if budget.column == "images":
        per_step = {images_per_step(run) for run in study["runs"][dataset].values()}
        label += f" ({per_step.pop():,} per step)" if len(per_step) == 1 else ""
    return label


def label_budget(axes: Axes, budget: BudgetAxis, study: Mapping[str, Any], dataset: str) -> None:
    """Labels the x-axis with `budget`."""
    axes.set_xlabel(describe_budget(budget, study, dataset))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))

"""The budget axes of learning curves: what each score and each history row had cost by then."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter

from ganbench.study.budget import images_per_step

RUN = ["dataset", "variant", "seed"]


@dataclass(frozen=True)
class Budget:
    """One way to count what training costs: a column of tables, and its name on an axis."""

    column: str
    title: str
    label: str


BUDGETS = (
    Budget("images", "images", "real {things} shown to D"),
    Budget("seconds", "seconds", "seconds of training"),
    Budget("updates", "D updates", "updates of D"),
)
"""In the order of the page; the first is what it shows by itself."""


def with_budgets(scores: pd.DataFrame, history: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """`scores` with the columns `seconds` and `updates` of D at each snapshot.

    Seconds are those of the history row at the snapshot, between two rows in proportion.
    """
    by_run = {key: table for key, table in history.groupby(RUN, sort=False)}
    parameters = {(run.dataset, run.variant, run.seed): run.parameters for run in runs.itertuples()}
    found = []
    for key, table in scores.groupby(RUN, sort=False):
        past, each_step = by_run.get(key), parameters[key]["discriminator_steps"]
        seconds = np.full(len(table), np.nan)
        if past is not None and len(past):
            seconds = np.interp(table["images"], past["images"], past["seconds"])
        found.append(table.assign(seconds=seconds, updates=table["step"] * each_step))
    return pd.concat(found) if found else scores.assign(seconds=[], updates=[])


def label_budget(axes: Axes, budget: Budget, study: dict, dataset: str) -> None:
    """Names the axis that counts `budget`."""
    label = budget.label.format(things=study["datasets"][dataset]["type"])
    if budget.column == "images":
        steps = {images_per_step(each) for each in study["runs"][dataset].values()}
        label += f" ({steps.pop():,} a step)" if len(steps) == 1 else ""
    axes.set_xlabel(label)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))

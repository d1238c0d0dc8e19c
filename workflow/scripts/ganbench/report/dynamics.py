"""Scores of the game itself, from `history.csv`: what G was told, and how far it moved for it."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ganbench.catalogue.metrics import METRICS

MEASURED = [name for name, metric in METRICS.items() if metric.of == "training"]
"""The metrics that are means of the column of `history.csv` with the same name."""


def score_dynamics(scores: pd.DataFrame, history: pd.DataFrame) -> pd.DataFrame:
    """The columns of `scores` of one run: each metric of `MEASURED` at every snapshot that it has.

    It is the mean over the rows of `history` after the snapshot before, and where an interval has
    none, the run's last row until then. A column that an earlier version did not write has none.
    """
    columns = {metric: history[metric].to_numpy() for metric in MEASURED if metric in history}
    rows = [
        snapshot
        | {
            "repeat": 0,
            "reference": "none",
            "metric": metric,
            "value": _average(values[first:end]),
        }
        for snapshot, first, end in _split_history(scores, history)
        for metric, values in columns.items()
    ]
    return pd.DataFrame(rows, columns=scores.columns)


def _average(values: np.ndarray) -> float:
    """The mean of those that are there; NaN where none is."""
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else np.nan


def _split_history(scores: pd.DataFrame, history: pd.DataFrame) -> Iterator[tuple[dict, int, int]]:
    """For each snapshot its row of `scores`, and where its rows of the history begin and end."""
    steps, first = history["step"].to_numpy(), 0
    for snapshot in scores.drop_duplicates("step").sort_values("step").to_dict("records"):
        end = int(steps.searchsorted(snapshot["step"], side="right"))
        yield snapshot, min(first, max(0, end - 1)), end
        first = end

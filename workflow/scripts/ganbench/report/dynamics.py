"""Scores of the game itself, from `history.csv`: what G was told, and how far it moved for it."""

from collections.abc import Iterator

import pandas as pd

from ganbench.catalogue.metrics import METRICS

MEASURED = [name for name, metric in METRICS.items() if metric.of == "training"]
"""The metrics that are means of the column of `history.csv` with the same name."""


def score_dynamics(scores: pd.DataFrame, history: pd.DataFrame) -> pd.DataFrame:
    """The columns of `scores` of one run: each metric of `MEASURED` at every snapshot that it has.

    It is the mean over the rows of `history` after the snapshot before, and where an interval has
    none, the run's last row until then. A column that an earlier version did not write has none.
    """
    rows = [
        snapshot
        | {"repeat": 0, "reference": "none", "metric": metric, "value": rows[metric].mean()}
        for snapshot, rows in _split_history(scores, history)
        for metric in MEASURED
        if metric in rows
    ]
    return pd.DataFrame(rows, columns=scores.columns)


def _split_history(
    scores: pd.DataFrame, history: pd.DataFrame
) -> Iterator[tuple[dict, pd.DataFrame]]:
    """A row of `scores` for each snapshot, with the rows of the history that it stands for."""
    start = 0
    for snapshot in scores.drop_duplicates("step").sort_values("step").to_dict("records"):
        so_far = history[history["step"] <= snapshot["step"]]
        interval = so_far[so_far["step"] > start]
        yield snapshot, interval if len(interval) else so_far.tail(1)
        start = snapshot["step"]

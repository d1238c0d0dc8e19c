"""The best snapshot of each run: where its training would have ended with hindsight.

The score that chooses a snapshot is too good. So a metric with two references chooses against the
training images, and the score of its choice is that against held-out images, which did not choose.
Both are of the same generated images, which leaves the scatter of one sampling.
"""

import numpy as np
import pandas as pd

from ganbench.catalogue.metrics import METRICS, base_name
from ganbench.evidence.final_scores import RUN, direction

COLUMNS = [
    *RUN,
    "metric",
    "chosen_on",
    "best_step",
    "reference",
    "value",
    "last_step",
    "last_value",
]


def find_best_steps(scores: pd.DataFrame) -> pd.DataFrame:
    """The best and the last snapshot of each run by each metric that has a better direction.

    `chosen_on` is the reference that chose `best_step`, `value` the score of this snapshot against
    `reference`. Where both are the same, which a metric without references has, it is optimistic.
    A snapshot counts by the mean over its repeats, and one without a finite score not at all; of
    equal snapshots the first is best.
    """
    keys = [*RUN, "metric"]
    means = _average(scores, [*keys, "reference", "step"])
    has_two = means["metric"].map(lambda name: METRICS[base_name(name)].has_reference)
    choosing = means[(means["reference"] == np.where(has_two, "train", "none"))]
    scoring = means[means["reference"] == np.where(has_two, "held_out", "none")]
    choosing = choosing[np.isfinite(choosing["value"])]
    signed = choosing["value"] * choosing["metric"].map(direction)
    best = choosing.loc[signed.groupby([choosing[key] for key in keys], sort=False).idxmax()]
    best = best[[*keys, "reference", "step"]].rename(columns={"reference": "chosen_on"})
    last = scoring.groupby(keys, sort=False).tail(1).drop(columns="reference")
    last = last.rename(columns={"step": "last_step", "value": "last_value"})
    table = best.merge(scoring, on=[*keys, "step"]).merge(last, on=keys)
    return table.rename(columns={"step": "best_step"})[COLUMNS]


def _average(scores: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The score of each snapshot by step, of metrics with a better direction."""
    rated = scores[scores["metric"].map(direction) != 0].astype({"value": float})
    means = rated.groupby(keys, sort=False, as_index=False)["value"].mean(skipna=False)
    return means.sort_values("step", kind="stable", ignore_index=True)

"""Whether a run that was repeated on another processor is the published one, but for rounding.

Another processor rounds sums in another order. A game is chaotic, so two trainings that begin alike
drift apart: hardly at the first snapshots, in the end perhaps as far as two seeds. How fast they
drift is measured, not assumed: the repeated run has twins, trained with learning rates that differ
by a millionth. Published run, repetition and twins are then trainings that tiny differences alone
tell apart, and the published run may lie at most a few times as far away as a twin of any run that
is repeated.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from ganbench.catalogue.metrics import base_name
from ganbench.evidence.estimators import prediction_interval
from ganbench.evidence.scales import choose_scale

LOGARITHMIC = ("FD", "IS")
"""Metrics whose spread between seeds grows with their size; of others the root is compared."""

FLOOR = 0.25
"""The distance of a twin that is assumed at least, in standard deviations between seeds."""

FACTOR = 2.0
"""How many times as far as the furthest twin the published run may lie (docs/reliability.md)."""


class Drift(NamedTuple):
    """The snapshot at which two runs are too far apart, their distance there, and the allowed one.

    Of runs that are close enough, the snapshot at which they come nearest to being too far apart.
    Distances are in standard deviations between seeds.
    """

    step: int
    distance: float
    allowed: float

    @property
    def is_too_far(self) -> bool:
        """Whether rounding does not explain the distance."""
        return self.distance > self.allowed


def expect_score(metric: str, scores: np.ndarray, confidence: float) -> tuple[float, float]:
    """Where one more seed is expected with this confidence, given the scores of a study's seeds.

    A prediction interval on the metric's scale, so within its range. NaN for fewer than two scores.
    """
    scale = choose_scale(metric, scores)
    limits = prediction_interval(scale.to_positions(scores), confidence)
    low, high = scale.to_interval(limits)
    return low, high


def tabulate_curves(scores: pd.DataFrame, reference: str) -> pd.DataFrame:
    """The learning curves of runs: a row for each variant, seed and step, a column for each metric.

    `scores` are of one dataset. Metrics are against `reference` or none, on the scale on which they
    are compared; of a snapshot that was sampled several times, the first sampling counts.
    """
    rows = scores[scores["reference"].isin([reference, "none"]) & (scores["repeat"] == 0)]
    curves = rows.pivot_table(index=["variant", "seed", "step"], columns="metric", values="value")
    return curves.apply(lambda column: _rescale(str(column.name), column))


def _rescale(metric: str, values: pd.Series) -> pd.Series:
    if base_name(metric) in LOGARITHMIC:
        return np.log(values.where(values > 0))
    return np.sign(values) * np.sqrt(np.abs(values))


def pool_spread(curves: pd.DataFrame) -> pd.DataFrame:
    """The standard deviation between seeds, pooled over variants: a row for each step.

    It is NaN where no variant has two seeds, and where all seeds have one score, which tells no two
    runs apart.
    """
    groups = curves.groupby(level=["variant", "step"])
    squares = ((curves - groups.transform("mean")) ** 2).groupby(level="step").sum()
    degrees = (groups.count() - 1).clip(lower=0).groupby(level="step").sum()
    return np.sqrt(squares / degrees.where(degrees > 0)).replace(0.0, np.nan)


def measure_distances(curve: pd.DataFrame, other: pd.DataFrame, spread: pd.DataFrame) -> pd.Series:
    """How far two runs are apart at each step: the root mean square over metrics.

    `curve` and `other` have a row for each step. A metric that only one of them has at a step they
    share counts as one standard deviation.
    """
    steps = curve.index.intersection(other.index).intersection(spread.index)
    first, second = (one.reindex(columns=spread.columns).loc[steps] for one in (curve, other))
    shares = (first - second) / spread.loc[steps]
    shares = shares.mask(first.isna() ^ second.isna(), 1.0)
    return np.sqrt((shares**2).mean(axis="columns", skipna=True)).dropna()


def find_drift(
    run: pd.DataFrame, published: pd.DataFrame, of_twins: Sequence[pd.Series], spread: pd.DataFrame
) -> Drift:
    """Compares how far a repeated run is from the published one with how far twins drift.

    `of_twins` are the distances of twins from the runs that they are twins of, this run or others
    of its study: a run drifts early or late by chance, so one twin tells little. Drift only grows,
    so the furthest twin until then counts at each step. Raises ValueError if the curves share no
    snapshot.
    """
    distances = measure_distances(run, published, spread)
    if distances.empty:
        raise ValueError("the repeated run and the published one share no snapshot with scores")
    aligned = [twin.reindex(distances.index) for twin in of_twins]
    furthest = pd.concat(aligned, axis="columns").max(axis="columns").fillna(0.0)
    allowed = FACTOR * furthest.cummax().clip(lower=FLOOR)
    step = (distances / allowed).idxmax()
    return Drift(int(step), float(distances[step]), float(allowed[step]))

"""A contrast in the unit of an axis: its estimate, its intervals and its margin."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import asinh, exp, isfinite, log, nan, sinh

import numpy as np

from ganbench.catalogue.metrics import METRICS, base_name
from ganbench.evidence.final_scores import Row
from ganbench.evidence.scales import Scale
from ganbench.study.declared import read_margin

Limits = tuple[float, float]


@dataclass(frozen=True)
class ShownContrast:
    """A contrast in the axis's unit; what is unknown is NaN.

    `own` is the interval of this contrast alone, `simultaneous` the one that holds for all of a
    dataset together, and `margin` what is equivalent to no difference.
    """

    value: float
    own: Limits
    simultaneous: Limits
    margin: Limits


def estimate_contrast(row: Row, centres: Mapping[str, float], *, as_ratio: bool) -> ShownContrast:
    """A row of `comparisons.csv` on an axis of ratios or of differences.

    `centres` has the central score of each variant, around which a margin is converted. Ratios are
    of contrasts on the log scale only.
    """
    scores = [centres.get(row[side], nan) for side in ("variant", "baseline")]
    margin = _find_margin(row, np.array(scores), as_ratio=as_ratio)
    if as_ratio:
        simultaneous = row["ratio_low"], row["ratio_high"]
        return ShownContrast(row["ratio"], _find_own_ratios(row), simultaneous, margin)
    own, simultaneous = (
        (row[f"{kind}_low"], row[f"{kind}_high"]) for kind in ("ci", "simultaneous")
    )
    return ShownContrast(row["difference"], own, simultaneous, margin)


def _find_own_ratios(row: Row) -> Limits:
    """The interval of a contrast alone as ratios; the table has it in the metric's unit.

    A difference d is 2c sinh(log(r)/2) for a ratio r of two scores around c, their geometric mean.
    """
    if row["ci_low"] == row["ci_high"] == 0:
        return 1.0, 1.0
    known = [(row["difference"], row["ratio"]), (row["simultaneous_high"], row["ratio_high"])]
    centres = [d / (2 * sinh(log(r) / 2)) for d, r in known if isfinite(d) and r > 0 and r != 1]
    if not centres:
        return nan, nan
    low, high = (exp(2 * asinh(row[name] / (2 * centres[0]))) for name in ("ci_low", "ci_high"))
    return low, high


def _find_margin(row: Row, scores: np.ndarray, *, as_ratio: bool) -> Limits:
    """What a declared margin allows around no difference, as `Scale.is_within` judges it."""
    margin = read_margin(row["margin"] or "")
    if margin is None or not np.isfinite(scores).all():
        return nan, nan
    definition = METRICS[base_name(row["metric"])]
    scale = Scale(row["scale"], definition.lowest, definition.highest)
    middle = float(np.mean(scale.to_positions(scores)))
    if margin.is_share and scale.name == "log":
        shift = log(1 + margin.size)
        size = scale.to_difference(shift, middle)
    else:
        size = margin.size
        if margin.is_share:
            size *= abs(float(scale.to_values(np.asarray(middle))))
        shift = 2 * asinh(size / (2 * exp(middle))) if as_ratio else nan
    return (exp(-shift), exp(shift)) if as_ratio else (-size, size)

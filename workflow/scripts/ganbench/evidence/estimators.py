"""Estimates from the values of a few seeds: intervals, tests, effect sizes, detectable differences.

Every function takes one-dimensional arrays with one value per seed, and gives NaN where too few
seeds leave an estimate undefined. Paired functions expect position i to be the same seed in both.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import optimize, special, stats

POWER = 0.8
"""The power at which a difference counts as detectable (Cohen 1988, section 2.4)."""

ROUNDING = 1e-12
"""Values that spread by less than this share of their size differ by rounding alone."""


class Estimate(NamedTuple):
    """A mean, its Student t interval, and the p-value of the hypothesis that it is zero."""

    mean: float
    low: float
    high: float
    p_value: float


def t_estimate(values: np.ndarray, confidence: float) -> Estimate:
    """The mean of `values` with its two-sided Student t interval and p-value.

    On paired differences this is the paired t-test. Values without any spread have an interval of
    zero width, and p = 1 when they are all zero (nothing was observed), else p = 0.
    """
    if len(values) == 0:
        return Estimate(np.nan, np.nan, np.nan, np.nan)
    mean = float(np.mean(values))
    if len(values) == 1:
        return Estimate(mean, np.nan, np.nan, np.nan)
    if standard_deviation(values) == 0.0:
        return Estimate(mean, mean, mean, 1.0 if mean == 0.0 else 0.0)
    test = stats.ttest_1samp(values, 0.0)
    low, high = test.confidence_interval(confidence)
    return Estimate(mean, float(low), float(high), float(test.pvalue))


def standard_deviation(values: np.ndarray) -> float:
    """Sample standard deviation (n − 1); exactly 0 where the values differ by rounding alone."""
    if len(values) < 2:
        return np.nan
    if np.ptp(values) <= ROUNDING * np.max(np.abs(values)):
        return 0.0
    return float(np.std(values, ddof=1))


def holm(p_values: Sequence[float]) -> np.ndarray:
    """p-values adjusted for testing all of them (Holm 1979, A simple sequentially rejective test).

    NaN marks a test that could not be made: it stays NaN and does not count.
    """
    p_values = np.asarray(p_values, dtype=float)
    adjusted = np.full(p_values.shape, np.nan)
    order = np.argsort(p_values, kind="stable")[: np.count_nonzero(~np.isnan(p_values))]
    scaled = p_values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return adjusted


def probability_greater(values: np.ndarray, others: np.ndarray) -> float:
    """P(a value > one of the others) + ½ P(equal), over all pairs of one value and one other.

    The A of Vargha and Delaney 2000 (A critique and improvement of the CL common language effect
    size statistics, Eq. 2).
    """
    if len(values) == 0 or len(others) == 0:
        return np.nan
    return float((1.0 + np.sign(values[:, None] - others[None, :]).mean()) / 2.0)


def hedges_g(values: np.ndarray, others: np.ndarray) -> float:
    """Mean paired difference (values − others) over the pooled standard deviation, unbiased.

    The pooled variance is the mean of the two sample variances, so that g is in units of the
    spread between seeds and not of the differences. Hedges' correction
    J(m) = Γ(m/2) / (√(m/2) Γ((m − 1)/2)) is taken at m = 2(n − 1) degrees of freedom, as
    Goulet-Pelletier and Cousineau 2018 (A review of effect sizes and their confidence intervals)
    advise for the pooled deviation of paired data. Without spread g is 0 for equal means, and NaN
    (undefined) for different ones.
    """
    n = len(values)
    if n < 2:
        return np.nan
    difference = float(np.mean(values - others))
    pooled = np.hypot(standard_deviation(values), standard_deviation(others)) / np.sqrt(2.0)
    if pooled == 0.0:
        return 0.0 if difference == 0.0 else np.nan
    m = 2 * (n - 1)
    log_j = special.gammaln(m / 2) - special.gammaln((m - 1) / 2) - np.log(m / 2) / 2
    return float(np.exp(log_j) * difference / pooled)


def detectable_difference(differences: np.ndarray, alpha: float) -> float:
    """The smallest true mean difference that these seeds would find with 80 % power.

    "Find" means that the two-sided paired t-test at level `alpha` rejects with the right sign. The
    standard deviation of the differences is taken to be the one observed. No correction for other
    comparisons is made.
    """
    n = len(differences)
    if n < 2:
        return np.nan
    return standard_deviation(differences) * _detectable_noncentrality(n, alpha) / float(np.sqrt(n))


@cache
def _detectable_noncentrality(n: int, alpha: float) -> float:
    """The noncentrality at which n pairs give POWER: P(T > t(1 − α/2)) with n − 1 degrees.

    Only the tail of the right sign counts: the other one adds under 1e-4, and scipy's `nct.cdf`
    gives NaN so far out.
    """
    critical = stats.t.isf(alpha / 2, n - 1)

    def shortfall(noncentrality: float) -> float:
        return stats.nct.sf(critical, n - 1, noncentrality) - POWER

    upper = 1.0
    while shortfall(upper) < 0:
        upper *= 2
    return float(optimize.brentq(shortfall, 0.0, upper))

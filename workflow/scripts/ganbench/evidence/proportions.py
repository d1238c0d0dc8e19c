"""Intervals of shares and of probabilities that one variant's run beats another's.

All are score intervals: the variance is taken at the limit and not at the estimate, so that five
wins out of five leave doubt, where a Wald interval or a bootstrap would have zero width.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import optimize, special


class Share(NamedTuple):
    """An estimated probability with its interval, all between 0 and 1."""

    estimate: float
    low: float
    high: float


UNKNOWN = Share(np.nan, np.nan, np.nan)
_TINY = 1e-9


def wilson(count: int, n: int, confidence: float) -> Share:
    """A share of `n` runs, with the interval of Wilson 1927.

    Probable inference, the law of succession, and statistical inference. Averaged over all true
    rates, 95 % intervals of 5 runs cover 95.5 %.
    """
    if n == 0:
        return UNKNOWN
    z2 = _normal_quantile(confidence) ** 2
    share = count / n
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half_width = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    low = 0.0 if count == 0 else float(middle - half_width)
    return Share(share, low, 1.0 if count == n else float(middle + half_width))


def superiority(won: Sequence[np.ndarray], confidence: float) -> Share:
    """The probability that a run beats one of its rivals, over all rivals alike, with its interval.

    `won` has one array `(runs, runs of a rival)` for each rival: 1 won, ½ drawn, 0 lost. With one
    rival this is the Mann–Whitney probability and its interval that of Newcombe 2006 (Confidence
    intervals for an effect size measure based on the Mann–Whitney statistic, Part 2, method 5):
    all θ for which (θ̂ − θ)² ≤ z² V(θ), with
    V(θ) = θ(1 − θ)(1 + N(1 − θ)/(2 − θ) + Nθ/(1 + θ))/(mn) and N = (m + n)/2 − 1, here widened
    where the data spread more: V(θ) is no less than θ(1 − θ)/(θ̂(1 − θ̂)) times the variance of
    DeLong, DeLong and Clarke-Pearson 1988 (Comparing the areas under two or more correlated
    receiver operating characteristic curves), as it is when some runs of a variant collapse.
    """
    estimate = float(np.mean([each.mean() for each in won]))
    n, m = len(won[0]), sum(each.shape[1] for each in won)
    observed = _placement_variance(won)
    spread = observed / (estimate * (1 - estimate)) if 0 < estimate < 1 else 0.0
    z2 = _normal_quantile(confidence) ** 2

    def outside(theta: float) -> float:
        many = (m + n) / 2 - 1
        pairs = 1 + many * (1 - theta) / (2 - theta) + many * theta / (1 + theta)
        return (estimate - theta) ** 2 - z2 * theta * (1 - theta) * max(pairs / (m * n), spread)

    # At an estimate of 0 or 1 the equation also holds there: the other root is the limit.
    low = optimize.brentq(outside, 0.0, min(estimate, 1 - _TINY)) if estimate > 0 else 0.0
    high = optimize.brentq(outside, max(estimate, _TINY), 1.0) if estimate < 1 else 1.0
    return Share(estimate, float(low), float(high))


def _placement_variance(won: Sequence[np.ndarray]) -> float:
    """DeLong's variance of the mean of `won`: what its runs and each rival's runs contribute."""
    of_runs = _variance_of_mean(np.mean([each.mean(axis=1) for each in won], axis=0))
    of_rivals = sum(_variance_of_mean(each.mean(axis=0)) for each in won) / len(won) ** 2
    return of_runs + of_rivals


def _variance_of_mean(values: np.ndarray) -> float:
    """Zero for a single value, which shows no spread."""
    return float(np.var(values, ddof=1)) / len(values) if len(values) > 1 else 0.0


def averaged(shares: Sequence[Share]) -> Share:
    """The mean of independent shares with its interval.

    Each limit lies as far from the mean as the square root of the summed squares of the parts'
    distances says (Zou and Donner 2008, Construction of confidence limits about effect measures:
    a general approach). Unlike a normal interval it keeps the parts' asymmetry.
    """
    if len(shares) == 0:
        return UNKNOWN
    estimates, lows, highs = np.array(shares).T
    mean, count = float(estimates.mean()), len(shares)
    below = float(np.sqrt(((estimates - lows) ** 2).sum())) / count
    above = float(np.sqrt(((highs - estimates) ** 2).sum())) / count
    return Share(mean, mean - below, mean + above)


def _normal_quantile(confidence: float) -> float:
    return float(special.ndtri((1.0 + confidence) / 2))

"""Shares of runs, and the probability that a run of one variant beats a run of another.

All intervals are score intervals: the variance is taken at the limit and not at the estimate. Five
wins out of five therefore leave doubt, where a Wald interval or a bootstrap has zero width.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import special


class Share(NamedTuple):
    """An estimated probability with its interval, all between 0 and 1."""

    estimate: float
    low: float
    high: float


UNKNOWN = Share(np.nan, np.nan, np.nan)
_TINY = 1e-9


def wilson(count: int, n: int, confidence: float) -> Share:
    """The share count/n with Wilson's interval; unknown for n = 0.

    Wilson 1927, Probable inference, the law of succession, and statistical inference. Averaged over
    all true rates, 95 % intervals of 5 runs cover 95.5 %.
    """
    if n == 0:
        return UNKNOWN
    z2 = _normal_quantile(confidence) ** 2
    share = count / n
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half_width = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    low = 0.0 if count == 0 else float(middle - half_width)
    return Share(share, low, 1.0 if count == n else float(middle + half_width))


def win_matrix(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """1 where a value is greater than one of the others, ½ where equal; `(values, others)`."""
    first, second = values[:, None], others[None, :]
    return (first > second) + 0.5 * (first == second)


def probability_greater(values: np.ndarray, others: np.ndarray) -> float:
    """P(a value > one of the others) + ½ P(equal), over all pairs; NaN where either is empty.

    The A of Vargha and Delaney 2000 (A critique and improvement of the CL common language effect
    size statistics, Eq. 2).
    """
    if len(values) == 0 or len(others) == 0:
        return np.nan
    return float(win_matrix(values, others).mean())


def superiority(wins: Sequence[np.ndarray], confidence: float) -> Share:
    """The probability that a run beats a run of a rival, averaged over rivals, with its interval.

    `wins` has one `win_matrix` for each rival, `(runs, runs of the rival)`. With one rival the
    estimate is the Mann–Whitney probability and the interval that of Newcombe 2006 (Confidence
    intervals for an effect size measure based on the Mann–Whitney statistic, Part 2, method 5):
    all θ for which (θ̂ − θ)² ≤ z² V(θ), with
    V(θ) = θ(1 − θ)(1 + N(1 − θ)/(2 − θ) + Nθ/(1 + θ))/(mn) and N = (m + n)/2 − 1. It is widened
    where the data spread more, as when some runs of a variant collapse: V(θ) is at least
    θ(1 − θ)/(θ̂(1 − θ̂)) times the variance of DeLong, DeLong and Clarke-Pearson 1988 (Comparing the
    areas under two or more correlated receiver operating characteristic curves).
    """
    from scipy import optimize  # noqa: PLC0415 (slow, and `wilson` does not need it)

    estimate = float(np.mean([matrix.mean() for matrix in wins]))
    n, m = len(wins[0]), sum(matrix.shape[1] for matrix in wins)
    observed = _delong_variance(wins)
    spread = observed / (estimate * (1 - estimate)) if 0 < estimate < 1 else 0.0
    z2 = _normal_quantile(confidence) ** 2

    def excess(theta: float) -> float:
        half = (m + n) / 2 - 1
        pairs = 1 + half * (1 - theta) / (2 - theta) + half * theta / (1 + theta)
        return (estimate - theta) ** 2 - z2 * theta * (1 - theta) * max(pairs / (m * n), spread)

    # At an estimate of 0 or 1 the equation also holds there: the other root is the limit.
    low = optimize.brentq(excess, 0.0, min(estimate, 1 - _TINY)) if estimate > 0 else 0.0
    high = optimize.brentq(excess, max(estimate, _TINY), 1.0) if estimate < 1 else 1.0
    return Share(estimate, float(low), float(high))


def _delong_variance(wins: Sequence[np.ndarray]) -> float:
    """DeLong's variance of the mean of `wins`: the parts of its own runs and of each rival's."""
    own = _variance_of_mean(np.mean([matrix.mean(axis=1) for matrix in wins], axis=0))
    rivals = sum(_variance_of_mean(matrix.mean(axis=0)) for matrix in wins) / len(wins) ** 2
    return own + rivals


def _variance_of_mean(values: np.ndarray) -> float:
    """Zero for a single value, which shows no spread."""
    return float(np.var(values, ddof=1)) / len(values) if len(values) > 1 else 0.0


def average_shares(shares: Sequence[Share]) -> Share:
    """The mean of independent shares with its interval; unknown for none.

    Each limit is as far from the mean as the root of the summed squares of the shares' distances,
    over their number (Zou and Donner 2008, Construction of confidence limits about effect measures:
    a general approach). Unlike a normal interval it keeps the asymmetry of the parts.
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

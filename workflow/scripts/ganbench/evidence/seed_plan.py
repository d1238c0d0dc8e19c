"""How many seeds a difference needs.

Differences are paired, seed by seed, on the scale of the test. A difference is detected if the
two-sided paired t-test at level `alpha` rejects with the right sign.
"""

from typing import NamedTuple

import numpy as np
from scipy import special, stats

from ganbench.evidence.estimators import POWER, list_deviations, standard_deviation

MOST_SEEDS = 100_000
"""Where no more seeds are counted: a difference this small is none."""


class SeedPlan(NamedTuple):
    """Seeds that detect an effect with 80 % power.

    `low` and `high` are the numbers at the ends of the interval of the standard deviation. They are
    inf where `MOST_SEEDS` do not suffice.
    """

    seeds: float
    low: float
    high: float


def plan_seeds(differences: np.ndarray, effect: float, alpha: float, confidence: float) -> SeedPlan:
    """The seeds that detect `effect`, by the spread of these differences and by its interval.

    NaN for fewer than two differences, which have no spread.
    """
    deviations = (
        standard_deviation(differences),
        *deviation_interval(differences, confidence),
    )
    return SeedPlan(*(count_needed_seeds(effect, sd, alpha) for sd in deviations))


def deviation_interval(values: np.ndarray, confidence: float) -> tuple[float, float]:
    """The interval of a Gaussian's standard deviation: s √((n − 1)/χ²) at the quantiles of χ².

    The χ² distribution has n − 1 degrees of freedom (Snedecor and Cochran 1989, Statistical
    methods, Section 5.11).
    """
    degrees = len(values) - 1
    if degrees < 1:
        return np.nan, np.nan
    tails = np.array([1 + confidence, 1 - confidence]) / 2
    low, high = standard_deviation(values) * np.sqrt(degrees / stats.chi2.ppf(tails, degrees))
    return float(low), float(high)


def count_needed_seeds(effect: float, deviation: float, alpha: float) -> float:
    """The smallest number of seeds with 80 % power, if the true deviation is `deviation`."""
    if np.isnan(effect) or np.isnan(deviation):
        return np.nan
    if deviation == 0.0:
        return 2.0 if effect else np.inf
    ratio = abs(effect) / deviation
    low, high = 1, 2
    while compute_power(high, ratio, alpha) < POWER:
        low, high = high, 2 * high
        if high > MOST_SEEDS:
            return np.inf
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (low, middle) if compute_power(middle, ratio, alpha) >= POWER else (middle, high)
        )
    return float(high)


def compute_power(n: int, ratio: float, alpha: float) -> float:
    """The power of n seeds for an effect of `ratio` true standard deviations.

    P(T > t(1 − α/2; n − 1)) = E Φ(√n ratio − t u), where u is the sample's over the true standard
    deviation. The mean over u has no problem far in the tails, where scipy's `nct` gives NaN.
    """
    critical = special.stdtrit(n - 1, 1 - alpha / 2)
    return float(special.ndtr(np.sqrt(n) * ratio - critical * list_deviations(n - 1)).mean())

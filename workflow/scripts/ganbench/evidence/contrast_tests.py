"""Two tests of one contrast: of its scores, and of how many of its runs failed.

Outcomes are by seed: a position on the metric's scale, or NaN for a run that failed. A failed run
is worse than every completed one.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import special, stats

from ganbench.evidence.estimators import paired_differences, standard_deviation

OutcomesBySeed = dict[int, float]
"""What each run of a variant came to, by seed; NaN where it failed."""

MINIMUM_RUNS = 3
"""Fewer scores than this on either side decide nothing.

One has no spread, and two shares out of a few hundred images often agree by chance.
"""


LARGEST_LEVEL = 0.05
"""A test of failures that cannot reach this level, whoever failed, is not made (Tarone 1990)."""


class ScoreTest(NamedTuple):
    """The difference variant − baseline, with what its t interval and p-value follow from.

    `centre` is halfway between the two means. `kept` is the smaller number of scores compared.
    """

    name: str
    shift: float
    error: float
    degrees: float
    centre: float
    kept: int

    @property
    def p_value(self) -> float:
        """Of the hypothesis that the difference is zero, two-sided."""
        if np.isnan(self.error):
            return np.nan
        if self.error == 0.0:
            return 1.0 if self.shift == 0.0 else 0.0
        return 2.0 * float(special.stdtr(self.degrees, -abs(self.shift) / self.error))

    def interval(self, alpha: float) -> tuple[float, float]:
        """The interval of the difference at level 1 − `alpha`; it excludes 0 where p < alpha."""
        if np.isnan(self.error):
            return np.nan, np.nan
        half_width = float(special.stdtrit(self.degrees, 1.0 - alpha / 2)) * self.error
        half_width = half_width if self.error else 0.0
        return self.shift - half_width, self.shift + half_width


class _Side(NamedTuple):
    """The runs of one variant after the worst `trimmed` were set aside.

    `winsorised` has those at the worst score kept; `variance` is that of the mean of `kept`.
    """

    kept: np.ndarray
    winsorised: OutcomesBySeed
    trimmed: int
    variance: float


def compare_scores(variant: OutcomesBySeed, baseline: OutcomesBySeed, sign: int) -> ScoreTest:
    """Tests the scores; `sign` is 1 where higher positions are better and −1 where lower ones are.

    Where runs failed, both sides lose their worst share q, the larger share of failures, and means
    of the rest are compared (Permutt and Li 2017, Trimmed means for symptom trials with dropouts).
    So a side gains nothing by losing its worst runs. The variance allows for the trimming (Yuen
    1974, The two-sample trimmed t for unequal population variances; here of one tail): that of the
    winsorised scores, Σ(w − w̄)²/(h(h − 1)) with h scores kept.

    Runs with one seed are pairs. With r the correlation of the pairs, n_c their number, and v the
    variances of the two means, the difference has the variance
    v₁ + v₂ − 2r √(v₁v₂) n_c/√(n₁n₂), and degrees of freedom between those of the pairs and Welch's
    (Derrick, Russ, Toher and White 2017, Test statistics for the comparison of means for two
    samples that include both paired and independent observations, T_new2). If all seeds are shared
    and none failed, it is the paired t-test; if none is shared, Welch's.
    """
    share = max(_failed_share(variant), _failed_share(baseline))
    first, second = (_trim(outcomes, share, sign) for outcomes in (variant, baseline))
    kept = min(len(first.kept), len(second.kept))
    name = _name_test(variant, baseline, first.trimmed + second.trimmed)
    if kept == 0:
        return ScoreTest("", np.nan, np.nan, np.nan, np.nan, 0)
    means = float(np.mean(first.kept)), float(np.mean(second.kept))
    shift, centre = means[0] - means[1], (means[0] + means[1]) / 2
    if kept == 1 and name != "paired t":
        return ScoreTest(name, shift, np.nan, np.nan, centre, kept)
    if name == "paired t":
        seeds = sorted(variant)
        columns = (np.array([side[seed] for seed in seeds]) for side in (variant, baseline))
        differences = paired_differences(*columns)
        shift = float(np.mean(differences))
        error = standard_deviation(differences) / np.sqrt(len(seeds))
        return ScoreTest(name, shift, float(error), len(seeds) - 1, centre, kept)
    error, degrees = _combine(first, second)
    return ScoreTest(name, shift, error, degrees, centre, kept)


def _name_test(variant: OutcomesBySeed, baseline: OutcomesBySeed, trimmed: int) -> str:
    if trimmed:
        return "trimmed t"
    if variant.keys() == baseline.keys():
        return "paired t"
    return "partially paired t" if variant.keys() & baseline.keys() else "Welch t"


def _failed_share(outcomes: OutcomesBySeed) -> float:
    return count_failed(outcomes) / len(outcomes) if outcomes else 1.0


def count_failed(outcomes: OutcomesBySeed) -> int:
    """The number of runs that failed."""
    return sum(map(np.isnan, outcomes.values()))


def _trim(outcomes: OutcomesBySeed, share: float, sign: int) -> _Side:
    """Sets aside the worst `share` of the runs, all failed ones among them."""
    trimmed = max(count_failed(outcomes), round(share * len(outcomes)))
    best_first = sorted(
        outcomes, key=lambda seed: np.inf if np.isnan(outcomes[seed]) else -sign * outcomes[seed]
    )
    kept = np.array([outcomes[seed] for seed in best_first[: len(outcomes) - trimmed]])
    if len(kept) == 0:
        return _Side(kept, {}, trimmed, np.nan)
    winsorised = dict.fromkeys(best_first, float(kept[-1]))
    winsorised |= dict(zip(best_first, map(float, kept), strict=False))
    values, count = np.array(list(winsorised.values())), len(kept)
    spread = standard_deviation(values)
    squares = spread**2 * (len(values) - 1)
    return _Side(
        kept, winsorised, trimmed, squares / (count * (count - 1)) if count > 1 else np.nan
    )


def _combine(first: _Side, second: _Side) -> tuple[float, float]:
    """The standard error of a difference of means of partly paired runs, and its degrees."""
    pairs = sorted(first.winsorised.keys() & second.winsorised.keys())
    sizes = len(first.winsorised), len(second.winsorised)
    columns = [np.array([side.winsorised[seed] for seed in pairs]) for side in (first, second)]
    covariance = _correlation(*columns) * np.sqrt(first.variance * second.variance)
    variance = first.variance + second.variance
    variance -= 2 * covariance * len(pairs) / np.sqrt(sizes[0] * sizes[1])
    alone = sum(sizes) - 2 * len(pairs)
    unpaired_share = alone / sum(sizes)
    parts = np.array([first.variance, second.variance])
    own_degrees = np.array([len(first.kept) - 1, len(second.kept) - 1])
    squares = (parts**2 / own_degrees).sum()
    welch = parts.sum() ** 2 / squares if squares else 1.0
    paired = max(len(pairs) - max(first.trimmed, second.trimmed) - 1, 0)
    degrees = (1 - unpaired_share) * paired + unpaired_share * welch
    return float(np.sqrt(max(variance, 0.0))), float(max(degrees, 1.0))


def _correlation(values: np.ndarray, others: np.ndarray) -> float:
    """Pearson's; 0 where either has no spread, or there are too few pairs to show any.

    Unlike `np.corrcoef` it has the same bits if the two are exchanged.
    """
    if len(values) < 3 or standard_deviation(values) == 0 or standard_deviation(others) == 0:
        return 0.0
    first, second = values - values.mean(), others - others.mean()
    return float((first * second).sum() / np.sqrt((first**2).sum() * (second**2).sum()))


def compare_failures(variant: OutcomesBySeed, baseline: OutcomesBySeed) -> float:
    """The p-value of equal failure rates (Boschloo 1970, Raised conditional level of significance).

    Exact whatever the common rate, and more powerful than Fisher's test: all of 3 runs against none
    of 3 has p = 0.031, where Fisher's has 0.1. NaN if no run failed, or a side has none.
    """
    counts = [(count_failed(side), len(side)) for side in (variant, baseline)]
    if not variant or not baseline or counts[0][0] + counts[1][0] == 0:
        return np.nan
    return _boschloo(*sorted(counts))


def can_decide(variant: OutcomesBySeed, baseline: OutcomesBySeed, tests: int) -> bool:
    """Whether so many failures, all on one side, would be significant as one of `tests` tests.

    Otherwise a test of them would cost the other half its level and could never decide (Tarone
    1990, A modified Bonferroni method for discrete data). It depends on the number of failures
    alone, and not on whose they are.
    """
    sizes, failures = (len(variant), len(baseline)), count_failed(variant) + count_failed(baseline)
    if not all(sizes) or failures == 0:
        return False
    extremes = [
        ((min(failures, size), size), (failures - min(failures, size), sum(sizes) - size))
        for size in sizes
    ]
    return min(_boschloo(*sorted(counts)) for counts in extremes) < LARGEST_LEVEL / tests


@cache
def _boschloo(first: tuple[int, int], second: tuple[int, int]) -> float:
    table = [[first[0], second[0]], [first[1] - first[0], second[1] - second[0]]]
    p_value = float(stats.boschloo_exact(table).pvalue)
    return 1.0 if np.isnan(p_value) else min(p_value, 1.0)  # NaN where every run failed

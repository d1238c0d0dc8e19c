"""Estimates over a few seeds: means, differences, effect sizes and components of variance.

Arrays are one-dimensional with one value per seed, unless stated otherwise. An estimate that too
few seeds leave undefined is NaN.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import optimize, special, stats

ROUNDING = 1e-12
"""Values that spread by less than this share of their size differ by rounding alone."""

POWER = 0.8
"""The power at which a difference counts as detectable (Cohen 1988, Section 2.4)."""

NODES = 400
"""Quantiles of each χ distribution over which powers are averaged; 1,600 change them by 1e-4."""


class Estimate(NamedTuple):
    """A mean, its Student t interval, and the p-value of the hypothesis that it is zero."""

    mean: float
    low: float
    high: float
    p_value: float


def t_estimate(values: np.ndarray, confidence: float) -> Estimate:
    """The mean of `values` with its two-sided Student t interval and p-value.

    x̄ ± t(1 − α/2; n − 1) s/√n (Student 1908, The probable error of a mean). On paired differences
    this is the paired t-test. In simulations with five Gaussian seeds its 95 % intervals cover
    95 % of the time, those of the percentile bootstrap 83 %. Values without any spread have an
    interval of zero width, with p = 1 when they are all zero and p = 0 otherwise.
    """
    if len(values) == 0:
        return Estimate(np.nan, np.nan, np.nan, np.nan)
    mean = float(np.mean(values))
    if len(values) == 1:
        return Estimate(mean, np.nan, np.nan, np.nan)
    n = len(values)
    return _estimate(mean, standard_deviation(values) / np.sqrt(n), n - 1, confidence)


def welch_estimate(values: np.ndarray, others: np.ndarray, confidence: float) -> Estimate:
    """mean(values) − mean(others) with Welch's interval and p-value, without pairing seeds.

    The variances may differ; the degrees of freedom are Satterthwaite's (Welch 1947, The
    generalization of 'Student's' problem when several different population variances are
    involved). Undefined where either has fewer than two values. Without spread as in `t_estimate`.
    """
    if len(values) == 0 or len(others) == 0:
        return Estimate(np.nan, np.nan, np.nan, np.nan)
    difference = float(np.mean(values) - np.mean(others))
    if len(values) == 1 or len(others) == 1:
        return Estimate(difference, np.nan, np.nan, np.nan)
    parts = np.array([standard_deviation(group) ** 2 / len(group) for group in (values, others)])
    variance = parts.sum()
    if variance == 0.0:
        return _estimate(difference, 0.0, 1, confidence)
    degrees = variance**2 / (parts**2 / [len(values) - 1, len(others) - 1]).sum()
    return _estimate(difference, float(np.sqrt(variance)), degrees, confidence)


def _estimate(mean: float, error: float, degrees: float, confidence: float) -> Estimate:
    """The t interval and p-value of a mean with standard error `error`."""
    if error == 0.0:
        return Estimate(mean, mean, mean, 1.0 if mean == 0.0 else 0.0)
    half_width = float(special.stdtrit(degrees, (1.0 + confidence) / 2)) * float(error)
    p_value = 2.0 * float(special.stdtr(degrees, -abs(mean) / error))
    return Estimate(mean, mean - half_width, mean + half_width, p_value)


def prediction_interval(values: np.ndarray, confidence: float) -> tuple[float, float]:
    """The interval that holds one more value of the same Gaussian with this confidence.

    x̄ ± t(1 − α/2; n − 1) s √(1 + 1/n) (Hahn 1969, Factors for calculating two-sided prediction
    intervals for samples from a normal distribution). Undefined for fewer than two values.
    """
    if len(values) < 2:
        return np.nan, np.nan
    spread = standard_deviation(values) * np.sqrt(1 + 1 / len(values))
    half_width = float(special.stdtrit(len(values) - 1, (1 + confidence) / 2) * spread)
    return float(np.mean(values)) - half_width, float(np.mean(values)) + half_width


def standard_deviation(values: np.ndarray) -> float:
    """Sample standard deviation (n − 1); exactly 0 where the values differ by rounding alone."""
    if len(values) < 2:
        return np.nan
    if np.ptp(values) <= ROUNDING * np.max(np.abs(values)):
        return 0.0
    return float(np.std(values, ddof=1))


def paired_differences(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """values − others, seed by seed; exactly 0 where the two differ by rounding alone."""
    differences = values - others
    size = np.maximum(np.abs(values), np.abs(others))
    return np.where(np.abs(differences) <= ROUNDING * size, 0.0, differences)


def hedges_g(values: np.ndarray, others: np.ndarray) -> float:
    """Mean paired difference (values − others) in pooled standard deviations, without bias.

    The pooled variance is the mean of the two sample variances, so g is in units of the spread
    between seeds and not of that of the differences. The correction of Hedges 1981 (Distribution
    theory for Glass's estimator of effect size), J(m) = Γ(m/2) / (√(m/2) Γ((m − 1)/2)), is taken at
    m = 2(n − 1) degrees of freedom, as Goulet-Pelletier and Cousineau 2018 (A review of effect
    sizes and their confidence intervals) advise for the pooled deviation of paired data. Without
    any spread g is 0 for equal means and NaN for different ones.
    """
    n = len(values)
    if n < 2:
        return np.nan
    difference = float(np.mean(paired_differences(values, others)))
    pooled = np.hypot(standard_deviation(values), standard_deviation(others)) / np.sqrt(2.0)
    if pooled == 0.0:
        return 0.0 if difference == 0.0 else np.nan
    m = 2 * (n - 1)
    log_j = special.gammaln(m / 2) - special.gammaln((m - 1) / 2) - np.log(m / 2) / 2
    return float(np.exp(log_j) * difference / pooled)


def detectable_shift(error: float, degrees: float, alpha: float) -> float:
    """The true difference that a further study like this one detects with 80 % power.

    To detect is to reject two-sided at level `alpha`, with the right sign. The standard error
    `error` is itself an estimate, and one that is too small promises too much: the difference at
    which the noncentral t distribution has 80 % power is detected by 62 to 74 % of further studies.
    Here the power is 80 % on average over the error of this study and of the further one (expected
    power, or assurance: O'Hagan, Stevens and Campbell 2005, Assurance in clinical trial design).
    """
    if np.isnan(error):
        return np.nan
    return error * _detectable_noncentrality(round(float(degrees), 2), alpha)


def detectable_difference(differences: np.ndarray, alpha: float) -> float:
    """`detectable_shift` for the paired t-test of these differences; NaN for fewer than two."""
    n = len(differences)
    if n < 2:
        return np.nan
    return detectable_shift(standard_deviation(differences) / float(np.sqrt(n)), n - 1, alpha)


@cache
def _detectable_noncentrality(degrees: float, alpha: float) -> float:
    """The multiple f of the stated error at which E Φ(f u − t(1 − α/2) u') is `POWER`.

    u and u' are the estimated over the true error in the study that states the difference and in
    the one that looks for it.
    """
    deviations = list_deviations(degrees)
    threshold = special.stdtrit(degrees, 1 - alpha / 2) * deviations[None, :]

    def excess_power(factor: float) -> float:
        return float(special.ndtr(factor * deviations[:, None] - threshold).mean()) - POWER

    upper = 1.0
    while excess_power(upper) < 0:
        upper *= 2
    return float(optimize.brentq(excess_power, 0.0, upper))


@cache
def list_deviations(degrees: float) -> np.ndarray:
    """Equally likely values of s/σ, where s² has this many degrees of freedom."""
    levels = (np.arange(NODES) + 0.5) / NODES
    return np.sqrt(stats.chi2.ppf(levels, degrees) / degrees)


class NoiseComponents(NamedTuple):
    """Standard deviations between training seeds, and between samplings of one generator."""

    seeds: float
    sampling: float


def noise_components(groups: Sequence[np.ndarray]) -> NoiseComponents:
    """Random-effects components of scores y_ij = μ + a_i + e_ij, one array of repeats per seed.

    The method of moments from the analysis of variance (Searle, Casella and McCulloch 1992,
    Variance components, Section 3.6): σ²_e = MSE and σ²_a = (MSA − MSE)/n₀, where n₀ is the number
    of repeats, or (N − Σn_i²/N)/(a − 1) where groups differ in size. A negative estimate of σ²_a is
    set to 0: the seeds spread no more than sampling explains. `seeds` is NaN with one seed, and
    both are NaN without repeats.
    """
    error, between, repeats = _analyse_variance(groups)
    variance = max(0.0, (between - error) / repeats) if np.isfinite(between) else np.nan
    return NoiseComponents(float(np.sqrt(variance)), float(np.sqrt(error)))


def noise_ratio_interval(groups: Sequence[np.ndarray], confidence: float) -> tuple[float, float]:
    """The interval of σ_a/σ_e, the noise of seeds in units of that of sampling.

    With MSA/MSE = F it is √((F/f − 1)/n₀) at the two quantiles f of the F distribution (Searle,
    Casella and McCulloch 1992, Section 3.6d), exact for Gaussian noise where groups are of one
    size. Bounds below 0 are 0. NaN where a component is undefined, infinite where samplings of a
    generator do not differ.
    """
    error, between, repeats = _analyse_variance(groups)
    if not np.isfinite(between):
        return np.nan, np.nan
    if error == 0:
        return (np.inf, np.inf) if between else (np.nan, np.nan)
    seeds, total = len(groups), sum(map(len, groups))
    tail = (1 - confidence) / 2
    quantiles = stats.f.ppf([1 - tail, tail], seeds - 1, total - seeds)
    low, high = np.sqrt(np.maximum(0.0, (between / error / quantiles - 1) / repeats))
    return float(low), float(high)


def _analyse_variance(groups: Sequence[np.ndarray]) -> tuple[float, float, float]:
    """MSE, MSA and n₀ of one array of repeats per seed, NaN where they are undefined."""
    sizes = np.array([len(group) for group in groups])
    total, seeds = int(sizes.sum()), len(groups)
    if total <= seeds:
        return np.nan, np.nan, np.nan
    means = np.array([group.mean() for group in groups])
    within = sum(float(((g - m) ** 2).sum()) for g, m in zip(groups, means, strict=True))
    error = within / (total - seeds)
    if seeds < 2:
        return error, np.nan, np.nan
    grand_mean = float((sizes * means).sum()) / total
    between = float((sizes * (means - grand_mean) ** 2).sum()) / (seeds - 1)
    return error, between, (total - float((sizes**2).sum()) / total) / (seeds - 1)

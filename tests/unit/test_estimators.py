"""Estimates over seeds, checked against closed forms, scipy and simulated samples."""

import numpy as np
import pytest
from ganbench.evidence import estimators
from ganbench.evidence.proportions import probability_greater
from scipy import stats

pytestmark = pytest.mark.filterwarnings("error")


def test_t_interval_covers_at_its_confidence_with_five_seeds():
    rng = np.random.default_rng(5)
    samples = 3 + 2 * rng.standard_normal((1500, 5))
    intervals = [estimators.t_estimate(sample, 0.95) for sample in samples]
    covered = np.mean([interval.low <= 3 <= interval.high for interval in intervals])
    assert covered == pytest.approx(0.95, abs=0.017)  # 3 standard errors; the bootstrap has 0.83


def test_prediction_interval_holds_one_more_value_at_its_confidence():
    samples = np.random.default_rng(0).normal(3.0, 2.0, (4000, 6))
    intervals = [estimators.prediction_interval(sample[:5], 0.9) for sample in samples]
    held = [low <= row[5] <= high for row, (low, high) in zip(samples, intervals, strict=True)]
    assert 0.885 <= np.mean(held) <= 0.915
    assert np.isnan(estimators.prediction_interval(samples[0, :1], 0.9)).all()


@pytest.mark.parametrize(
    ("values", "others", "expected"),
    [
        ([2.0, 2.0], [2.0, 2.0], (0.0, 0.0, 0.0, 1.0)),
        ([2.0, 2.0], [1.0, 1.0], (1.0, 1.0, 1.0, 0.0)),
        ([2.0, 3.0], [1.0], (1.5, np.nan, np.nan, np.nan)),
        ([], [1.0, 2.0], (np.nan,) * 4),
    ],
)
def test_welch_without_spread_or_with_too_few_values(values, others, expected):
    estimate = estimators.welch_estimate(np.array(values), np.array(others), 0.95)
    assert tuple(estimate) == pytest.approx(expected, nan_ok=True)


def test_welch_with_spread_on_one_side_has_the_degrees_of_freedom_of_that_side():
    estimate = estimators.welch_estimate(np.array([2.0, 3.0, 4.0]), np.array([1.0] * 5), 0.95)
    assert estimate.p_value == pytest.approx(stats.ttest_1samp([1.0, 2.0, 3.0], 0).pvalue)


def test_probability_greater_is_the_mann_whitney_statistic_over_all_pairs():
    rng = np.random.default_rng(2)
    values, others = rng.integers(0, 6, 7).astype(float), rng.integers(0, 6, 9).astype(float)
    oracle = stats.mannwhitneyu(values, others).statistic / (7 * 9)
    assert probability_greater(values, others) == pytest.approx(oracle)
    assert oracle != 0.5


def test_hedges_g_of_a_case_worked_by_hand():
    # Both variances are 1; the mean difference is 2. With m = 2(3 - 1) = 4 degrees of freedom
    # J = gamma(2) / (sqrt(2) gamma(3/2)) = sqrt(2 / pi).
    g = estimators.hedges_g(np.array([3.0, 5.0, 4.0]), np.array([1.0, 2.0, 3.0]))
    assert g == pytest.approx(2 * (2 / np.pi) ** 0.5)


def test_hedges_g_is_unbiased_over_many_small_studies():
    rng = np.random.default_rng(3)
    values, others = 0.8 + rng.standard_normal((2000, 4)), rng.standard_normal((2000, 4))
    g = [estimators.hedges_g(*pair) for pair in zip(values, others, strict=True)]
    assert np.mean(g) == pytest.approx(0.8, abs=0.06)  # uncorrected: 0.92


@pytest.mark.parametrize("n", [2, 300])
@pytest.mark.parametrize("alpha", [0.2, 0.001])
def test_detectable_difference_exists_at_every_size_and_level(n, alpha):
    differences = np.arange(n, dtype=float)
    assert 0 < estimators.detectable_difference(differences, alpha) < np.inf


REPEATED = [[10.0, 12.0, 11.0], [20.0, 18.0, 19.0], [15.0, 14.0, 16.0]]


def test_noise_components_of_a_case_worked_by_hand():
    # Every seed's three repeats have variance 1: MSE = 1. The means 11, 19, 15 have variance 16:
    # MSA = 3 · 16 = 48, and (48 − 1)/3 = 47/3 lies between seeds.
    components = estimators.noise_components([np.array(group) for group in REPEATED])
    assert components == pytest.approx(((47 / 3) ** 0.5, 1.0))


def test_noise_components_of_unequal_repeats_worked_by_hand():
    # Means 1 and 5 of 2 and 4 repeats; SSE = 2 + 2 on 4 degrees: MSE = 1. Grand mean 22/6,
    # MSA = 2(1 − 11/3)² + 4(5 − 11/3)² = 64/3, n₀ = 6 − (4 + 16)/6 = 8/3.
    groups = [np.array([0.0, 2.0]), np.array([4.0, 5.0, 5.0, 6.0])]
    components = estimators.noise_components(groups)
    assert components == pytest.approx((((64 / 3 - 1) / (8 / 3)) ** 0.5, 1.0))


def test_interval_of_the_noise_ratio_worked_by_hand():
    # MSA/MSE = 48 on 2 and 6 degrees, n₀ = 3; F(0.975) = 7.260 and F(0.025) = 1/39.331.
    low, high = estimators.noise_ratio_interval([np.array(g) for g in REPEATED], 0.95)
    expected = (((48 / 7.260 - 1) / 3) ** 0.5, ((48 * 39.331 - 1) / 3) ** 0.5)
    assert (low, high) == pytest.approx(expected, rel=1e-3)


def test_noise_ratio_of_seeds_that_do_not_differ_begins_at_zero():
    low, high = estimators.noise_ratio_interval([np.array([1.0, 3.0]), np.array([1.1, 3.1])], 0.95)
    assert low == 0
    assert high > 0


def test_noise_ratio_is_undefined_with_one_seed_or_without_repeats():
    for groups in ([np.array([1.0, 3.0])], [np.array([1.0]), np.array([2.0])]):
        assert np.isnan(estimators.noise_ratio_interval(groups, 0.95)).all()


def test_negative_component_of_noise_is_set_to_zero():
    components = estimators.noise_components([np.array([1.0, 3.0]), np.array([1.1, 3.1])])
    assert components == pytest.approx((0.0, 2**0.5))


def test_noise_components_that_one_seed_or_no_repeats_leave_undefined():
    seeds, sampling = estimators.noise_components([np.array([1.0, 3.0])])
    assert np.isnan(seeds)
    assert sampling == pytest.approx(2**0.5)
    assert np.isnan(estimators.noise_components([np.array([1.0]), np.array([2.0])])).all()

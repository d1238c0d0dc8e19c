"""Seeds that a difference needs, and the difference that a number of seeds shows."""

import numpy as np
import pytest
from ganbench.evidence.estimators import detectable_difference
from ganbench.evidence.seed_plan import (
    compute_power,
    count_needed_seeds,
    deviation_interval,
    plan_seeds,
)
from scipy import optimize, stats

STUDIES = 4000


def simulate(n: int, true_difference: np.ndarray | float, seed: int) -> np.ndarray:
    """The differences of studies of n seeds each, whose true deviation is 1."""
    noise = np.random.default_rng(seed).normal(size=(STUDIES, n))
    return noise + np.reshape(true_difference, (-1, 1))


def share_detected(differences: np.ndarray, alpha: float) -> float:
    test = stats.ttest_1samp(differences, 0.0, axis=1)
    return np.mean((test.pvalue < alpha) & (test.statistic > 0))


@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 6])
def test_difference_that_a_study_states_is_met_in_80_percent_of_further_studies(n, alpha):
    first = simulate(n, 0.0, seed=1)
    stated = np.array([detectable_difference(differences, alpha) for differences in first])
    assert share_detected(simulate(n, stated, seed=2), alpha) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("n", [3, 5, 10])
def test_difference_that_trusts_the_observed_spread_is_met_less_often(n):
    """The former number, so that the test above is known to see the fault."""
    first = simulate(n, 0.0, seed=1)
    noncentrality = optimize.brentq(
        lambda shift: stats.nct.sf(stats.t.isf(0.025, n - 1), n - 1, shift) - 0.8, 0.1, 20
    )
    stated = first.std(axis=1, ddof=1) / np.sqrt(n) * noncentrality
    assert share_detected(simulate(n, stated, seed=2), 0.05) < 0.77


@pytest.mark.parametrize(("n", "ratio", "alpha"), [(3, 2.0, 0.05), (8, 1.1, 0.01), (60, 0.4, 0.05)])
def test_power_is_that_of_the_noncentral_t_distribution(n, ratio, alpha):
    exact = stats.nct.sf(stats.t.isf(alpha / 2, n - 1), n - 1, np.sqrt(n) * ratio)
    assert compute_power(n, ratio, alpha) == pytest.approx(exact, abs=2e-3)


@pytest.mark.parametrize(("effect", "alpha"), [(3.0, 0.05), (1.0, 0.05), (0.4, 0.01)])
def test_needed_seeds_are_the_first_with_80_percent_power(effect, alpha):
    needed = int(count_needed_seeds(effect, 1.0, alpha))
    powers = [
        stats.nct.sf(stats.t.isf(alpha / 2, n - 1), n - 1, np.sqrt(n) * effect)
        for n in (needed - 1, needed)
    ]
    assert powers[0] < 0.8 + 2e-3
    assert powers[1] > 0.8 - 2e-3


def test_interval_of_the_deviation_covers_the_true_one():
    intervals = np.array([deviation_interval(study, 0.95) for study in simulate(5, 0.0, seed=3)])
    covered = (intervals[:, 0] <= 1) & (intervals[:, 1] >= 1)
    assert covered.mean() == pytest.approx(0.95, abs=0.012)


def test_range_of_a_plan_contains_the_seeds_that_the_true_spread_needs():
    truth = count_needed_seeds(0.8, 1.0, 0.05)
    plans = [plan_seeds(study, 0.8, 0.05, 0.95) for study in simulate(5, 0.0, seed=4)[:400]]
    covered = [plan.low <= truth <= plan.high for plan in plans]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.035)


@pytest.mark.parametrize(
    ("effect", "deviation", "seeds"), [(1.0, 0.0, 2), (0.0, 0.0, np.inf), (0.0, 1.0, np.inf)]
)
def test_differences_without_spread_or_without_size_have_a_plan(effect, deviation, seeds):
    assert count_needed_seeds(effect, deviation, 0.05) == seeds


@pytest.mark.parametrize("values", [[], [1.0]])
def test_one_seed_plans_nothing(values):
    assert np.isnan(plan_seeds(np.array(values), 1.0, 0.05, 0.95)).all()
    assert np.isnan(detectable_difference(np.array(values), 0.05))


def test_small_effect_among_large_noise_ends_the_search():
    assert count_needed_seeds(1e-9, 1.0, 0.05) == np.inf

"""Whether intervals cover, and verdicts err, at the rates they state: many simulated studies.

Verdicts are some rows of `make simulate`, with fewer studies. The other tests draw 2,000 studies of
Gaussian scores and 5 seeds with a fixed random seed: a coverage of 95 % has a standard error of
√(0.95 · 0.05/2000) = 0.5 points, so 93 to 97 % is four of them to either side. Each study goes to
the function that the table calls for each of its rows.
"""

import importlib.util

import numpy as np
import pytest
from ganbench.evidence.estimators import noise_components, noise_ratio_interval
from ganbench.evidence.proportions import wilson
from ganbench.evidence.ranks import mean_rank, probability_of_improvement
from project import ROOT
from scipy import stats

STUDIES = 2000
SEEDS = 5


def coverage(low, high, truth):
    return np.mean((np.asarray(low) <= truth) & (truth <= np.asarray(high)))


def simulate(means, spread, random_seed, shared=0.0):
    """Scores `(studies, variants, seeds)`; `shared` is the correlation that matched seeds give."""
    rng = np.random.default_rng(random_seed)
    own = rng.standard_normal((STUDIES, len(means), SEEDS))
    common = rng.standard_normal((STUDIES, 1, SEEDS))
    noise = np.sqrt(1 - shared) * own + np.sqrt(shared) * common
    return np.array(means)[:, None] + np.array(spread)[:, None] * noise


@pytest.fixture(scope="module")
def simulate_rows():
    """The rows of `make simulate`, by group and name."""
    spec = importlib.util.spec_from_file_location("simulate", ROOT / "benchmarks/simulate.py")
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    rows = {f"{row.group}, {row.name}": row for row in program.ROWS}
    return lambda name, seeds, studies: program.measure_rate(rows[name], seeds, studies)


@pytest.mark.parametrize(
    ("name", "seeds", "lowest", "highest"),
    [
        ("coverage, difference, Gaussian scores", 5, 0.92, 0.98),
        ("coverage, ratio, lognormal scores", 5, 0.92, 0.98),
        ("coverage, difference, shares near 0", 5, 0.92, 0.99),
        ("coverage, difference, 10 % of both collapse", 10, 0.92, 1.0),
        ("coverage, leaderboard, lognormal scores", 5, 0.92, 0.98),
        ("coverage, leaderboard, lognormal scores", 10, 0.92, 0.98),
        ("equal variants, one contrast: better or worse", 5, 0.02, 0.08),
        ("equal variants, six contrasts, one baseline", 5, 0.01, 0.07),
        ("equal variants, 20 % of both fail", 10, 0.01, 0.06),
        ("equal variants, 50 % of both fail", 10, 0.005, 0.06),
        ("failures, worst 40 % of one diverge: it is better", 10, 0.0, 0.04),
        ("failures, worst 40 % of one diverge: it is better", 20, 0.0, 0.04),
        ("failures, worst 40 % of one diverge: it is worse", 20, 0.85, 1.0),
        ("equivalence, true ratio at the margin: equivalent", 10, 0.0, 0.04),
        ("power, 2 SD lower, one contrast: better", 5, 0.8, 1.0),
    ],
)
def test_verdicts_err_and_intervals_cover_as_often_as_they_state(
    simulate_rows, name, seeds, lowest, highest
):
    """400 studies each: 92 to 98 % is nearly three standard errors around 95 %."""
    assert lowest <= simulate_rows(name, seeds, 400) <= highest


@pytest.mark.parametrize(("seeds", "rate"), [(2, 0.0), (3, 1.0), (5, 1.0)])
def test_variant_that_always_fails_is_worse_from_three_seeds_on(simulate_rows, seeds, rate):
    assert simulate_rows("failures, all of one fail: it is worse", seeds, 5) == rate


def test_wilsons_interval_covers_on_average_over_all_rates():
    rng = np.random.default_rng(9)
    rates = rng.uniform(size=STUDIES)
    intervals = np.array([wilson(rng.binomial(SEEDS, rate), SEEDS, 0.95) for rate in rates])
    assert 0.93 <= coverage(intervals[:, 1], intervals[:, 2], rates) <= 0.97


def simulate_outcomes(means, spread, random_seed, n_datasets):
    """For each study a list of datasets, each with its outcomes by variant."""
    datasets = [simulate(means, spread, (random_seed, i)) for i in range(n_datasets)]
    names = [f"v{i}" for i in range(len(means))]
    return [
        [dict(zip(names, values[study], strict=True)) for values in datasets]
        for study in range(STUDIES)
    ]


@pytest.mark.parametrize(
    ("shift", "spread", "n_datasets"), [(0.0, 1.0, 1), (0.0, 4.0, 2), (2.0, 1.0, 4)]
)
def test_interval_of_improvement_covers(shift, spread, n_datasets):
    truth = stats.norm.cdf(shift / np.hypot(1.0, spread))
    studies = simulate_outcomes([0.0, shift], [1.0, spread], 10, n_datasets)
    shares = np.array([probability_of_improvement("v1", "v0", study, 0.95) for study in studies])
    assert shares[:, 0].mean() == pytest.approx(truth, abs=0.01)
    assert 0.92 <= coverage(shares[:, 1], shares[:, 2], truth) <= 0.975


@pytest.mark.parametrize(("means", "n_datasets"), [([0.0] * 5, 1), ([0.0, 0.5, 1.0, 2.0, 3.0], 2)])
def test_interval_of_the_mean_rank_covers(means, n_datasets):
    truth = 1 + sum(stats.norm.cdf((other - means[0]) / 2**0.5) for other in means[1:])
    studies = simulate_outcomes(means, [1.0] * len(means), 11, n_datasets)
    ranks = np.array([mean_rank("v0", study, 0.95) for study in studies])
    assert ranks[:, 0].mean() == pytest.approx(truth, abs=0.03)
    assert 0.93 <= coverage(ranks[:, 1], ranks[:, 2], truth) <= 0.985


def test_components_of_noise_are_recovered():
    rng = np.random.default_rng(12)
    between, within, repeats = 2.0, 1.0, 4
    seeds = between * rng.standard_normal((STUDIES, SEEDS, 1))
    values = 40 + seeds + within * rng.standard_normal((STUDIES, SEEDS, repeats))
    intervals = np.array([noise_ratio_interval(list(study), 0.95) for study in values])
    assert coverage(intervals[:, 0], intervals[:, 1], between / within) == pytest.approx(
        0.95, abs=0.02
    )
    variances = np.array([noise_components(list(study)) for study in values]) ** 2
    # Four standard errors of the mean of 2,000 moment estimates; setting negative ones to 0 adds
    # under 0.01 where the spread between seeds is twice that of sampling.
    assert variances[:, 0].mean() == pytest.approx(between**2, abs=0.3)
    assert variances[:, 1].mean() == pytest.approx(within**2, abs=0.04)
    without_seeds = np.array([noise_components(list(study)) for study in values - seeds])
    below_zero = stats.f.cdf(1.0, SEEDS - 1, SEEDS * (repeats - 1))
    assert (without_seeds[:, 0] == 0).mean() == pytest.approx(below_zero, abs=0.045)

"""The tests of one contrast, against scipy at both ends and closed forms between them."""

import numpy as np
import pytest
from ganbench.evidence.contrast_tests import can_decide, compare_failures, compare_scores
from scipy import stats

pytestmark = pytest.mark.filterwarnings("error")

FIRST = {0: 3.0, 1: 4.5, 2: 2.2, 3: 3.9, 4: 4.1}
SECOND = {0: 5.0, 1: 5.2, 2: 4.1, 3: 6.0, 4: 4.7}


def test_without_shared_seeds_it_is_welchs_test():
    others = {seed + 10: value for seed, value in list(SECOND.items())[:4]}
    test = compare_scores(FIRST, others, -1)
    oracle = stats.ttest_ind(list(FIRST.values()), list(others.values()), equal_var=False)
    assert test.name == "Welch t"
    assert (test.p_value, test.degrees) == pytest.approx((oracle.pvalue, oracle.df))
    assert test.interval(0.05) == pytest.approx(tuple(oracle.confidence_interval(0.95)))


def test_partly_shared_seeds_lie_between_both_and_come_to_the_paired_test():
    """Derrick et al. 2017: the covariance of the pairs, and degrees in proportion."""
    more = SECOND | {7: 5.5, 8: 4.9}
    test = compare_scores(FIRST, more, -1)
    values, others = np.array(list(FIRST.values())), np.array(list(more.values()))
    s1, s2 = values.std(ddof=1), others.std(ddof=1)
    r = np.corrcoef(values, others[:5])[0, 1]
    variance = s1**2 / 5 + s2**2 / 7 - 2 * r * s1 * s2 * 5 / (5 * 7)
    assert test.name == "partially paired t"
    assert test.error == pytest.approx(np.sqrt(variance))
    welch = stats.ttest_ind(values, others, equal_var=False).df
    assert test.degrees == pytest.approx(4 + (welch - 5 + 1) / (2 + 2 * 5) * 2)
    from ganbench.evidence.contrast_tests import _combine, _trim  # noqa: PLC0415

    error, degrees = _combine(*(_trim(side, 0.0, -1) for side in (FIRST, SECOND)))
    paired = compare_scores(FIRST, SECOND, -1)
    assert (error, degrees) == pytest.approx((paired.error, paired.degrees))


def test_failures_trim_both_sides_by_the_larger_share():
    """Yuen's variance of a trimmed mean, from scores winsorised at the worst kept."""
    lost = FIRST | {0: np.nan, 1: np.nan}
    others = {seed + 10: value for seed, value in SECOND.items()}
    test = compare_scores(lost, others, -1)
    kept = [2.2, 3.9, 4.1], [4.1, 4.7, 5.0]
    assert (test.name, test.kept) == ("trimmed t", 3)
    assert test.shift == pytest.approx(np.mean(kept[0]) - np.mean(kept[1]))
    variances = [
        np.sum((w - np.mean(w)) ** 2) / (3 * 2)
        for w in (np.array([2.2, 3.9, 4.1, 4.1, 4.1]), np.array([4.1, 4.7, 5.0, 5.0, 5.0]))
    ]
    assert test.error == pytest.approx(np.sqrt(sum(variances)))
    assert test.degrees == pytest.approx(sum(variances) ** 2 / sum(v**2 / 2 for v in variances))


def test_worst_runs_are_the_high_ones_or_the_low_ones_by_the_metrics_direction():
    lost = FIRST | {0: np.nan}
    lower, higher = (compare_scores(lost, SECOND, sign) for sign in (-1, 1))
    assert lower.shift == pytest.approx(np.mean([4.5, 2.2, 3.9, 4.1]) - np.mean([5, 5.2, 4.1, 4.7]))
    assert higher.shift == pytest.approx(np.mean([4.5, 2.2, 3.9, 4.1]) - np.mean([5, 5.2, 6, 4.7]))


@pytest.mark.parametrize(
    ("failed", "runs", "p_value"), [(3, 3, 2 * 0.5**6), (5, 5, 2 * 0.5**10), (0, 5, np.nan)]
)
def test_all_against_none_has_the_exact_p_value_of_the_worst_common_rate(failed, runs, p_value):
    sides = [{seed: np.nan if seed < k else 1.0 for seed in range(runs)} for k in (failed, 0)]
    assert compare_failures(*sides) == pytest.approx(p_value, nan_ok=True)
    assert compare_failures(*sides[::-1]) == pytest.approx(p_value, nan_ok=True)


def test_equal_failure_rates_have_a_p_value_of_one():
    everything = dict.fromkeys(range(4), np.nan)
    assert compare_failures(everything, everything) == 1.0
    assert compare_failures(FIRST | {0: np.nan}, SECOND | {4: np.nan}) > 0.9


def test_failures_that_could_never_decide_leave_the_whole_level_to_the_scores():
    """One of ten runs lost is no evidence on either side; four of ten could be."""
    few, many = ({seed: np.nan if seed < k else 1.0 for seed in range(5)} for k in (1, 4))
    none = dict.fromkeys(range(5), 1.0)
    assert [can_decide(side, none, 2) for side in (none, few, many)] == [False, False, True]
    assert can_decide(few, none, 2) == can_decide(none, few, 2)
    three = dict.fromkeys(range(3), np.nan)
    fine = dict.fromkeys(range(3), 1.0)
    assert [can_decide(three, fine, tests) for tests in (1, 2)] == [True, False]

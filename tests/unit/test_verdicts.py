"""The verdict on a comparison, from its numbers."""

import numpy as np
import pytest
from ganbench.evidence.verdict import Verdict, VerdictKind, judge


def verdict_of(baseline_mean=38.4, confidence=0.95, **changes):
    """The printed verdict on a clear comparison in favour of the variant, but for `changes`."""
    row = {
        "metric": "FD-classifier",
        "n_pairs": 5,
        "difference": -7.2,
        "ci_low": -10.1,
        "ci_high": -4.3,
        "p_adjusted": 0.004,
    }
    return str(judge(row | changes, baseline_mean, confidence))


@pytest.mark.parametrize(
    ("metric", "sign", "expected"),
    [
        ("FD-classifier", -1, "better"),
        ("FD-classifier", 1, "worse"),
        ("FID", -1, "better"),
        ("KID", 1, "worse"),
        ("IS-classifier", 1, "better"),
        ("recall-classifier", -1, "worse"),
    ],
)
def test_significant_difference_is_judged_in_the_metrics_direction(metric, sign, expected):
    low, high = sorted((sign * 10.1, sign * 4.3))
    assert verdict_of(metric=metric, difference=sign * 7.2, ci_low=low, ci_high=high) == expected


def test_confidence_sets_the_level_of_the_adjusted_p_value():
    assert verdict_of(p_value=0.02, p_adjusted=0.06).startswith("no difference")
    assert verdict_of(p_adjusted=0.03, confidence=0.95) == "better"
    assert verdict_of(p_adjusted=0.03, confidence=0.99) != "better"


@pytest.mark.parametrize(
    ("low", "high", "size"),
    [(-8.1234, 2.0, "8.12"), (-1.0, 12.0, "12"), (-1234.5, 99.0, "1230"), (-4e-5, 1e-5, "0.00004")],
)
def test_no_difference_names_the_far_end_of_the_interval_in_three_digits(low, high, size):
    verdict = verdict_of(baseline_mean=1e5, ci_low=low, ci_high=high, p_adjusted=0.3)
    assert verdict == f"no difference larger than {size} shown"


def test_interval_past_half_of_the_baselines_score_cannot_tell():
    level = {"ci_low": -10.0, "ci_high": 5.0, "p_adjusted": 0.3}
    assert verdict_of(20.0, **level) == "no difference larger than 10 shown"
    assert verdict_of(19.9, **level) == "cannot tell with 5 seeds"
    assert verdict_of(-20.0, **level) == "no difference larger than 10 shown"  # KID can be < 0


def test_two_seeds_decide_nothing_however_small_p_is():
    assert verdict_of(n_pairs=2, p_adjusted=0.0001) == "cannot tell with 2 seeds"
    assert verdict_of(n_pairs=3, p_adjusted=0.0001) == "better"


@pytest.mark.parametrize(("n", "seeds"), [(0, "0 seeds"), (1, "1 seed")])
def test_comparison_without_an_interval_cannot_tell(n, seeds):
    undefined = dict.fromkeys(("ci_low", "ci_high", "p_adjusted"), np.nan)
    assert verdict_of(np.nan, n_pairs=n, **undefined) == f"cannot tell with {seeds}"


def test_identical_scores_of_two_seeds_show_no_difference():
    same = {"difference": 0.0, "ci_low": 0.0, "ci_high": 0.0, "p_adjusted": 1.0}
    assert verdict_of(0.0, n_pairs=2, **same) == "no difference larger than 0 shown"


def test_exchanging_two_variants_exchanges_better_and_worse():
    kinds = [Verdict(kind, 5, 1.0).swapped().kind for kind in VerdictKind]
    assert kinds == ["worse", "better", "no difference", "cannot tell"]

"""Rates of divergence and collapse, and Wilson's interval."""

import numpy as np
import pytest
from evidence_example import ALL_FAILED, BASELINE, study_of, together
from ganbench.evidence.proportions import wilson
from ganbench.evidence.tables import RATE_COLUMNS, count_failures
from scipy import stats

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize(("count", "n"), [(0, 1), (1, 1), (0, 5), (2, 5), (5, 5), (3, 50)])
@pytest.mark.parametrize("confidence", [0.8, 0.99])
def test_wilson_interval_is_that_of_scipy(count, n, confidence):
    oracle = stats.binomtest(count, n).proportion_ci(confidence, method="wilson")
    share = wilson(count, n, confidence)
    assert (share.low, share.high) == pytest.approx((oracle.low, oracle.high), abs=1e-12)
    assert share.estimate == count / n


def test_rate_of_no_run_is_unknown():
    assert np.isnan(wilson(0, 0, 0.95)).all()


def rates_of(*studies, **options):
    table = count_failures(*together(*studies), **options)
    assert table.columns.tolist() == RATE_COLUMNS
    return table.set_index(["dataset", "variant", "outcome"])


def test_divergence_is_a_share_of_all_runs_and_collapse_of_completed_ones():
    finals = {"minimax": [0.5, None, 0.04, 0.05, 0.0], "wgan": [0.5] * 5}
    rates = rates_of(study_of(finals, metric="recall-classifier"))
    diverged = rates.loc["digits", "minimax", "diverged"]
    collapsed = rates.loc["digits", "minimax", "collapsed"]
    assert (diverged["n"], diverged["count"], diverged["rate"]) == (5, 1, 0.2)
    assert (collapsed["n"], collapsed["count"], collapsed["rate"]) == (4, 2, 0.5)
    interval = stats.binomtest(2, 4).proportion_ci(method="wilson")
    assert (collapsed["ci_low"], collapsed["ci_high"]) == pytest.approx(tuple(interval))
    assert rates.loc[("digits", "wgan"), "count"].tolist() == [0, 0]


@pytest.mark.parametrize(("threshold", "count"), [(0.31, 2), (0.0, 0)])
def test_study_sets_the_threshold_of_collapse(threshold, count):
    finals = study_of({"minimax": [0.5, 0.04, 0.3]}, metric="recall-dinov2-vit-s-14")
    rates = rates_of(finals, collapse_recall=threshold)
    assert rates.loc["digits", "minimax", "collapsed"]["count"] == count


def test_collapse_is_judged_against_held_out_at_the_last_snapshot():
    against_train = study_of({"minimax": [0.01]}, metric="recall-classifier", reference="train")
    finals = study_of({"minimax": [0.5]}, metric="recall-classifier", halfway=0.0)
    rates = rates_of(against_train, (finals[0], None))
    assert rates.loc["digits", "minimax", "collapsed"].tolist()[:3] == [1, 0, 0.0]


def test_collapse_is_judged_by_the_mean_over_repeats():
    finals = study_of({"minimax": [[0.04, 0.08]]}, metric="recall-classifier")
    assert rates_of(finals).loc["digits", "minimax", "collapsed"]["count"] == 0


def test_points_collapse_at_one_mode_or_none():
    finals = {"minimax": [0.0, 1.0, 2.0, 8.0]}
    rates = rates_of(study_of(finals, dataset="gaussian_ring", metric="modes", reference="none"))
    collapsed = rates.loc["gaussian_ring", "minimax", "collapsed"]
    assert (collapsed["n"], collapsed["count"]) == (4, 2)


def test_collapse_that_no_metric_shows_is_unknown_and_not_zero():
    rates = rates_of(study_of({"minimax": BASELINE, "wgan": ALL_FAILED}))
    for variant in ("minimax", "wgan"):
        collapsed = rates.loc["digits", variant, "collapsed"]
        assert (collapsed["n"], collapsed["count"]) == (0, 0)
        assert collapsed[["rate", "ci_low", "ci_high"]].isna().all()
    assert rates.loc["digits", "wgan", "diverged"]["rate"] == 1.0

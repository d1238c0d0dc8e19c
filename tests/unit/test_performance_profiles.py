"""Performance profiles: the share of runs that reach each score."""

import pytest
from evidence_example import study_of, together
from ganbench.evidence.tables import PROFILE_COLUMNS, profile_scores

pytestmark = pytest.mark.filterwarnings("error")


def profile_of(table, variant):
    rows = table[table["variant"] == variant]
    return list(rows[["threshold", "share"]].itertuples(index=False, name=None))


def test_profile_steps_at_each_score_and_a_failed_run_reaches_no_threshold():
    table = profile_scores(*study_of({"minimax": [3.0, 1.0, None, 3.0], "wgan": [2.0, 5.0]}))
    assert table.columns.tolist() == PROFILE_COLUMNS
    assert profile_of(table, "minimax") == [(1.0, 0.25), (3.0, 0.75), (5.0, 0.75)]
    assert profile_of(table, "wgan") == [(1.0, 0.0), (2.0, 0.5), (5.0, 1.0)]


def test_thresholds_fall_where_a_higher_score_is_better():
    finals = {"minimax": [0.3, 0.1], "wgan": [0.2, None]}
    table = profile_scores(*study_of(finals, metric="recall-classifier"))
    assert profile_of(table, "minimax") == [(0.3, 0.5), (0.1, 1.0)]
    assert profile_of(table, "wgan") == [(0.3, 0.0), (0.2, 0.5), (0.1, 0.5)]


def test_variant_whose_runs_all_failed_stays_at_zero():
    table = profile_scores(*study_of({"minimax": [3.0, 1.0], "wgan": [None, None]}))
    assert profile_of(table, "wgan") == [(1.0, 0.0), (3.0, 0.0)]


def test_profile_of_one_score_is_one_step():
    assert profile_of(profile_scores(*study_of({"minimax": [3.0]})), "minimax") == [(3.0, 1.0)]


def test_no_profile_without_scores_or_without_a_better_direction():
    value = study_of({"minimax": [1.0]}, metric="value", reference="none")
    failed = study_of({"minimax": [None]}, dataset="shoes")
    assert len(profile_scores(*together(value, (None, failed[1])))) == 0

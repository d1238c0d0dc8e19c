"""Score against tuning budget, where a higher score is better."""

import pytest
from evidence_example import settings, study_of
from ganbench.evidence.tuning import evaluate_tuning


def test_failed_run_counts_as_the_worst_where_higher_is_better():
    measure = ("IS-classifier", "none")
    final = {"a": [2.0, None], "a_s1": [4.0, 3.0]}
    scores, runs = study_of(final, metric=measure[0], reference=measure[1], halfway=1.0)
    study = settings({"digits": measure})
    study |= {"variants": {"a": {}}, "settings": {"a_s1": {"of": "a"}}, "seeds": [0, 1]}
    table = evaluate_tuning(scores, runs, study)
    assert table["value"].tolist() == pytest.approx(
        [2.0, (4.0 * 3.0) ** 0.5]
    )  # IS is on a log scale
    assert table["failed"].tolist() == [1, 1]

"""Scores that come out again: equal on one machine, near on another, and never NaN for a number."""

import math

import pandas as pd
import pytest
from ganbench.commands import score_check
from ganbench.evaluation.snapshots import COLUMNS
from ganbench.jobs.fingerprint import take_fingerprint

OWN = take_fingerprint(1, "cpu")
HERE = {"fingerprint": OWN, "device": "cpu"}
ELSEWHERE = {"fingerprint": OWN | {"digest": "another", "caches": []}, "device": "cpu"}


def write_scores(file, **values):
    rows = [
        dict.fromkeys(COLUMNS, "x") | {"seed": 0, "step": 20, "repeat": 0, "metric": name}
        for name in values
    ]
    table = pd.DataFrame(rows).assign(reference="held_out", value=list(values.values()))
    table.to_csv(file, index=False)
    return file


@pytest.mark.parametrize(
    ("before", "now", "here", "elsewhere"),
    [
        ({"fd": 12.5, "kid": 0.0}, {"fd": 12.5, "kid": 0.0}, True, True),
        ({"fd": 12.5, "kid": 1.0}, {"fd": 12.6, "kid": 1.0}, False, True),
        ({"fd": 12.5}, {"fd": 13.5}, False, False),
        ({"fd": 12.5, "kid": 1.0}, {"fd": math.nan, "kid": 1.0}, False, False),
        ({"fd": math.nan, "kid": 1.0}, {"fd": 12.5, "kid": 1.0}, False, False),
        ({"fd": math.nan, "kid": 1.0}, {"fd": math.nan, "kid": 1.0}, True, True),
        ({"fd": 12.5}, {"fd": math.inf}, False, False),
    ],
)
def test_scores_hold_where_they_come_out_again(tmp_path, before, now, here, elsewhere):
    files = (
        write_scores(tmp_path / "before.csv", **before),
        write_scores(tmp_path / "now.csv", **now),
    )
    for run, holds in ((HERE, here), (ELSEWHERE, elsewhere)):
        assert score_check._compare("scores", *files, run)[0] == holds


def test_run_without_a_fingerprint_is_of_another_machine(tmp_path):
    files = [write_scores(tmp_path / f"{name}.csv", fd=12.5) for name in ("before", "now")]
    holds, words = score_check._compare("scores", *files, {"device": "cpu"})
    assert holds
    assert words.endswith("another machine, compared within 1 %")

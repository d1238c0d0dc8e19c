"""A job that fails leaves the files of the one before it, also where its outputs have changed."""

from pathlib import Path

import pytest
from ganbench.jobs.former_files import keep_aside, put_back

REPORT = "results/study/report.html"
FORMER = Path("former")


@pytest.fixture(autouse=True)
def former_report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("results/study/figures").mkdir(parents=True)
    Path(REPORT).write_text("former")
    Path("results/study/figures/curve.svg").write_text("former curve")


def test_report_of_a_study_that_gets_its_first_grid_is_put_back():
    """The table of factors stands before the report among its job's outputs, and is new."""
    outputs = ["results/study/tables/factors.csv", REPORT, "results/study/figures"]
    keep_aside(outputs, FORMER, judge_by=REPORT)
    Path(REPORT).unlink()
    Path("results/study/figures/curve.svg").unlink()
    assert put_back(FORMER, judge_by=REPORT)
    assert Path(REPORT).read_text() == "former"
    assert Path("results/study/figures/curve.svg").read_text() == "former curve"
    assert not FORMER.exists()


def test_new_report_stays():
    keep_aside([REPORT], FORMER, judge_by=REPORT)
    Path(REPORT).write_text("new")
    assert not put_back(FORMER, judge_by=REPORT)
    assert Path(REPORT).read_text() == "new"
    assert not FORMER.exists()


def test_copies_of_a_killed_start_outlive_the_next_one():
    keep_aside([REPORT], FORMER, judge_by=REPORT)
    Path(REPORT).unlink()
    keep_aside([REPORT], FORMER, judge_by=REPORT)
    assert put_back(FORMER, judge_by=REPORT)
    assert Path(REPORT).read_text() == "former"

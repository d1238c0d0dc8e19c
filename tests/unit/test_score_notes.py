"""What the report says of a dataset's scores: whether metrics agree, and what is copied."""

import re
from dataclasses import replace

import pandas as pd
import pytest
from ganbench.report.report import make_tables
from ganbench.report.results import read_results
from ganbench.report.score_notes import describe_agreement, describe_copying, note_scores
from report_example import make_results, make_study

MEANS = {
    "FD-classifier": [1.0, 2.0, 3.0],
    "FD_infinity-classifier": [0.5, 0.7, 0.9],
    "MMD2-classifier": [0.1, 0.3, 0.2],
}


def summarise(means: dict[str, list[float]]) -> pd.DataFrame:
    rows = [
        ("digits", metric, "held_out", variant, mean)
        for metric, values in means.items()
        for variant, mean in zip("abc", values, strict=True)
    ]
    return pd.DataFrame(rows, columns=["dataset", "metric", "reference", "variant", "mean"])


def test_metrics_that_order_variants_differently_are_named_with_their_tau():
    text = describe_agreement(summarise(MEANS), "digits")
    assert text.startswith("The order of the 3 variants depends on the metric")
    assert "1 between FD-classifier and FD_infinity-classifier" in text
    assert text.count("0.333 between") == 2


def test_metrics_that_order_variants_alike_are_said_to():
    text = describe_agreement(summarise({**MEANS, "MMD2-classifier": [0.1, 0.2, 0.3]}), "digits")
    assert text == (
        "FD-classifier, FD_infinity-classifier and MMD2-classifier rank the 3 variants in the same "
        "order."
    )


@pytest.mark.parametrize(
    "means",
    [
        {"FD-classifier": [1.0, 2.0, 3.0]},
        {name: [values[0], float("nan"), float("nan")] for name, values in MEANS.items()},
    ],
    ids=["one metric", "one variant"],
)
def test_nothing_is_said_where_there_are_no_two_orders(means):
    assert describe_agreement(summarise(means), "digits") == ""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    study = make_study(("minimax", "hinge"), ("digits", "mixture_1d"), seeds=3)
    return read_results(study, make_results(tmp_path_factory.mktemp("notes"), study))


def with_copies(results, shares: dict[tuple[str, int], float]):
    """The results with a share of copies in every run: 1 % where `shares` has none."""
    last = results.scores.query("dataset == 'digits'").groupby(["variant", "seed"]).head(1)
    steps = results.runs.query("dataset == 'digits'").set_index(["variant", "seed"])["step"]
    runs = list(zip(last["variant"], last["seed"], strict=True))
    rows = last.assign(
        metric="copies-classifier",
        reference="train",
        step=[steps[run] for run in runs],
        value=[shares.get(run, 0.01) for run in runs],
    )
    return replace(results, scores=pd.concat([results.scores, rows], ignore_index=True))


def test_runs_with_more_copies_than_chance_are_named(results):
    copying = with_copies(results, {("hinge", 1): 0.3, ("minimax", 0): 0.012})
    text = describe_copying(copying, "digits")
    assert "chance can explain: hinge seed 1 (30 %). Their nearest.csv names the images." in text
    assert "minimax" not in text


def test_no_run_is_named_where_none_copies_more_than_chance(results):
    text = describe_copying(with_copies(results, {}), "digits")
    assert text.startswith("Of the 100 samples of a run, 0.99 % would count as copies")
    assert re.search(r"images\. No run has more than the \d+ % that chance can explain\.$", text)


def test_tables_that_were_made_without_these_metrics_get_no_note(results):
    notes = note_scores(results, make_tables(results)["summary"])
    assert notes == {"digits": [], "mixture_1d": []}

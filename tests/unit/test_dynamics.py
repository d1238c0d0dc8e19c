"""What G was told and how far it moved: scores from the history, and their figures."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from evidence_example import ALL_FAILED, settings, study_of
from ganbench.evidence.comparisons import compare_all_pairs, compare_contrasts
from ganbench.evidence.final_scores import measure_name
from ganbench.report.dynamics import MEASURED, score_dynamics
from ganbench.report.figures.update_sizes import fit_slope, sketch_update_sizes
from ganbench.report.leaderboard import build_board
from ganbench.report.report import make_tables
from ganbench.report.results import read_results
from ganbench.training.measure import COLUMNS
from report_example import make_results, make_study
from scipy import stats


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    study = make_study(("minimax", "non_saturating"), ("digits",), seeds=3)
    diverged = [("digits", "minimax", 2)]
    return read_results(study, make_results(tmp_path_factory.mktemp("runs"), study, diverged))


def make_scores(*steps: int) -> pd.DataFrame:
    rows = [
        ("d", "v", 0, step, 8 * step, 0, "none", "JSD", 0.1) for step in steps for _ in range(2)
    ]
    names = ["dataset", "variant", "seed", "step", "images", "repeat", "reference", "metric"]
    return pd.DataFrame(rows, columns=[*names, "value"])


def make_history(**columns: list[float]) -> pd.DataFrame:
    steps = range(10, 10 * len(columns["d_fake"]) + 1, 10)
    return pd.DataFrame({"step": steps, **columns})


def test_metrics_of_training_are_columns_of_the_history():
    assert set(MEASURED) == {"d_fake", "g_grad_norm", "g_update_size"} <= set(COLUMNS)


def test_score_is_the_mean_over_the_history_since_the_snapshot_before():
    history = make_history(d_fake=[0.1, 0.3, 0.5, 0.9], g_grad_norm=[1.0, 2.0, 3.0, 5.0])
    scores = score_dynamics(make_scores(20, 40), history)
    values = scores.set_index(["metric", "step"])["value"].to_dict()
    expected = {("d_fake", 20): 0.2, ("d_fake", 40): 0.7}
    expected |= {("g_grad_norm", 20): 1.5, ("g_grad_norm", 40): 4.0}
    assert values == pytest.approx(expected)  # earlier versions wrote no size of an update
    assert scores.columns.tolist() == make_scores(20).columns.tolist()
    assert scores["images"].tolist() == [160, 160, 320, 320]
    assert set(scores["reference"]) == {"none"}


def test_snapshots_closer_than_rows_of_the_history_have_the_last_row():
    scores = score_dynamics(make_scores(12, 14, 25), make_history(d_fake=[0.1, 0.3]))
    assert scores["value"].tolist() == pytest.approx([0.1, 0.1, 0.3])


def test_run_without_snapshots_has_no_such_score():
    assert score_dynamics(make_scores(), make_history(d_fake=[0.1])).empty


def test_every_run_has_them_in_the_tables_and_no_learning_curve_repeats_them(results):
    summary = make_tables(results)["summary"].set_index(["metric", "variant"])
    for metric in MEASURED:
        assert summary.loc[metric, "non_saturating"]["n"] == 3
        assert summary.loc[metric, "minimax"][["n", "failed"]].tolist() == [2, 1]
        past = results.history.query("variant == 'non_saturating' and seed == 1")
        steps = sorted(results.scores["step"].unique())
        expected = past[past["step"].between(steps[-2] + 1, steps[-1])][metric].mean()
        rows = results.scores.query("variant == 'non_saturating' and seed == 1")
        (value,) = rows[(rows["metric"] == metric) & (rows["step"] == steps[-1])]["value"]
        assert value == pytest.approx(expected)
    assert not set(MEASURED) & set(results.curves["metric"])


STUDY = settings({"digits": ("g_grad_norm", "none")}, baseline="sgd", variants=("sgd", "adam"))
SGD, ADAM = [2e-4, 3e-4, 5e-4, 1e-4, 2e-4], [2.0, 4.0, 3.5, 1.5, 3.0]


def compare_gradients(sgd: list, adam: list, metric: str = "g_grad_norm") -> pd.Series:
    scores, runs = study_of({"sgd": sgd, "adam": adam}, metric=metric, reference="none")
    (row,) = compare_contrasts(scores, runs, STUDY).to_dict("records")
    assert compare_all_pairs(scores, runs, STUDY).empty
    return pd.Series(row)


def test_metric_without_a_better_direction_is_higher_or_lower_and_never_better():
    row = compare_gradients(SGD, ADAM)
    ratios = np.log(ADAM) - np.log(SGD)
    assert str(row["verdict"]) == "higher"
    assert str(row["verdict"].swapped()) == "lower"
    assert str(compare_gradients(ADAM, SGD)["verdict"]) == "lower"
    assert row["ratio"] == pytest.approx(np.exp(ratios.mean()))
    assert row["p_value"] == pytest.approx(stats.ttest_1samp(ratios, 0).pvalue)
    assert np.isnan(row["probability_better"])


@pytest.mark.parametrize("failed", [ALL_FAILED, [None, None, 4.0, 5.0, 6.0]])
def test_failed_run_is_neither_higher_nor_lower(failed):
    """It decides the verdict of a score, but only the others' gradients are known."""
    row = compare_gradients([4.0, 4.4, 4.2, 5.1, 6.3], failed)
    assert str(row["verdict"]) == "inconclusive"
    assert row["failed_variant"] == failed.count(None)
    assert row["test"] in ("", "partially paired t")


@pytest.mark.parametrize("metric", ["memorisation-classifier", "value", "g_update_size", "d_fake"])
def test_every_metric_without_a_better_direction_has_a_row(metric):
    row = compare_gradients([0.11, 0.12, 0.10, 0.11, 0.12], [0.3, 0.35, 0.31, 0.33, 0.36], metric)
    assert str(row["verdict"]) == "higher"


def test_page_names_them_by_their_titles(results):
    tables = make_tables(results)
    board = build_board(results, tables["summary"], (), "digits", ("g_grad_norm", "none"))
    assert (board["measure"], board["better"], board["floor"]) == ("Gradient of G", "neither", None)
    assert measure_name(("g_update_size", "none")) == "update of G"


@pytest.mark.parametrize("slope", [1.0, 0.0, 0.4])
def test_slope_is_the_power_by_which_an_update_follows_its_gradient(slope):
    gradient = np.geomspace(1e-5, 10, 30)
    rows = pd.DataFrame({"g_grad_norm": gradient, "g_update_size": 0.01 * gradient**slope})
    assert fit_slope(rows) == pytest.approx(slope, abs=1e-9)


def test_gradients_that_hardly_differ_have_no_slope():
    gradient = np.geomspace(1, 1.9, 30)
    rows = pd.DataFrame({"g_grad_norm": gradient, "g_update_size": gradient})
    assert fit_slope(rows) is None


def test_update_is_drawn_against_its_gradient_and_steps_that_move_nothing_are_counted(results):
    history = results.history.copy()
    history.loc[history["seed"] == 0, "g_update_size"] = 0.0
    over_training, against = (
        sketch() for sketch in sketch_update_sizes(replace(results, history=history), "digits")
    )
    still = int((history["seed"] == 0).sum())
    assert f"Not drawn: {still} of {len(history)} steps that moved no weight" in against.caption
    assert "Measured slopes: minimax 1.00 and non_saturating 1.00." in against.caption
    assert against.svg.count('id="variant-') == 2
    assert over_training.name == "game-digits-g-update-size"


def test_histories_of_earlier_versions_have_no_such_figure(results):
    history = results.history.drop(columns="g_update_size")
    assert sketch_update_sizes(replace(results, history=history), "digits") == []

"""Final scores of completed runs, their summary over seeds, and measures by name."""

import numpy as np
import pandas as pd
import pytest
from evidence_example import BASELINE, END, only, settings_of, study_of, together
from ganbench.evidence.comparisons import COMPARISON_COLUMNS, compare_contrasts
from ganbench.evidence.final_scores import final_scores, measure_name
from ganbench.evidence.tables import SUMMARY_COLUMNS, summarise
from scipy import stats

pytestmark = pytest.mark.filterwarnings("error")


def test_final_score_is_the_last_snapshot_of_completed_runs():
    final = final_scores(*study_of({"minimax": [38.0, None, 36.5]}))
    assert final["seed"].tolist() == [0, 2]
    assert final["value"].tolist() == [38.0, 36.5]


def test_final_score_is_at_the_end_of_the_run_and_not_at_the_largest_step():
    scores, runs = study_of({"minimax": [38.0]})
    beyond = scores.iloc[[-1]].assign(step=2 * END, value=1.0)
    final = final_scores(pd.concat([scores, beyond]), runs)
    assert final["value"].tolist() == [38.0]


def test_completed_run_without_a_score_at_its_end_is_an_error():
    scores, runs = study_of({"minimax": [38.0, 41.0]})
    with pytest.raises(
        ValueError, match=r"digits/minimax/seed1.*step 1000.*Evaluate the run again"
    ):
        final_scores(scores.iloc[:-1], runs)


def test_two_final_scores_of_one_metric_are_an_error():
    scores, runs = study_of({"minimax": [38.0]})
    with pytest.raises(
        ValueError, match=r"digits/minimax/seed0.*two final values of FD-classifier"
    ):
        final_scores(pd.concat([scores, scores.iloc[[-1]]]), runs)


def test_final_score_is_the_mean_over_repeats():
    scores, runs = study_of({"minimax": [[38.0, 40.0], [41.0, 44.0]]})
    final = final_scores(scores, runs)
    assert final["value"].tolist() == [39.0, 42.5]
    assert "repeat" not in final
    row = only(summarise(scores, runs))
    assert (row["n"], row["mean"]) == (2, 40.75)


def test_scores_without_the_column_repeat_count_once():
    scores, runs = study_of({"minimax": BASELINE})
    final = final_scores(scores.drop(columns="repeat"), runs)
    pd.testing.assert_frame_equal(final, final_scores(scores, runs))


def test_value_that_is_not_finite_counts_as_a_failure_of_that_metric():
    row = only(summarise(*study_of({"minimax": [38.0, np.nan, np.inf, 40.0]})))
    assert (row["n"], row["failed"], row["mean"]) == (2, 2, 39.0)


def test_one_repeat_that_is_not_finite_fails_the_run():
    row = only(summarise(*study_of({"minimax": [[38.0, np.nan], [41.0, 43.0]]})))
    assert (row["n"], row["failed"], row["mean"]) == (1, 1, 42.0)


def test_summary_has_the_closed_form_of_each_column():
    summary = summarise(*study_of({"minimax": [*BASELINE, None]}))
    row = only(summary)
    assert summary.columns.tolist() == SUMMARY_COLUMNS
    assert (row["n"], row["failed"]) == (5, 1)
    assert row["mean"] == pytest.approx(38.96)
    deviation = (sum((x - 38.96) ** 2 for x in BASELINE) / 4) ** 0.5
    assert row["std"] == pytest.approx(deviation)
    logs = np.log(BASELINE)
    half_width = 2.7764451051977987 * logs.std(ddof=1) / 5**0.5  # 97.5 % quantile of t, 4 degrees
    assert (row["scale"], row["centre"]) == ("log", pytest.approx(stats.gmean(BASELINE)))
    assert row["ci_low"] == pytest.approx(np.exp(logs.mean() - half_width))
    assert row["ci_high"] == pytest.approx(np.exp(logs.mean() + half_width))
    assert (row["median"], row["min"], row["max"]) == (39.2, 36.5, 41.0)


def test_interval_widens_with_confidence():
    scores, runs = study_of({"minimax": BASELINE}, metric="KID-classifier")
    narrow, wide = (only(summarise(scores, runs, confidence=level)) for level in (0.5, 0.99))
    ratio = (wide["ci_high"] - wide["mean"]) / (narrow["ci_high"] - narrow["mean"])
    assert ratio == pytest.approx(stats.t.ppf(0.995, 4) / stats.t.ppf(0.75, 4))


@pytest.mark.parametrize(
    ("metric", "values", "lowest", "highest"),
    [
        ("JSD", [0.001, 0.09, 0.002, 0.004], 0.0, np.log(2)),
        ("JSD", [0.69, 0.2, 0.69, 0.65], 0.0, np.log(2)),
        ("recall-classifier", [0.0, 0.0, 0.4, 0.01], 0.0, 1.0),
        ("precision-classifier", [1.0, 1.0, 0.6, 0.99], 0.0, 1.0),
        ("optimal_value", [-1.386, -1.2, -1.38, -1.386], -np.log(4), 0.0),
        ("FD-classifier", [2.0, 90.0, 1.0, 3.0], 0.0, np.inf),
        ("IS-classifier", [1.0, 5.0, 1.1, 1.0], 0.0, np.inf),
        ("modes", [0.0, 9.0, 1.0, 0.0], 0.0, np.inf),
        ("density-classifier", [0.0, 1.2, 0.1, 0.0], 0.0, np.inf),
    ],
)
def test_interval_of_the_centre_stays_within_the_range_of_the_metric(
    metric, values, lowest, highest
):
    row = only(summarise(*study_of({"minimax": values}, metric=metric)))
    plain = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert plain[0] < lowest or plain[1] > highest  # what Student's interval would say
    assert lowest <= row["ci_low"] < row["centre"] < row["ci_high"] <= highest + 1e-12


def test_one_seed_has_a_mean_but_no_spread_and_no_interval():
    row = only(summarise(*study_of({"minimax": [38.0]})))
    assert (row["n"], row["mean"], row["median"]) == (1, 38.0, 38.0)
    assert row[["std", "ci_low", "ci_high"]].isna().all()


def test_summary_lists_every_run_in_the_order_of_seeds():
    scores, runs = study_of({"minimax": [38.5, None, 1 / 3]})
    row = only(summarise(scores, runs.sample(frac=1, random_state=1)))
    assert row["values"] == "38.5 nan 0.3333333333333333"


@pytest.mark.parametrize(
    ("metric", "halfway", "expected"),
    [
        ("FD-classifier", 37.0, stats.gmean([37.0, 30.0])),
        ("recall-classifier", 37.0, (38.0 + 37.0) / 2),
        ("memorisation-classifier", 37.0, np.nan),
        ("FD-classifier", np.nan, stats.gmean([38.0, 30.0])),
    ],
)
def test_best_mean_takes_the_best_snapshot_in_the_metrics_direction(metric, halfway, expected):
    finals = {"minimax": [38.0, 30.0, None]}
    row = only(summarise(*study_of(finals, metric=metric, halfway=halfway)))
    assert row["best_mean"] == pytest.approx(expected, nan_ok=True)


def test_best_mean_is_over_the_runs_that_have_a_final_score():
    scores, runs = study_of({"minimax": [38.0, np.nan]}, halfway=20.0)
    scores.loc[(scores["seed"] == 1) & (scores["step"] == 500), "value"] = 1.0
    assert only(summarise(scores, runs))["best_mean"] == pytest.approx(20.0)


def test_variant_whose_runs_all_failed_has_a_row_per_metric():
    alive = study_of({"minimax": BASELINE})
    recall = study_of({"minimax": BASELINE}, metric="recall-classifier")[0]
    failed_runs = study_of({"wgan": [None, None]})[1]
    summary = summarise(*together(alive, (recall, failed_runs)))
    rows = summary[summary["variant"] == "wgan"]
    assert rows["metric"].tolist() == ["FD-classifier", "recall-classifier"]
    assert (rows["n"] == 0).all()
    assert (rows["failed"] == 2).all()
    assert (rows["values"] == "nan nan").all()
    assert rows[["mean", "std", "ci_low", "median", "max"]].isna().all(axis=None)


def test_dataset_without_any_score_still_counts_its_failures():
    scores, runs = together(
        study_of({"minimax": BASELINE}), study_of({"minimax": [None, None]}, dataset="shoes")
    )
    summary = summarise(scores[scores["dataset"] == "digits"], runs)
    row = only(summary[summary["dataset"] == "shoes"])
    assert (row["metric"], row["n"], row["failed"]) == ("FD-classifier", 0, 2)


def test_study_without_any_score_gives_empty_tables_with_their_columns():
    scores, runs = study_of({"minimax": [None], "wgan": [None]})
    assert summarise(scores.iloc[:0], runs).columns.tolist() == SUMMARY_COLUMNS
    empty = pd.DataFrame(columns=scores.columns)
    comparisons = compare_contrasts(empty, runs, settings_of(empty, runs))
    assert comparisons.columns.tolist() == COMPARISON_COLUMNS
    assert len(comparisons) == 0


def contrasts_of(scores, runs):
    return compare_contrasts(scores, runs, settings_of(scores, runs))


def several_measures():
    finals = {"wgan": BASELINE[::-1], "minimax": BASELINE, "hinge": [None, *BASELINE[1:]]}
    return together(
        study_of(finals, metric="recall-classifier", reference="train"),
        (study_of(finals, metric="FD-classifier", reference="train")[0], None),
        (study_of(finals, metric="FD-classifier")[0], None),
        (study_of(finals, metric="IS-classifier", reference="none")[0], None),
    )


def test_rows_are_in_the_order_of_the_study_and_of_the_metrics():
    scores, runs = several_measures()
    summary, comparisons = summarise(scores, runs), contrasts_of(scores, runs)
    measures = [
        ("FD-classifier", "held_out"),
        ("FD-classifier", "train"),
        ("IS-classifier", "none"),
        ("recall-classifier", "train"),
    ]
    keys = summary[["variant", "metric", "reference"]].itertuples(index=False, name=None)
    assert list(keys) == [(v, *m) for v in ("wgan", "minimax", "hinge") for m in measures]
    keys = comparisons[["metric", "reference", "variant"]].itertuples(index=False, name=None)
    assert list(keys) == [(*m, v) for m in measures for v in ("wgan", "hinge")]


def test_tables_do_not_depend_on_the_order_of_scores_and_leave_them_unchanged():
    scores, runs = several_measures()
    copies = scores.copy(), runs.copy()
    shuffled = scores.sample(frac=1, random_state=0)
    assert summarise(scores, runs).to_csv() == summarise(shuffled, runs).to_csv()
    assert contrasts_of(scores, runs).to_csv() == contrasts_of(shuffled, runs).to_csv()
    assert final_scores(scores, runs).to_csv() == final_scores(shuffled, runs).to_csv()
    pd.testing.assert_frame_equal(scores, copies[0])
    pd.testing.assert_frame_equal(runs, copies[1])


@pytest.mark.parametrize(
    ("measure", "name"),
    [
        (("FD-classifier", "held_out"), "FD-classifier"),
        (("FID", "train"), "FID against training images"),
        (("JSD", "none"), "Jensen–Shannon divergence"),
        (("modes", "none"), "modes covered"),
        (("optimal_value", "none"), "V(D*, G)"),
    ],
)
def test_sentences_name_a_measure_in_words(measure, name):
    assert measure_name(measure) == name

"""Estimates over seeds: closed forms, scipy cross-checks, planted differences, degenerate cases."""

import itertools

import numpy as np
import pandas as pd
import pytest
from evidence_example import BASELINE, END, VARIANT, only, study_of, together
from ganbench.evidence import estimators
from ganbench.evidence import estimators as effects
from ganbench.evidence.comparisons import COMPARISON_COLUMNS, compare_all_pairs, compare_to_baseline
from ganbench.evidence.final_scores import final_scores
from ganbench.evidence.tables import SUMMARY_COLUMNS, summarise
from scipy import stats

pytestmark = pytest.mark.filterwarnings("error")


def test_final_score_is_the_last_snapshot_of_completed_runs_alone():
    final = final_scores(*study_of({"minimax": [38.0, None, 36.5]}))
    assert final["seed"].tolist() == [0, 2]
    assert final["value"].tolist() == [38.0, 36.5]


def test_final_score_is_at_the_end_of_the_run_and_not_at_the_largest_step_of_its_file():
    scores, runs = study_of({"minimax": [38.0]})
    beyond = scores.iloc[[-1]].assign(step=2 * END, value=1.0)
    final = final_scores(pd.concat([scores, beyond]), runs)
    assert final["value"].tolist() == [38.0]


def test_completed_run_without_a_score_at_its_end_is_an_error_and_not_a_failure():
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


def test_value_that_is_not_finite_counts_as_a_failure_of_that_metric():
    row = only(summarise(*study_of({"minimax": [38.0, np.nan, np.inf, 40.0]})))
    assert (row["n"], row["failed"], row["mean"]) == (2, 2, 39.0)


def test_summary_has_the_columns_and_the_closed_form_of_each():
    row = only(summary := summarise(*study_of({"minimax": [*BASELINE, None]})))
    assert summary.columns.tolist() == SUMMARY_COLUMNS
    assert (row["n"], row["failed"]) == (5, 1)
    assert row["mean"] == pytest.approx(38.96)
    deviation = (sum((x - 38.96) ** 2 for x in BASELINE) / 4) ** 0.5
    assert row["std"] == pytest.approx(deviation)
    half_width = 2.7764451051977987 * deviation / 5**0.5  # the 97.5 % quantile of t with 4 degrees
    assert row["ci_low"] == pytest.approx(38.96 - half_width)
    assert row["ci_high"] == pytest.approx(38.96 + half_width)
    assert (row["median"], row["min"], row["max"]) == (39.2, 36.5, 41.0)


def test_interval_widens_with_confidence():
    narrow = only(summarise(*study_of({"minimax": BASELINE}), confidence=0.5))
    wide = only(summarise(*study_of({"minimax": BASELINE}), confidence=0.99))
    ratio = (wide["ci_high"] - wide["mean"]) / (narrow["ci_high"] - narrow["mean"])
    assert ratio == pytest.approx(stats.t.ppf(0.995, 4) / stats.t.ppf(0.75, 4))


def test_prediction_interval_holds_one_more_value_as_often_as_it_says():
    drawn = np.random.default_rng(0).normal(3.0, 2.0, (4000, 6))
    intervals = [estimators.prediction_interval(row[:5], 0.9) for row in drawn]
    held = [low <= row[5] <= high for row, (low, high) in zip(drawn, intervals, strict=True)]
    assert 0.885 <= np.mean(held) <= 0.915
    assert np.isnan(estimators.prediction_interval(drawn[0, :1], 0.9)).all()


def test_one_seed_has_a_mean_but_no_spread_and_no_interval():
    row = only(summarise(*study_of({"minimax": [38.0]})))
    assert (row["n"], row["mean"], row["median"]) == (1, 38.0, 38.0)
    assert row[["std", "ci_low", "ci_high"]].isna().all()


def test_variant_whose_every_run_failed_has_a_row_per_metric():
    alive = study_of({"minimax": BASELINE})
    recall = study_of({"minimax": BASELINE}, metric="recall-classifier")[0]
    failed_runs = study_of({"wgan": [None, None]})[1]
    summary = summarise(*together(alive, (recall, failed_runs)))
    rows = summary[summary["variant"] == "wgan"]
    assert rows["metric"].tolist() == ["FD-classifier", "recall-classifier"]
    assert (rows["n"] == 0).all()
    assert (rows["failed"] == 2).all()
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
    comparisons = compare_to_baseline(pd.DataFrame(columns=scores.columns), runs, "minimax")
    assert comparisons.columns.tolist() == COMPARISON_COLUMNS
    assert len(comparisons) == 0


def test_comparison_is_the_paired_t_test_of_scipy():
    row = only(
        table := compare_to_baseline(*study_of({"minimax": BASELINE, "wgan": VARIANT}), "minimax")
    )
    oracle = stats.ttest_rel(VARIANT, BASELINE)
    assert table.columns.tolist() == COMPARISON_COLUMNS
    assert (row["variant"], row["baseline"], row["n_pairs"]) == ("wgan", "minimax", 5)
    assert row["difference"] == pytest.approx(np.mean(VARIANT) - np.mean(BASELINE))
    assert row["p_value"] == pytest.approx(oracle.pvalue, rel=1e-12)
    interval = oracle.confidence_interval(0.95)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(interval))


def test_only_seeds_that_both_completed_are_paired():
    variant = [31.0, None, 30.2, 30.9, None]
    baseline = [38.0, 41.0, None, 39.2, 40.1]
    row = only(compare_to_baseline(*study_of({"minimax": baseline, "wgan": variant}), "minimax"))
    assert row["n_pairs"] == 2
    assert row["difference"] == pytest.approx(((31.0 - 38.0) + (30.9 - 39.2)) / 2)
    assert row["probability_better"] == 1.0


def test_planted_difference_is_found_and_has_its_sign():
    rng = np.random.default_rng(1)
    baseline = 40 + 3 * rng.standard_normal(10)
    planted = baseline - 5 + rng.standard_normal(10)
    row = only(compare_to_baseline(*study_of({"minimax": baseline, "wgan": planted}), "minimax"))
    assert row["ci_low"] < -5 < row["ci_high"] < 0
    assert str(row["verdict"]) == "better"
    assert row["hedges_g"] < 0


@pytest.mark.parametrize(
    ("metric", "expected"),
    [("FD-classifier", 0.0), ("FID", 0.0), ("IS-classifier", 1.0), ("recall-classifier", 1.0)],
)
def test_probability_better_follows_the_direction_of_the_metric(metric, expected):
    higher = [value + 10 for value in BASELINE]
    finals = {"minimax": BASELINE, "wgan": higher}
    row = only(compare_to_baseline(*study_of(finals, metric=metric), "minimax"))
    assert row["probability_better"] == expected
    assert row["difference"] == pytest.approx(10)
    assert str(row["verdict"]) == ("better" if expected else "worse")


def test_probability_greater_is_the_mann_whitney_statistic_over_all_pairs():
    rng = np.random.default_rng(2)
    values, others = rng.integers(0, 6, 7).astype(float), rng.integers(0, 6, 9).astype(float)
    oracle = stats.mannwhitneyu(values, others).statistic / (7 * 9)
    assert effects.probability_greater(values, others) == pytest.approx(oracle)
    assert oracle != 0.5


def test_hedges_g_of_a_case_worked_by_hand():
    # Both variances are 1; the mean difference is 2. With m = 2(3 - 1) = 4 degrees of freedom
    # J = gamma(2) / (sqrt(2) gamma(3/2)) = sqrt(2 / pi).
    g = effects.hedges_g(np.array([3.0, 5.0, 4.0]), np.array([1.0, 2.0, 3.0]))
    assert g == pytest.approx(2 * (2 / np.pi) ** 0.5)


def test_hedges_g_is_unbiased_over_many_small_studies():
    rng = np.random.default_rng(3)
    values, others = 0.8 + rng.standard_normal((2000, 4)), rng.standard_normal((2000, 4))
    g = [effects.hedges_g(*pair) for pair in zip(values, others, strict=True)]
    assert np.mean(g) == pytest.approx(0.8, abs=0.06)  # uncorrected: 0.92


def test_holm_is_the_closed_test_of_bonferroni_over_all_subsets():
    p_values = np.array([0.012, 0.4, 0.003, 0.03, 0.03])

    def closed(i):
        subsets = (s for k in range(1, 6) for s in itertools.combinations(range(5), k) if i in s)
        return max(min(1.0, len(s) * min(p_values[list(s)])) for s in subsets)

    assert estimators.holm(p_values) == pytest.approx([closed(i) for i in range(5)])


def test_holm_leaves_out_tests_that_could_not_be_made():
    adjusted = estimators.holm([0.01, np.nan, 0.02])
    assert adjusted[[0, 2]] == pytest.approx([0.02, 0.02])
    assert np.isnan(adjusted[1])


def test_p_values_are_adjusted_within_one_dataset_metric_and_reference():
    finals = {"minimax": BASELINE, "wgan": VARIANT, "hinge": [37.0, 40.5, 36.9, 38.0, 39.9]}
    both = together(study_of(finals), study_of(finals, dataset="shoes"))
    table = compare_to_baseline(*both, "minimax")
    assert table["dataset"].tolist() == ["digits", "digits", "shoes", "shoes"]
    wgan, hinge = table["p_value"].iloc[:2]
    assert wgan < hinge
    assert table["p_adjusted"].tolist() == pytest.approx([2 * wgan, hinge] * 2)


def test_detectable_difference_is_found_in_80_percent_of_simulated_studies():
    rng = np.random.default_rng(4)
    differences = np.array([-1.0, 0.0, 1.0, 2.0, -2.0])
    planted = effects.detectable_difference(differences, alpha=0.05)
    studies = planted + differences.std(ddof=1) * rng.standard_normal((40_000, 5))
    test = stats.ttest_1samp(studies, 0.0, axis=1)
    found = np.mean((test.pvalue < 0.05) & (test.statistic > 0))
    assert found == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize(("n", "deviations"), [(3, 3.3), (5, 1.7), (10, 1.0)])
def test_detectable_difference_agrees_with_the_projects_simulations(n, deviations):
    differences = np.arange(n, dtype=float)
    detectable = effects.detectable_difference(differences, alpha=0.05)
    assert detectable / differences.std(ddof=1) == pytest.approx(deviations, abs=0.06)


@pytest.mark.parametrize("n", [2, 3, 30, 300])
@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.001])
def test_detectable_difference_exists_at_every_size_and_level(n, alpha):
    differences = np.arange(n, dtype=float)
    assert 0 < effects.detectable_difference(differences, alpha) < np.inf


def test_t_interval_covers_at_its_confidence_with_five_seeds():
    rng = np.random.default_rng(5)
    samples = 3 + 2 * rng.standard_normal((1500, 5))
    intervals = [estimators.t_estimate(sample, 0.95) for sample in samples]
    covered = np.mean([interval.low <= 3 <= interval.high for interval in intervals])
    assert covered == pytest.approx(0.95, abs=0.017)  # 3 standard errors; the bootstrap has 0.83


def test_a_variant_against_itself_is_exactly_no_difference():
    row = only(compare_to_baseline(*study_of({"minimax": BASELINE, "copy": BASELINE}), "minimax"))
    assert (row["difference"], row["ci_low"], row["ci_high"]) == (0.0, 0.0, 0.0)
    assert (row["p_value"], row["p_adjusted"], row["hedges_g"]) == (1.0, 1.0, 0.0)
    assert (row["probability_better"], row["minimum_detectable_difference"]) == (0.5, 0.0)
    assert str(row["verdict"]) == "no difference larger than 0 shown"


def test_constant_difference_is_exact_though_its_values_are_rounded():
    baseline = [share / 599 for share in (300, 311, 287, 402, 95)]
    variant = [(share + 30) / 599 for share in (300, 311, 287, 402, 95)]
    assert len({a - b for a, b in zip(variant, baseline, strict=True)}) > 1
    finals = {"minimax": baseline, "wgan": variant}
    row = only(compare_to_baseline(*study_of(finals, metric="recall-classifier"), "minimax"))
    assert row["ci_low"] == row["ci_high"] == row["difference"] == pytest.approx(30 / 599)
    assert (row["p_value"], str(row["verdict"])) == (0.0, "better")


def test_scores_without_any_spread_leave_the_effect_size_undefined():
    row = only(compare_to_baseline(*study_of({"minimax": [2.0] * 4, "wgan": [1.0] * 4}), "minimax"))
    assert np.isnan(row["hedges_g"])


@pytest.mark.parametrize("shared", [0, 1])
def test_too_few_pairs_leave_every_interval_undefined(shared):
    variant = [31.0] * shared + [None] * (5 - shared)
    row = only(compare_to_baseline(*study_of({"minimax": BASELINE, "wgan": variant}), "minimax"))
    undefined = ["ci_low", "p_value", "p_adjusted", "hedges_g", "minimum_detectable_difference"]
    assert row["n_pairs"] == shared
    assert row[undefined].isna().all()
    assert np.isnan(row["difference"]) == (shared == 0)


def test_baseline_that_no_dataset_has_is_named():
    with pytest.raises(ValueError, match=r"'lsgan'.*digits.*minimax, wgan"):
        compare_to_baseline(*study_of({"minimax": BASELINE, "wgan": VARIANT}), "lsgan")


def many():
    finals = {"wgan": VARIANT, "minimax": BASELINE, "hinge": [None, *BASELINE[1:]]}
    return together(
        study_of(finals, metric="recall-classifier", reference="train"),
        (study_of(finals, metric="FD-classifier", reference="train")[0], None),
        (study_of(finals, metric="FD-classifier")[0], None),
        (study_of(finals, metric="IS-classifier", reference="none")[0], None),
    )


def test_rows_stand_in_the_order_of_the_study_and_of_the_metrics():
    scores, runs = many()
    summary, comparisons = summarise(scores, runs), compare_to_baseline(scores, runs, "minimax")
    measures = [
        ("FD-classifier", "held_out"),
        ("FD-classifier", "train"),
        ("IS-classifier", "none"),
        ("recall-classifier", "train"),
    ]
    places = summary[["variant", "metric", "reference"]].itertuples(index=False, name=None)
    assert list(places) == [(v, *m) for v in ("wgan", "minimax", "hinge") for m in measures]
    places = comparisons[["metric", "reference", "variant"]].itertuples(index=False, name=None)
    assert list(places) == [(*m, v) for m in measures for v in ("wgan", "hinge")]


def test_tables_are_the_same_bytes_in_whatever_order_the_scores_come():
    scores, runs = many()
    shuffled = scores.sample(frac=1, random_state=0)
    assert summarise(scores, runs).to_csv() == summarise(shuffled, runs).to_csv()
    assert (
        compare_to_baseline(scores, runs, "minimax").to_csv()
        == compare_to_baseline(shuffled, runs, "minimax").to_csv()
    )
    assert final_scores(scores, runs).to_csv() == final_scores(shuffled, runs).to_csv()


def test_no_input_is_changed():
    scores, runs = many()
    before = scores.copy(), runs.copy()
    compare_to_baseline(scores, runs, "minimax")
    summarise(scores, runs)
    pd.testing.assert_frame_equal(scores, before[0])
    pd.testing.assert_frame_equal(runs, before[1])


def test_a_seeds_score_is_the_mean_over_the_repeats_of_its_last_snapshot():
    scores, runs = study_of({"minimax": [[38.0, 40.0], [41.0, 44.0]]})
    final = final_scores(scores, runs)
    assert final["value"].tolist() == [39.0, 42.5]
    assert "repeat" not in final
    row = only(summarise(scores, runs))
    assert (row["n"], row["mean"]) == (2, 40.75)


def test_one_repeat_that_is_not_finite_fails_the_run():
    row = only(summarise(*study_of({"minimax": [[38.0, np.nan], [41.0, 43.0]]})))
    assert (row["n"], row["failed"], row["mean"]) == (1, 1, 42.0)


def test_scores_without_the_column_repeat_count_once():
    scores, runs = study_of({"minimax": BASELINE})
    once = final_scores(scores.drop(columns="repeat"), runs)
    pd.testing.assert_frame_equal(once, final_scores(scores, runs))


def test_summary_lists_every_run_in_the_order_of_seeds():
    scores, runs = study_of({"minimax": [38.5, None, 1 / 3]})
    row = only(summarise(scores, runs.sample(frac=1, random_state=1)))
    assert row["values"] == "38.5 nan 0.3333333333333333"
    assert len(row["values"].split()) == row["n"] + row["failed"]


@pytest.mark.parametrize(
    ("metric", "halfway", "expected"),
    [
        ("FD-classifier", 37.0, (37.0 + 30.0) / 2),
        ("recall-classifier", 37.0, (38.0 + 37.0) / 2),
        ("memorisation-classifier", 37.0, np.nan),
        ("FD-classifier", np.nan, (38.0 + 30.0) / 2),
    ],
)
def test_best_mean_takes_each_runs_best_snapshot_in_the_direction_of_the_metric(
    metric, halfway, expected
):
    finals = {"minimax": [38.0, 30.0, None]}
    row = only(summarise(*study_of(finals, metric=metric, halfway=halfway)))
    assert row["best_mean"] == pytest.approx(expected, nan_ok=True)


def test_best_mean_is_over_the_runs_that_have_a_final_score():
    scores, runs = study_of({"minimax": [38.0, np.nan]}, halfway=20.0)
    scores.loc[(scores["seed"] == 1) & (scores["step"] == 500), "value"] = 1.0
    assert only(summarise(scores, runs))["best_mean"] == 20.0


def test_unpaired_check_is_welchs_test_of_scipy_over_all_runs_of_both():
    variant = [31.0, None, 30.2, 30.9, None]
    row = only(compare_to_baseline(*study_of({"minimax": BASELINE, "wgan": variant}), "minimax"))
    oracle = stats.ttest_ind([31.0, 30.2, 30.9], BASELINE, equal_var=False)
    assert row["n_pairs"] == 3
    assert row["welch_p_value"] == pytest.approx(oracle.pvalue, rel=1e-9)
    interval = oracle.confidence_interval(0.95)
    assert (row["welch_ci_low"], row["welch_ci_high"]) == pytest.approx(tuple(interval))


@pytest.mark.parametrize(
    ("values", "others", "expected"),
    [
        ([2.0, 2.0], [2.0, 2.0], (0.0, 0.0, 0.0, 1.0)),
        ([2.0, 2.0], [1.0, 1.0], (1.0, 1.0, 1.0, 0.0)),
        ([2.0, 3.0], [1.0], (1.5, np.nan, np.nan, np.nan)),
        ([], [1.0, 2.0], (np.nan,) * 4),
    ],
)
def test_welch_without_spread_or_with_too_few_values(values, others, expected):
    found = estimators.welch_estimate(np.array(values), np.array(others), 0.95)
    assert tuple(found) == pytest.approx(expected, nan_ok=True)


def test_welch_with_spread_on_one_side_alone_has_that_sides_degrees_of_freedom():
    found = estimators.welch_estimate(np.array([2.0, 3.0, 4.0]), np.array([1.0] * 5), 0.95)
    assert found.p_value == pytest.approx(stats.ttest_1samp([1.0, 2.0, 3.0], 0).pvalue)


def test_every_two_variants_are_compared_once():
    finals = {name: [x + i**2 / 3 for x in BASELINE] for i, name in enumerate("abcd")}
    finals["c"] = VARIANT
    pairs = compare_all_pairs(*study_of(finals))
    assert pairs.columns.tolist() == COMPARISON_COLUMNS
    names = list(pairs[["variant", "baseline"]].itertuples(index=False, name=None))
    assert names == [("b", "a"), ("c", "a"), ("d", "a"), ("c", "b"), ("d", "b"), ("d", "c")]
    scores, runs = study_of({"b": finals["b"], "c": VARIANT})
    alone = only(compare_to_baseline(scores, runs, "b"))
    row = only(pairs[(pairs["variant"] == "c") & (pairs["baseline"] == "b")])
    same = ["difference", "ci_low", "ci_high", "p_value", "welch_p_value", "hedges_g"]
    assert row[same].tolist() == alone[same].tolist()


def test_all_pairs_have_a_holm_family_of_their_own():
    rng = np.random.default_rng(6)
    finals = {name: list(40 + rng.standard_normal(5)) for name in "abcd"}
    scores, runs = study_of(finals)
    pairs, comparisons = compare_all_pairs(scores, runs), compare_to_baseline(scores, runs, "a")
    assert pairs["p_adjusted"].tolist() == pytest.approx(estimators.holm(pairs["p_value"]))
    assert pairs["p_adjusted"].min() == pytest.approx(6 * pairs["p_value"].min())
    assert comparisons["p_adjusted"].tolist() == pytest.approx(
        estimators.holm(pairs["p_value"][:3])
    )


def test_twenty_variants_make_190_pairs():
    rng = np.random.default_rng(7)
    finals = {f"v{i}": list(rng.standard_normal(5)) for i in range(20)}
    pairs = compare_all_pairs(*study_of(finals))
    assert len(pairs) == 190
    assert pairs["minimum_detectable_difference"].between(0, np.inf, inclusive="neither").all()


def test_detectable_difference_is_stated_for_the_level_that_holm_asks():
    finals = {"minimax": BASELINE, "wgan": VARIANT, "hinge": VARIANT[::-1], "gone": [None] * 5}
    table = compare_to_baseline(*study_of(finals), "minimax").set_index("variant")
    differences = np.array(VARIANT) - BASELINE
    stated = table.loc["wgan", "minimum_detectable_difference"]
    assert stated == pytest.approx(effects.detectable_difference(differences, 0.05 / 2))
    assert stated > effects.detectable_difference(differences, 0.05)


def test_values_that_differ_by_rounding_alone_are_equal():
    rounded = [value * (1 + 1e-14 * (-1) ** i) for i, value in enumerate(BASELINE)]
    row = only(compare_to_baseline(*study_of({"minimax": BASELINE, "copy": rounded}), "minimax"))
    assert (row["difference"], row["ci_low"], row["ci_high"], row["p_value"]) == (0, 0, 0, 1)
    assert str(row["verdict"]) == "no difference larger than 0 shown"


def test_two_seeds_have_an_interval_but_no_verdict():
    row = only(
        compare_to_baseline(*study_of({"minimax": [40.0, 41.0], "wgan": [30.0, 30.9]}), "minimax")
    )
    oracle = stats.ttest_rel([30.0, 30.9], [40.0, 41.0])
    assert row["p_value"] == pytest.approx(oracle.pvalue)
    assert row["p_value"] < 0.01
    assert str(row["verdict"]) == "cannot tell with 2 seeds"


def test_a_study_whose_every_run_failed_still_has_every_table():
    alive = study_of({"minimax": BASELINE})[0]
    runs = study_of({"minimax": [None] * 3, "wgan": [None] * 3}, dataset="shoes")[1]
    summary, pairs = summarise(alive, runs), compare_all_pairs(alive, runs)
    assert summary["values"].tolist() == ["nan nan nan"] * 2
    assert list(map(str, pairs["verdict"])) == ["cannot tell with 0 seeds"]
    assert pairs["minimum_detectable_difference"].isna().all()

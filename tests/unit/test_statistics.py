"""Estimates over seeds: closed forms, scipy cross-checks, planted differences, degenerate cases."""

import itertools

import numpy as np
import pandas as pd
import pytest
from ganbench.evidence import estimators
from ganbench.evidence.statistics import (
    COMPARISON_COLUMNS,
    SUMMARY_COLUMNS,
    compare,
    final_scores,
    summarise,
)
from scipy import stats

pytestmark = pytest.mark.filterwarnings("error")

BASELINE = [38.0, 41.0, 36.5, 39.2, 40.1]
VARIANT = [31.0, 35.5, 30.2, 30.9, 33.8]
END = 1000


def study_of(finals, dataset="digits", metric="FD-classifier", reference="held_out"):
    """Scores and runs with the given final value per variant and seed; None is a diverged run.

    Every run also has a score halfway, which is no final score.
    """
    runs, scores = [], []
    for variant, values in finals.items():
        for seed, value in enumerate(values):
            status, end = ("diverged", 700) if value is None else ("completed", END)
            runs.append((dataset, variant, seed, status, end))
            final = [] if value is None else [(END, value)]
            scores += [
                (dataset, variant, seed, step, 64 * step, reference, metric, score)
                for step, score in [(500, 99.0), *final]
            ]
    run = ["dataset", "variant", "seed"]
    score = [*run, "step", "images", "reference", "metric", "value"]
    return (
        pd.DataFrame(scores, columns=score),
        pd.DataFrame(runs, columns=[*run, "status", "step"]),
    )


def together(*studies):
    """Several (scores, runs) as one."""
    return tuple(pd.concat(tables, ignore_index=True) for tables in zip(*studies, strict=True))


def only(table):
    assert len(table) == 1
    return table.iloc[0]


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
    comparisons = compare(pd.DataFrame(columns=scores.columns), runs, "minimax")
    assert comparisons.columns.tolist() == COMPARISON_COLUMNS
    assert len(comparisons) == 0


def test_comparison_is_the_paired_t_test_of_scipy():
    row = only(table := compare(*study_of({"minimax": BASELINE, "wgan": VARIANT}), "minimax"))
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
    row = only(compare(*study_of({"minimax": baseline, "wgan": variant}), "minimax"))
    assert row["n_pairs"] == 2
    assert row["difference"] == pytest.approx(((31.0 - 38.0) + (30.9 - 39.2)) / 2)
    assert row["probability_better"] == 1.0


def test_planted_difference_is_found_and_has_its_sign():
    rng = np.random.default_rng(1)
    baseline = 40 + 3 * rng.standard_normal(10)
    planted = baseline - 5 + rng.standard_normal(10)
    row = only(compare(*study_of({"minimax": baseline, "wgan": planted}), "minimax"))
    assert row["ci_low"] < -5 < row["ci_high"] < 0
    assert row["verdict"] == "better"
    assert row["hedges_g"] < 0


@pytest.mark.parametrize(
    ("metric", "expected"),
    [("FD-classifier", 0.0), ("FID", 0.0), ("IS-classifier", 1.0), ("recall-classifier", 1.0)],
)
def test_probability_better_follows_the_direction_of_the_metric(metric, expected):
    higher = [value + 10 for value in BASELINE]
    finals = {"minimax": BASELINE, "wgan": higher}
    row = only(compare(*study_of(finals, metric=metric), "minimax"))
    assert row["probability_better"] == expected
    assert row["difference"] == pytest.approx(10)
    assert row["verdict"] == ("better" if expected else "worse")


def test_probability_greater_is_the_mann_whitney_statistic_over_all_pairs():
    rng = np.random.default_rng(2)
    values, others = rng.integers(0, 6, 7).astype(float), rng.integers(0, 6, 9).astype(float)
    oracle = stats.mannwhitneyu(values, others).statistic / (7 * 9)
    assert estimators.probability_greater(values, others) == pytest.approx(oracle)
    assert oracle != 0.5


def test_hedges_g_of_a_case_worked_by_hand():
    # Both variances are 1; the mean difference is 2. With m = 2(3 - 1) = 4 degrees of freedom
    # J = gamma(2) / (sqrt(2) gamma(3/2)) = sqrt(2 / pi).
    g = estimators.hedges_g(np.array([3.0, 5.0, 4.0]), np.array([1.0, 2.0, 3.0]))
    assert g == pytest.approx(2 * (2 / np.pi) ** 0.5)


def test_hedges_g_is_unbiased_over_many_small_studies():
    rng = np.random.default_rng(3)
    values, others = 0.8 + rng.standard_normal((2000, 4)), rng.standard_normal((2000, 4))
    g = [estimators.hedges_g(*pair) for pair in zip(values, others, strict=True)]
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
    table = compare(*both, "minimax")
    assert table["dataset"].tolist() == ["digits", "digits", "shoes", "shoes"]
    wgan, hinge = table["p_value"].iloc[:2]
    assert wgan < hinge
    assert table["p_adjusted"].tolist() == pytest.approx([2 * wgan, hinge] * 2)


def test_detectable_difference_is_found_in_80_percent_of_simulated_studies():
    rng = np.random.default_rng(4)
    differences = np.array([-1.0, 0.0, 1.0, 2.0, -2.0])
    planted = estimators.detectable_difference(differences, alpha=0.05)
    studies = planted + differences.std(ddof=1) * rng.standard_normal((40_000, 5))
    test = stats.ttest_1samp(studies, 0.0, axis=1)
    found = np.mean((test.pvalue < 0.05) & (test.statistic > 0))
    assert found == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize(("n", "deviations"), [(3, 3.3), (5, 1.7), (10, 1.0)])
def test_detectable_difference_agrees_with_the_projects_simulations(n, deviations):
    differences = np.arange(n, dtype=float)
    detectable = estimators.detectable_difference(differences, alpha=0.05)
    assert detectable / differences.std(ddof=1) == pytest.approx(deviations, abs=0.06)


@pytest.mark.parametrize("n", [2, 3, 30, 300])
@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.001])
def test_detectable_difference_exists_at_every_size_and_level(n, alpha):
    differences = np.arange(n, dtype=float)
    assert 0 < estimators.detectable_difference(differences, alpha) < np.inf


def test_t_interval_covers_at_its_confidence_with_five_seeds():
    rng = np.random.default_rng(5)
    samples = 3 + 2 * rng.standard_normal((1500, 5))
    intervals = [estimators.t_estimate(sample, 0.95) for sample in samples]
    covered = np.mean([interval.low <= 3 <= interval.high for interval in intervals])
    assert covered == pytest.approx(0.95, abs=0.017)  # 3 standard errors; the bootstrap has 0.83


def test_a_variant_against_itself_is_exactly_no_difference():
    row = only(compare(*study_of({"minimax": BASELINE, "copy": BASELINE}), "minimax"))
    assert (row["difference"], row["ci_low"], row["ci_high"]) == (0.0, 0.0, 0.0)
    assert (row["p_value"], row["p_adjusted"], row["hedges_g"]) == (1.0, 1.0, 0.0)
    assert (row["probability_better"], row["minimum_detectable_difference"]) == (0.5, 0.0)
    assert row["verdict"] == "no difference larger than 0 shown"


def test_constant_difference_is_exact_though_its_values_are_rounded():
    baseline = [share / 599 for share in (300, 311, 287, 402, 95)]
    variant = [(share + 30) / 599 for share in (300, 311, 287, 402, 95)]
    assert len({a - b for a, b in zip(variant, baseline, strict=True)}) > 1
    finals = {"minimax": baseline, "wgan": variant}
    row = only(compare(*study_of(finals, metric="recall-classifier"), "minimax"))
    assert row["ci_low"] == row["ci_high"] == row["difference"] == pytest.approx(30 / 599)
    assert (row["p_value"], row["verdict"]) == (0.0, "better")


def test_scores_without_any_spread_leave_the_effect_size_undefined():
    row = only(compare(*study_of({"minimax": [2.0] * 4, "wgan": [1.0] * 4}), "minimax"))
    assert np.isnan(row["hedges_g"])


@pytest.mark.parametrize("shared", [0, 1])
def test_too_few_pairs_leave_every_interval_undefined(shared):
    variant = [31.0] * shared + [None] * (5 - shared)
    row = only(compare(*study_of({"minimax": BASELINE, "wgan": variant}), "minimax"))
    undefined = ["ci_low", "p_value", "p_adjusted", "hedges_g", "minimum_detectable_difference"]
    assert row["n_pairs"] == shared
    assert row[undefined].isna().all()
    assert np.isnan(row["difference"]) == (shared == 0)


def test_baseline_that_no_dataset_has_is_named():
    with pytest.raises(ValueError, match=r"'lsgan'.*digits.*minimax, wgan"):
        compare(*study_of({"minimax": BASELINE, "wgan": VARIANT}), "lsgan")


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
    summary, comparisons = summarise(scores, runs), compare(scores, runs, "minimax")
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
    assert compare(scores, runs, "minimax").to_csv() == compare(shuffled, runs, "minimax").to_csv()
    assert final_scores(scores, runs).to_csv() == final_scores(shuffled, runs).to_csv()


def test_no_input_is_changed():
    scores, runs = many()
    before = scores.copy(), runs.copy()
    compare(scores, runs, "minimax")
    summarise(scores, runs)
    pd.testing.assert_frame_equal(scores, before[0])
    pd.testing.assert_frame_equal(runs, before[1])

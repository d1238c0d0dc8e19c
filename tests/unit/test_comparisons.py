"""Contrasts of variants: tests, families, effect sizes, roles and degenerate cases."""

import numpy as np
import pandas as pd
import pytest
from evidence_example import (
    ALL_FAILED,
    BASELINE,
    VARIANT,
    only,
    settings_of,
    study_of,
    together,
)
from ganbench.evidence.comparisons import (
    COMPARISON_COLUMNS,
    compare_all_pairs,
    compare_contrasts,
)
from ganbench.evidence.estimators import detectable_difference
from scipy import stats

pytestmark = pytest.mark.filterwarnings("error")


def contrasts_of(scores, runs, **options):
    return compare_contrasts(scores, runs, settings_of(scores, runs, **options))


def pairs_of(scores, runs, **options):
    return compare_all_pairs(scores, runs, settings_of(scores, runs, **options))


def compare(variant, baseline=BASELINE, declared=None, **options):
    """The comparison of one variant, wgan, with the baseline, minimax."""
    finals = {"minimax": baseline, "wgan": variant}
    return only(contrasts_of(*study_of(finals, **options), **(declared or {})))


def test_contrast_is_the_paired_t_test_of_scipy_on_the_scale_of_the_metric():
    table = contrasts_of(*study_of({"minimax": BASELINE, "wgan": VARIANT}))
    row = only(table)
    oracle = stats.ttest_rel(np.log(VARIANT), np.log(BASELINE))
    assert table.columns.tolist() == COMPARISON_COLUMNS
    assert (row["variant"], row["baseline"], row["n_pairs"]) == ("wgan", "minimax", 5)
    assert (row["scale"], row["test"], row["role"]) == ("log", "paired t", "declared")
    geometric = stats.gmean(VARIANT), stats.gmean(BASELINE)
    assert row["difference"] == pytest.approx(geometric[0] - geometric[1])
    assert row["ratio"] == pytest.approx(geometric[0] / geometric[1])
    assert row["p_value"] == pytest.approx(oracle.pvalue, rel=1e-12)
    interval = np.exp(tuple(oracle.confidence_interval(0.95)))
    assert (row["ratio_low"], row["ratio_high"]) == pytest.approx(tuple(interval))


def test_contrast_of_an_unbounded_metric_is_in_its_unit():
    row = compare(VARIANT, metric="KID-classifier")
    oracle = stats.ttest_rel(VARIANT, BASELINE)
    assert row["scale"] == "identity"
    assert row["difference"] == pytest.approx(np.mean(VARIANT) - np.mean(BASELINE))
    interval = tuple(oracle.confidence_interval(0.95))
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(interval)
    assert (row["simultaneous_low"], row["simultaneous_high"]) == pytest.approx(interval)
    assert np.isnan(row["ratio"])


def test_welchs_check_is_that_of_scipy_over_all_completed_runs():
    row = compare([31.0, None, 30.2, 30.9, None], metric="KID-classifier")
    oracle = stats.ttest_ind([31.0, 30.2, 30.9], BASELINE, equal_var=False)
    assert (row["n_pairs"], row["n_variant"], row["failed_variant"]) == (3, 3, 2)
    assert row["welch_p_value"] == pytest.approx(oracle.pvalue, rel=1e-9)
    interval = oracle.confidence_interval(0.95)
    assert (row["welch_ci_low"], row["welch_ci_high"]) == pytest.approx(tuple(interval))


def test_planted_difference_is_found_and_has_its_sign():
    rng = np.random.default_rng(1)
    baseline = 40 + 3 * rng.standard_normal(10)
    row = compare(baseline - 5 + rng.standard_normal(10), baseline)
    assert row["simultaneous_low"] < -5 < row["simultaneous_high"] < 0
    assert str(row["verdict"]) == "better"
    assert row["hedges_g"] < 0


@pytest.mark.parametrize(
    ("metric", "probability"), [("FD-classifier", 0.0), ("FID", 0.0), ("IS-classifier", 1.0)]
)
def test_probability_better_follows_the_direction_of_the_metric(metric, probability):
    row = compare([value + 10 for value in BASELINE], metric=metric)
    assert row["probability_better"] == probability
    assert row["difference"] > 9
    assert str(row["verdict"]) == ("better" if probability else "worse")


def test_failed_runs_lose_against_all_others_in_probability_better():
    row = compare([31.0, None, 30.2, 30.9, None])
    assert row["probability_better"] == pytest.approx(3 / 5)


def test_p_values_are_adjusted_for_the_contrasts_of_one_dataset_and_metric():
    finals = {"minimax": BASELINE, "wgan": VARIANT, "hinge": [37.0, 40.5, 36.9, 38.0, 39.9]}
    table = contrasts_of(*together(study_of(finals), study_of(finals, dataset="shoes")))
    assert table["dataset"].tolist() == ["digits", "digits", "shoes", "shoes"]
    raw = table["p_value"].iloc[:2]
    assert table["p_adjusted"].tolist() == pytest.approx([2 * raw[0], min(1, 2 * raw[1])] * 2)


def test_declared_contrasts_alone_are_declared_and_only_by_the_primary_metric():
    finals = {"a": BASELINE, "b": VARIANT, "c": VARIANT[::-1], "d": BASELINE[::-1]}
    scores, runs = study_of(finals)
    other = study_of(finals, metric="recall-classifier")[0].assign(value=0.5)
    scores = pd.concat([scores, other])
    declared = {"contrasts": [["c", "b"], ["d", "a"]]}
    table, pairs = (make(scores, runs, **declared) for make in (contrasts_of, pairs_of))
    assert table[["variant", "baseline"]].drop_duplicates().to_numpy().tolist() == [
        ["c", "b"],
        ["d", "a"],
    ]
    assert set(table.loc[table["metric"] == "FD-classifier", "role"]) == {"declared"}
    assert set(table.loc[table["metric"] == "recall-classifier", "role"]) == {"exploratory"}
    assert len(pairs) == 12
    both = [part[part["role"] == "declared"].set_index("variant") for part in (pairs, table)]
    pd.testing.assert_frame_equal(both[0].sort_index(), both[1].sort_index())
    others = pairs[(pairs["role"] == "exploratory") & (pairs["metric"] == "FD-classifier")]
    assert len(others) == 4
    assert others["p_adjusted"].tolist() == pytest.approx((6 * others["p_value"]).clip(upper=1))


def test_detectable_difference_is_at_the_level_of_the_family():
    finals = {"minimax": BASELINE, "wgan": VARIANT, "hinge": VARIANT[::-1]}
    kind = {"metric": "KID-classifier"}
    table = contrasts_of(*study_of(finals, **kind)).set_index("variant")
    alone = compare(VARIANT, **kind)["minimum_detectable_difference"]
    differences = np.array(VARIANT) - BASELINE
    detectable = table.loc["wgan", "minimum_detectable_difference"]
    assert detectable == pytest.approx(detectable_difference(differences, 0.05 / 2))
    assert detectable > alone


@pytest.mark.parametrize("rounding", [0.0, 1e-14], ids=["exactly equal", "up to rounding"])
def test_equal_scores_have_an_interval_of_zero(rounding):
    row = compare([value * (1 + rounding * (-1) ** i) for i, value in enumerate(BASELINE)])
    assert (row["difference"], row["ci_low"], row["ci_high"]) == (0.0, 0.0, 0.0)
    assert (row["p_value"], row["p_adjusted"], row["hedges_g"]) == (1.0, 1.0, 0.0)
    assert row["minimum_detectable_difference"] == 0.0
    assert str(row["verdict"]) == "inconclusive"


def test_equal_scores_are_equivalent_within_any_declared_margin():
    assert str(compare(BASELINE, declared={"margin": "1 %"})["verdict"]) == "equivalent within 1 %"


def test_probability_better_of_equal_scores_is_one_half():
    assert compare(BASELINE)["probability_better"] == 0.5


def test_constant_difference_is_exact_though_its_values_are_rounded():
    baseline = [share / 599 for share in (300, 311, 287, 402, 95)]
    variant = [(share - 30) / 599 for share in (300, 311, 287, 402, 95)]
    assert len({a - b for a, b in zip(variant, baseline, strict=True)}) > 1
    row = compare(variant, baseline, metric="KID-classifier")
    assert row["ci_low"] == row["ci_high"] == row["difference"] == pytest.approx(-30 / 599)
    assert (row["p_value"], str(row["verdict"])) == (0.0, "better")


def test_scores_without_any_spread_leave_the_effect_size_undefined():
    assert np.isnan(compare([1.0] * 4, [2.0] * 4)["hedges_g"])


def test_two_seeds_have_an_interval_but_no_verdict():
    row = compare([30.0, 30.9], [40.0, 41.0], metric="KID-classifier")
    oracle = stats.ttest_rel([30.0, 30.9], [40.0, 41.0])
    assert row["p_value"] == pytest.approx(oracle.pvalue)
    assert row["p_value"] < 0.01
    assert np.isnan(row["simultaneous_low"])
    assert str(row["verdict"]) == "inconclusive"


def test_single_seed_leaves_every_interval_undefined():
    row = compare([31.0], [38.0])
    assert row[["ci_low", "p_value", "p_adjusted", "hedges_g"]].isna().all()
    assert (row["difference"], str(row["verdict"])) == (pytest.approx(-7.0), "inconclusive")


def test_baseline_that_a_dataset_lacks_is_named():
    scores, runs = study_of({"minimax": BASELINE, "wgan": VARIANT})
    with pytest.raises(ValueError, match=r"'lsgan'.*digits.*minimax, wgan"):
        compare_contrasts(scores, runs, settings_of(scores, runs, baseline="lsgan"))


def test_every_two_variants_are_compared_once():
    finals = {name: [x + i**2 / 3 for x in BASELINE] for i, name in enumerate("abcd")}
    finals["c"] = VARIANT
    pairs = pairs_of(*study_of(finals), baseline="a")
    assert pairs.columns.tolist() == COMPARISON_COLUMNS
    names = list(pairs[["variant", "baseline"]].itertuples(index=False, name=None))
    assert names == [("b", "a"), ("c", "a"), ("d", "a"), ("c", "b"), ("d", "b"), ("d", "c")]
    alone = compare(VARIANT, finals["b"])
    row = only(pairs[(pairs["variant"] == "c") & (pairs["baseline"] == "b")])
    same = ["difference", "ci_low", "ci_high", "p_value", "welch_p_value", "hedges_g"]
    assert row[same].tolist() == alone[same].tolist()


def test_twenty_variants_make_190_pairs():
    rng = np.random.default_rng(7)
    finals = {f"v{i}": list(40 + rng.standard_normal(5)) for i in range(20)}
    pairs = pairs_of(*study_of(finals), baseline="v0")
    assert len(pairs) == 190
    assert pairs["minimum_detectable_difference"].between(0, np.inf, inclusive="neither").all()


def test_dataset_whose_runs_all_failed_still_has_its_pairs():
    scores = study_of({"minimax": BASELINE})[0]
    runs = study_of({"minimax": [None] * 3, "wgan": [None] * 3}, dataset="shoes")[1]
    row = only(pairs_of(scores, runs))
    assert str(row["verdict"]) == "inconclusive"
    assert np.isnan(row["minimum_detectable_difference"])


def test_score_of_zero_is_compared_on_the_metrics_own_unit():
    row = compare([0.0, 1.0, 2.0, 1.5, 0.5])
    assert (row["scale"], row["verdict"].kind) == ("identity", "better")


def test_all_of_one_failed_is_decided_from_three_seeds_on():
    for seeds, verdict in ((2, "inconclusive"), (3, "worse"), (5, "worse")):
        row = compare([None] * seeds, BASELINE[:seeds])
        assert (str(row["verdict"]), row["failed_variant"]) == (verdict, seeds)
    assert (row["test"], row["decided_by"]) == ("failure rates", "failures")
    assert np.isnan(row["simultaneous_low"])
    assert str(compare(BASELINE, ALL_FAILED)["verdict"]) == "better"


def test_runs_lost_on_different_seeds_still_decide():
    row = compare([306.0, 506.0, 300.0, None], [2977.0, 2761.0, None, 2366.0])
    assert (row["n_pairs"], row["n_variant"], row["n_baseline"]) == (2, 3, 3)
    assert (str(row["verdict"]), row["test"]) == ("better", "trimmed t")
    assert row["ratio_high"] < 1

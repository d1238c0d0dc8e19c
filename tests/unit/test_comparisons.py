"""Comparisons of variants: pairing, tests, effect sizes, Holm families and degenerate cases."""

import numpy as np
import pytest
from evidence_example import ALL_FAILED, BASELINE, VARIANT, only, study_of, together
from ganbench.evidence import estimators
from ganbench.evidence.comparisons import COMPARISON_COLUMNS, compare_all_pairs, compare_to_baseline
from scipy import stats

pytestmark = pytest.mark.filterwarnings("error")


def compare(variant, baseline=BASELINE, **options):
    """The comparison of one variant, wgan, with the baseline, minimax."""
    finals = {"minimax": baseline, "wgan": variant}
    return only(compare_to_baseline(*study_of(finals, **options), "minimax"))


def test_comparison_is_the_paired_t_test_of_scipy():
    table = compare_to_baseline(*study_of({"minimax": BASELINE, "wgan": VARIANT}), "minimax")
    row = only(table)
    oracle = stats.ttest_rel(VARIANT, BASELINE)
    assert table.columns.tolist() == COMPARISON_COLUMNS
    assert (row["variant"], row["baseline"], row["n_pairs"]) == ("wgan", "minimax", 5)
    assert row["difference"] == pytest.approx(np.mean(VARIANT) - np.mean(BASELINE))
    assert row["p_value"] == pytest.approx(oracle.pvalue, rel=1e-12)
    interval = oracle.confidence_interval(0.95)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(interval))


def test_only_seeds_that_both_completed_are_paired():
    row = compare([31.0, None, 30.2, 30.9, None], [38.0, 41.0, None, 39.2, 40.1])
    assert row["n_pairs"] == 2
    assert row["difference"] == pytest.approx(((31.0 - 38.0) + (30.9 - 39.2)) / 2)
    assert row["probability_better"] == 1.0


def test_welchs_check_is_that_of_scipy_over_all_runs_of_both():
    row = compare([31.0, None, 30.2, 30.9, None])
    oracle = stats.ttest_ind([31.0, 30.2, 30.9], BASELINE, equal_var=False)
    assert row["n_pairs"] == 3
    assert row["welch_p_value"] == pytest.approx(oracle.pvalue, rel=1e-9)
    interval = oracle.confidence_interval(0.95)
    assert (row["welch_ci_low"], row["welch_ci_high"]) == pytest.approx(tuple(interval))


def test_planted_difference_is_found_and_has_its_sign():
    rng = np.random.default_rng(1)
    baseline = 40 + 3 * rng.standard_normal(10)
    row = compare(baseline - 5 + rng.standard_normal(10), baseline)
    assert row["ci_low"] < -5 < row["ci_high"] < 0
    assert str(row["verdict"]) == "better"
    assert row["hedges_g"] < 0


@pytest.mark.parametrize(
    ("metric", "probability"), [("FD-classifier", 0.0), ("FID", 0.0), ("recall-classifier", 1.0)]
)
def test_probability_better_follows_the_direction_of_the_metric(metric, probability):
    row = compare([value + 10 for value in BASELINE], metric=metric)
    assert row["probability_better"] == probability
    assert row["difference"] == pytest.approx(10)
    assert str(row["verdict"]) == ("better" if probability else "worse")


def test_p_values_are_adjusted_within_one_dataset_metric_and_reference():
    finals = {"minimax": BASELINE, "wgan": VARIANT, "hinge": [37.0, 40.5, 36.9, 38.0, 39.9]}
    both = together(study_of(finals), study_of(finals, dataset="shoes"))
    table = compare_to_baseline(*both, "minimax")
    assert table["dataset"].tolist() == ["digits", "digits", "shoes", "shoes"]
    wgan, hinge = table["p_value"].iloc[:2]
    assert wgan < hinge
    assert table["p_adjusted"].tolist() == pytest.approx([2 * wgan, hinge] * 2)


def test_detectable_difference_is_at_the_level_that_holm_requires():
    finals = {"minimax": BASELINE, "wgan": VARIANT, "hinge": VARIANT[::-1], "gone": ALL_FAILED}
    table = compare_to_baseline(*study_of(finals), "minimax").set_index("variant")
    differences = np.array(VARIANT) - BASELINE
    detectable = table.loc["wgan", "minimum_detectable_difference"]
    assert detectable == pytest.approx(estimators.detectable_difference(differences, 0.05 / 2))
    assert detectable > estimators.detectable_difference(differences, 0.05)


@pytest.mark.parametrize("rounding", [0.0, 1e-14], ids=["exactly equal", "up to rounding"])
def test_equal_scores_are_exactly_no_difference(rounding):
    row = compare([value * (1 + rounding * (-1) ** i) for i, value in enumerate(BASELINE)])
    assert (row["difference"], row["ci_low"], row["ci_high"]) == (0.0, 0.0, 0.0)
    assert (row["p_value"], row["p_adjusted"], row["hedges_g"]) == (1.0, 1.0, 0.0)
    assert row["minimum_detectable_difference"] == 0.0
    assert str(row["verdict"]) == "no difference larger than 0 shown"


def test_probability_better_of_equal_scores_is_one_half():
    assert compare(BASELINE)["probability_better"] == 0.5


def test_constant_difference_is_exact_though_its_values_are_rounded():
    baseline = [share / 599 for share in (300, 311, 287, 402, 95)]
    variant = [(share + 30) / 599 for share in (300, 311, 287, 402, 95)]
    assert len({a - b for a, b in zip(variant, baseline, strict=True)}) > 1
    row = compare(variant, baseline, metric="recall-classifier")
    assert row["ci_low"] == row["ci_high"] == row["difference"] == pytest.approx(30 / 599)
    assert (row["p_value"], str(row["verdict"])) == (0.0, "better")


def test_scores_without_any_spread_leave_the_effect_size_undefined():
    assert np.isnan(compare([1.0] * 4, [2.0] * 4)["hedges_g"])


@pytest.mark.parametrize("shared", [0, 1])
def test_too_few_pairs_leave_every_interval_undefined(shared):
    row = compare([31.0] * shared + [None] * (5 - shared))
    undefined = ["ci_low", "p_value", "p_adjusted", "hedges_g", "minimum_detectable_difference"]
    assert row["n_pairs"] == shared
    assert row[undefined].isna().all()
    assert np.isnan(row["difference"]) == (shared == 0)
    assert str(row["verdict"]) == f"cannot tell with {shared} seed{'' if shared == 1 else 's'}"


def test_two_seeds_have_an_interval_but_no_verdict():
    row = compare([30.0, 30.9], [40.0, 41.0])
    oracle = stats.ttest_rel([30.0, 30.9], [40.0, 41.0])
    assert row["p_value"] == pytest.approx(oracle.pvalue)
    assert row["p_value"] < 0.01
    assert str(row["verdict"]) == "cannot tell with 2 seeds"


def test_baseline_that_a_dataset_lacks_is_named():
    with pytest.raises(ValueError, match=r"'lsgan'.*digits.*minimax, wgan"):
        compare_to_baseline(*study_of({"minimax": BASELINE, "wgan": VARIANT}), "lsgan")


def test_every_two_variants_are_compared_once():
    finals = {name: [x + i**2 / 3 for x in BASELINE] for i, name in enumerate("abcd")}
    finals["c"] = VARIANT
    pairs = compare_all_pairs(*study_of(finals))
    assert pairs.columns.tolist() == COMPARISON_COLUMNS
    names = list(pairs[["variant", "baseline"]].itertuples(index=False, name=None))
    assert names == [("b", "a"), ("c", "a"), ("d", "a"), ("c", "b"), ("d", "b"), ("d", "c")]
    alone = compare(VARIANT, finals["b"])
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


def test_dataset_whose_runs_all_failed_still_has_its_pairs():
    scores = study_of({"minimax": BASELINE})[0]
    runs = study_of({"minimax": [None] * 3, "wgan": [None] * 3}, dataset="shoes")[1]
    row = only(compare_all_pairs(scores, runs))
    assert str(row["verdict"]) == "cannot tell with 0 seeds"
    assert np.isnan(row["minimum_detectable_difference"])

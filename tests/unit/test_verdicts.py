"""Verdicts from numbers, and the sentences written from the same numbers."""

import re

import numpy as np
import pandas as pd
import pytest
from ganbench.evidence import wording
from ganbench.evidence.statistics import compare, summarise
from ganbench.evidence.verdicts import headline, kind, sentence, verdict

STUDY = {
    "baseline": "minimax",
    "report": {"confidence": 0.95},
}
BASELINE = [38.0, 41.0, 36.5, 39.2, 40.1]
BETTER = [31.0, 35.5, 30.2, 30.9, 33.8]
WORSE = [45.0, 49.5, 42.2, 47.9, 46.8]
CLOSE = [38.4, 40.5, 36.9, 39.0, 40.4]
WILD = [10.0, 90.0, 15.0, 70.0, 12.0]
GONE = [None] * 5


def row(**changes):
    """A clear comparison in favour of the variant, but for `changes`."""
    numbers = {"n_pairs": 5, "difference": -7.2, "ci_low": -10.1, "ci_high": -4.3}
    chances = {"p_value": 0.004, "p_adjusted": 0.004, "minimum_detectable_difference": 3.9}
    names = {"dataset": "digits", "variant": "non_saturating", "baseline": "minimax"}
    measure = {"metric": "FD-classifier", "reference": "held_out", "verdict": "better"}
    return {**names, **measure, **numbers, **chances, **changes}


def summary_row(variant, mean, n=5, failed=0):
    return {"dataset": "digits", "variant": variant, "mean": mean, "n": n, "failed": failed}


def say(variant_mean=31.2, baseline_mean=38.4, variant=None, baseline=None, **changes):
    return sentence(
        row(**changes),
        summary_row("non_saturating", variant_mean, **(variant or {})),
        summary_row("minimax", baseline_mean, **(baseline or {})),
    )


def headline_of(datasets, metric="FD-classifier", reference="held_out"):
    """The headline of a study, from final values by dataset, variant and seed; None diverged."""
    runs, scores = [], []
    for dataset, finals in datasets.items():
        for variant, values in finals.items():
            for seed, value in enumerate(values):
                runs.append((dataset, variant, seed, "diverged" if value is None else "completed"))
                # A second metric, on which every variant is level, must not be the one that answers
                for name, score in ((metric, value), ("KID-classifier", 1.0 + seed)):
                    if value is not None:
                        scores.append((dataset, variant, seed, 9, reference, name, score))
    run = ["dataset", "variant", "seed"]
    runs = pd.DataFrame(runs, columns=[*run, "status"]).assign(step=9)
    scores = pd.DataFrame(scores, columns=[*run, "step", "reference", "metric", "value"])
    primary = {"metric": metric, "reference": reference}
    study = {**STUDY, "datasets": {dataset: {"primary": primary} for dataset in datasets}}
    text = headline(compare(scores, runs, "minimax"), summarise(scores, runs), runs, study)
    assert len(re.findall(r"[.](?= |$)", text)) <= 2
    return text


@pytest.mark.parametrize(
    ("metric", "sign", "expected"),
    [
        ("FD-classifier", -1, "better"),
        ("FD-classifier", 1, "worse"),
        ("FID", -1, "better"),
        ("KID", 1, "worse"),
        ("IS-classifier", 1, "better"),
        ("recall-classifier", -1, "worse"),
    ],
)
def test_significant_difference_is_judged_in_the_direction_of_the_metric(metric, sign, expected):
    low, high = sorted((sign * 10.1, sign * 4.3))
    found = row(metric=metric, difference=sign * 7.2, ci_low=low, ci_high=high)
    assert verdict(found, 38.4) == expected


def test_holms_p_value_decides_and_not_the_raw_one():
    assert verdict(row(p_value=0.02, p_adjusted=0.06), 38.4).startswith("no difference")


def test_confidence_sets_the_level():
    assert verdict(row(p_adjusted=0.03), 38.4, confidence=0.95) == "better"
    assert verdict(row(p_adjusted=0.03), 38.4, confidence=0.99) != "better"


@pytest.mark.parametrize(
    ("low", "high", "size"),
    [(-8.1234, 2.0, "8.12"), (-1.0, 12.0, "12"), (-1234.5, 99.0, "1230"), (-4e-5, 1e-5, "0.00004")],
)
def test_no_difference_names_the_far_end_of_the_interval_in_three_digits(low, high, size):
    level = row(ci_low=low, ci_high=high, p_adjusted=0.3)
    assert verdict(level, baseline_mean=1e5) == f"no difference larger than {size} shown"


def test_interval_past_half_of_the_baselines_score_cannot_tell():
    level = {"ci_low": -10.0, "ci_high": 5.0, "p_adjusted": 0.3}
    assert verdict(row(**level), 20.0) == "no difference larger than 10 shown"
    assert verdict(row(**level), 19.9) == "cannot tell with 5 seeds"
    assert verdict(row(**level), -20.0) == "no difference larger than 10 shown"  # KID can be < 0


def test_two_seeds_decide_nothing_however_small_p_is():
    assert verdict(row(n_pairs=2, p_adjusted=0.0001), 38.4) == "cannot tell with 2 seeds"
    assert verdict(row(n_pairs=3, p_adjusted=0.0001), 38.4) == "better"


@pytest.mark.parametrize(("n", "seeds"), [(0, "0 seeds"), (1, "1 seed")])
def test_without_an_interval_nothing_can_be_told(n, seeds):
    nothing = row(n_pairs=n, ci_low=np.nan, ci_high=np.nan, p_adjusted=np.nan)
    assert verdict(nothing, np.nan) == f"cannot tell with {seeds}"


def test_identical_scores_show_no_difference_even_with_two_seeds_and_a_score_of_zero():
    same = row(n_pairs=2, difference=0.0, ci_low=0.0, ci_high=0.0, p_adjusted=1.0)
    assert verdict(same, 0.0) == "no difference larger than 0 shown"


def test_kind_is_the_verdict_without_its_number():
    texts = ["better", "worse", "no difference larger than 3 shown", "cannot tell with 1 seed"]
    assert [kind(text) for text in texts] == ["better", "worse", "no difference", "cannot tell"]


def test_sentence_of_a_better_variant():
    assert say() == (
        "On digits, non_saturating reached a lower FD-classifier than minimax: 31.2 against 38.4 "
        "(difference −7.2, 95 % interval −10.1 to −4.3, 5 shared seeds, p = 0.004)."
    )


def test_sentence_of_a_worse_variant_and_of_a_metric_where_more_is_better():
    worse = {"difference": 7.2, "ci_low": 4.3, "ci_high": 10.1, "verdict": "worse"}
    assert "reached a higher (worse) FD-classifier than minimax" in say(**worse)
    more = {"difference": 0.2, "ci_low": 0.1, "ci_high": 0.3, "metric": "recall-classifier"}
    assert "reached a higher recall-classifier than minimax" in say(0.9, 0.7, **more)


def test_sentence_of_no_difference_names_its_size():
    level = {"verdict": "no difference larger than 8.12 shown", "p_value": 0.3, "p_adjusted": 0.6}
    assert say(**level).startswith(
        "On digits, no difference larger than 8.12 in FD-classifier was shown between "
        "non_saturating and minimax: 31.2 against 38.4 ("
    )
    assert say(**level).endswith("p = 0.300, 0.600 after Holm's correction).")


def test_sentence_of_identical_scores_says_the_same():
    same = {"difference": 0.0, "ci_low": 0.0, "ci_high": 0.0, "p_value": 1.0, "p_adjusted": 1.0}
    text = say(38.4, 38.4, verdict="no difference larger than 0 shown", **same)
    assert text == (
        "On digits, non_saturating and minimax reached the same FD-classifier for every shared "
        "seed: 38.4 against 38.4 (difference 0.0, 95 % interval 0.0 to 0.0, 5 shared seeds, p = 1)."
    )


def test_sentence_that_cannot_tell_says_what_the_seeds_would_find():
    unclear = {"verdict": "cannot tell with 5 seeds", "minimum_detectable_difference": 25.43}
    text = say(**unclear)
    assert text.startswith("On digits, 5 seeds cannot tell whether non_saturating differs from ")
    assert text.endswith("; only a difference of 25.4 or more would be found with 80 % power).")


def test_sentence_of_one_seed_has_no_interval_and_of_none_no_numbers():
    alone = {"ci_low": np.nan, "ci_high": np.nan, "p_value": np.nan, "p_adjusted": np.nan}
    alone["minimum_detectable_difference"] = np.nan
    one = {"n": 1, "failed": 0}
    text = say(n_pairs=1, verdict="cannot tell with 1 seed", variant=one, baseline=one, **alone)
    assert text == (
        "On digits, 1 seed cannot tell whether non_saturating differs from minimax in "
        "FD-classifier: 31.2 against 38.4 (difference −7.2, 1 shared seed)."
    )
    gone = {"n_pairs": 0, "difference": np.nan, "verdict": "cannot tell with 0 seeds"}
    assert say(np.nan, variant={"n": 0, "failed": 5}, **{**alone, **gone}) == (
        "On digits, non_saturating and minimax share no completed seed that FD-classifier could "
        "compare. 5 of 5 runs of non_saturating failed."
    )


def test_sentence_over_unequal_seeds_says_what_each_mean_is_of():
    text = say(n_pairs=4, variant={"n": 4, "failed": 1})
    assert "(means of 4 and 5 runs; difference −7.2, " in text
    assert text.endswith(" 1 of 5 runs of non_saturating failed.")


def test_sentence_names_the_reference_only_where_it_is_the_unusual_one():
    assert "FD-classifier (against train) than minimax" in say(reference="train")
    assert "(against" not in say(reference="none")


def test_numbers_show_two_digits_of_the_half_width():
    text = say(0.03121, 0.03845, difference=-0.00724, ci_low=-0.0101, ci_high=-0.0043)
    assert "0.0312 against 0.0384 (difference −0.0072, 95 % interval −0.0101 to −0.0043" in text
    text = say(3121.2, 3845.1, difference=-724.4, ci_low=-1010.3, ci_high=-438.2)
    assert "3121 against 3845 (difference −724, 95 % interval −1010 to −438" in text


def test_headline_of_two_variants_is_their_sentence():
    text = headline_of({"digits": {"minimax": BASELINE, "non_saturating": BETTER}})
    assert text.startswith("On digits, non_saturating reached a lower FD-classifier than minimax: ")
    assert text.endswith("5 shared seeds, p < 0.001).")


def test_headline_counts_diverged_runs_of_all():
    finals = {"minimax": BASELINE, "non_saturating": [None, *BETTER[1:4], None]}
    assert headline_of({"digits": finals}).endswith("). 2 of 10 runs diverged.")


def test_headline_of_many_variants_groups_them_by_verdict():
    finals = {
        "minimax": BASELINE,
        "wgan": BETTER,
        "hinge": [x - 1 for x in BETTER],
        "lsgan": WORSE,
        "rel": CLOSE,
        "dragan": WILD,
        "r1": GONE,
    }
    assert headline_of({"digits": finals}) == (
        "By FD-classifier on digits, against minimax: wgan and hinge did better (best: hinge, 31.3 "
        "against 39); lsgan did worse; no difference was shown for rel; the seeds cannot tell for "
        "dragan and r1. Each verdict rests on 0 to 5 shared seeds, at 95 % confidence after Holm's "
        "correction; 5 of 35 runs diverged."
    )


def test_headline_of_several_datasets_says_where():
    both = {"minimax": BASELINE, "wgan": BETTER, "rel": CLOSE}
    text = headline_of({"digits": both, "shoes": both, "faces": {**both, "wgan": WORSE}})
    assert text == (
        "By FD-classifier, against minimax: wgan (on digits and shoes) did better; wgan (on faces) "
        "did worse; no difference was shown for rel (on digits, shoes and faces). Each verdict "
        "rests on 5 shared seeds, at 95 % confidence after Holm's correction."
    )


def test_headline_takes_the_studys_primary_metric():
    text = headline_of(
        {"digits": {"minimax": BASELINE, "wgan": WORSE}},
        metric="IS-classifier",
        reference="none",
    )
    assert text.startswith("On digits, wgan reached a higher IS-classifier than minimax: ")


def test_headline_of_a_lone_baseline_and_of_a_study_without_scores():
    assert headline_of({"digits": {"minimax": BASELINE}, "shoes": {"minimax": [2.0]}}) == (
        "minimax was trained alone: FD-classifier 39 on digits (5 seeds) and 2 on shoes (1 seed)."
    )
    assert headline_of({"digits": {"minimax": [2.0]}, "shoes": {"minimax": GONE}}) == (
        "minimax was trained alone: FD-classifier 2 on digits (1 seed). 5 of 6 runs diverged."
    )
    assert headline_of({"digits": {"minimax": GONE, "wgan": GONE}}) == (
        "No run has a final FD-classifier: there is nothing to compare. 10 of 10 runs diverged."
    )


def test_long_lists_of_names_are_cut():
    assert wording.listed([]) == ""
    assert wording.listed(["a"]) == "a"
    assert wording.listed(list("abcd")) == "a, b, c and d"
    assert wording.listed(list("abcdefg")) == "a, b, c and 4 more"


def test_no_number_reads_as_minus_zero_or_with_an_exponent():
    assert wording.fixed(-0.04, 1) == "0.0"
    assert wording.fixed(-12.345, 1) == "−12.3"
    assert wording.rounded(1.234e8) == "123000000"
    assert wording.decimals(1e-12, 38.0) == 4
    assert wording.decimals(0.0, 0.0) == 2


def test_headline_answers_for_images_and_densities_by_their_own_metric():
    places = {"digits": ("FD-classifier", "held_out"), "line": ("JSD", "none")}
    runs, scores = [], []
    for dataset, (metric, reference) in places.items():
        for variant, values in {"minimax": BASELINE, "wgan": BETTER}.items():
            for seed, value in enumerate(values):
                runs.append((dataset, variant, seed, "completed", 9))
                scores.append((dataset, variant, seed, 9, reference, metric, value))
                scores.append((dataset, variant, seed, 9, "none", "value", value))
    run = ["dataset", "variant", "seed"]
    runs = pd.DataFrame(runs, columns=[*run, "status", "step"])
    scores = pd.DataFrame(scores, columns=[*run, "step", "reference", "metric", "value"])
    datasets = {
        name: {"primary": {"metric": metric, "reference": reference}}
        for name, (metric, reference) in places.items()
    }
    comparisons = compare(scores, runs, "minimax")
    assert "value" not in set(comparisons.metric)  # V(D, G) has no better direction
    study = {**STUDY, "datasets": datasets}
    text = headline(comparisons, summarise(scores, runs), runs, study)
    first, second = text.split(" On line, ")
    assert first.startswith("On digits, wgan reached a lower FD-classifier than minimax: ")
    assert second.startswith("wgan reached a lower JSD than minimax: ")

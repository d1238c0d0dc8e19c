"""Verdicts from numbers, and the sentences written from the same numbers."""

import re

import numpy as np
import pandas as pd
import pytest
from evidence_example import BASELINE, settings, study_of
from evidence_example import VARIANT as BETTER
from ganbench import wording
from ganbench.evidence.comparisons import compare_to_baseline
from ganbench.evidence.headline import write_headline
from ganbench.evidence.sentences import describe_comparison, describe_noise, describe_rank
from ganbench.evidence.tables import count_failures, summarise
from ganbench.evidence.verdict import Verdict, VerdictKind, judge

WORSE = [45.0, 49.5, 42.2, 47.9, 46.8]
CLOSE = [38.4, 40.5, 36.9, 39.0, 40.4]
WILD = [10.0, 90.0, 15.0, 70.0, 12.0]
GONE = [None] * 5


def row(**changes):
    """A clear comparison in favour of the variant, but for `changes`."""
    numbers = {"n_pairs": 5, "difference": -7.2, "ci_low": -10.1, "ci_high": -4.3}
    chances = {"p_value": 0.004, "p_adjusted": 0.004, "welch_p_value": 0.006}
    chances |= {"minimum_detectable_difference": 3.9}
    names = {"dataset": "digits", "variant": "non_saturating", "baseline": "minimax"}
    measure = {"metric": "FD-classifier", "reference": "held_out", "verdict": "better"}
    found = {**names, **measure, **numbers, **chances, **changes}
    return {**found, "verdict": parsed(found["verdict"], found["n_pairs"])}


def verdict_of(*arguments, **keywords):
    """What is printed of a verdict."""
    return str(judge(*arguments, **keywords))


def parsed(text, pairs):
    """The verdict that is printed as `text`."""
    kind = next(kind for kind in VerdictKind if text.startswith(kind))
    verdict = Verdict(kind, pairs, float((re.findall(r"larger than (\S+)", text) or ["9"])[0]))
    assert str(verdict) == text
    return verdict


def summary_row(variant, mean, n=5, failed=0):
    return {"dataset": "digits", "variant": variant, "mean": mean, "n": n, "failed": failed}


def say(variant_mean=31.2, baseline_mean=38.4, variant=None, baseline=None, **changes):
    return describe_comparison(
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
    study = settings(dict.fromkeys(datasets, (metric, reference)))
    text = write_headline(
        compare_to_baseline(scores, runs, "minimax"), summarise(scores, runs), runs, study
    )
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
    assert verdict_of(found, 38.4) == expected


def test_holms_p_value_decides_and_not_the_raw_one():
    assert verdict_of(row(p_value=0.02, p_adjusted=0.06), 38.4).startswith("no difference")


def test_confidence_sets_the_level():
    assert verdict_of(row(p_adjusted=0.03), 38.4, confidence=0.95) == "better"
    assert verdict_of(row(p_adjusted=0.03), 38.4, confidence=0.99) != "better"


@pytest.mark.parametrize(
    ("low", "high", "size"),
    [(-8.1234, 2.0, "8.12"), (-1.0, 12.0, "12"), (-1234.5, 99.0, "1230"), (-4e-5, 1e-5, "0.00004")],
)
def test_no_difference_names_the_far_end_of_the_interval_in_three_digits(low, high, size):
    level = row(ci_low=low, ci_high=high, p_adjusted=0.3)
    assert verdict_of(level, baseline_mean=1e5) == f"no difference larger than {size} shown"


def test_interval_past_half_of_the_baselines_score_cannot_tell():
    level = {"ci_low": -10.0, "ci_high": 5.0, "p_adjusted": 0.3}
    assert verdict_of(row(**level), 20.0) == "no difference larger than 10 shown"
    assert verdict_of(row(**level), 19.9) == "cannot tell with 5 seeds"
    assert verdict_of(row(**level), -20.0) == "no difference larger than 10 shown"  # KID can be < 0


def test_two_seeds_decide_nothing_however_small_p_is():
    assert verdict_of(row(n_pairs=2, p_adjusted=0.0001), 38.4) == "cannot tell with 2 seeds"
    assert verdict_of(row(n_pairs=3, p_adjusted=0.0001), 38.4) == "better"


@pytest.mark.parametrize(("n", "seeds"), [(0, "0 seeds"), (1, "1 seed")])
def test_without_an_interval_nothing_can_be_told(n, seeds):
    nothing = row(n_pairs=n, ci_low=np.nan, ci_high=np.nan, p_adjusted=np.nan)
    assert verdict_of(nothing, np.nan) == f"cannot tell with {seeds}"


def test_identical_scores_show_no_difference_even_with_two_seeds_and_a_score_of_zero():
    same = row(n_pairs=2, difference=0.0, ci_low=0.0, ci_high=0.0, p_adjusted=1.0)
    assert verdict_of(same, 0.0) == "no difference larger than 0 shown"


def test_exchanging_two_variants_exchanges_better_and_worse_alone():
    kinds = [Verdict(kind, 5, 1.0).swapped().kind for kind in VerdictKind]
    assert kinds == ["worse", "better", "no difference", "cannot tell"]


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
    level |= {"welch_p_value": 0.2}
    assert say(**level).startswith(
        "On digits, no difference larger than 8.12 in FD-classifier was shown between "
        "non_saturating and minimax: 31.2 against 38.4 ("
    )
    assert say(**level).endswith("p = 0.300, 0.600 after Holm's correction).")


def test_sentence_of_identical_scores_says_the_same():
    same = {"difference": 0.0, "ci_low": 0.0, "ci_high": 0.0, "p_value": 1.0, "p_adjusted": 1.0}
    same |= {"welch_p_value": 1.0}
    text = say(38.4, 38.4, verdict="no difference larger than 0 shown", **same)
    assert text == (
        "On digits, non_saturating and minimax reached exactly the same FD-classifier for every "
        "shared seed: 38.4 against 38.4 (5 shared seeds)."
    )


def test_sentence_that_cannot_tell_says_what_the_seeds_would_find():
    unclear = {"verdict": "cannot tell with 5 seeds", "minimum_detectable_difference": 25.43}
    text = say(**unclear)
    assert text.startswith("On digits, 5 seeds cannot tell whether non_saturating differs from ")
    assert text.endswith("; only a difference of 25.4 or more would be found with 80 % power).")


def test_sentence_of_one_seed_has_no_interval_and_of_none_no_numbers():
    alone = {"ci_low": np.nan, "ci_high": np.nan, "p_value": np.nan, "p_adjusted": np.nan}
    alone |= {"welch_p_value": np.nan, "minimum_detectable_difference": np.nan}
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
    assert text.endswith(" 1 of 5 runs of non_saturating failed: only the survivors are compared.")


def test_sentence_names_every_side_that_has_failures():
    text = say(n_pairs=3, variant={"n": 4, "failed": 1}, baseline={"n": 3, "failed": 2})
    assert text.endswith(
        " 1 of 5 runs of non_saturating and 2 of 5 runs of minimax failed: only the survivors are "
        "compared."
    )


def test_sentence_says_where_the_unpaired_check_disagrees():
    assert "Welch" not in say()
    assert say(welch_p_value=0.12).endswith(
        "p = 0.004; without pairing, p = 0.120 by Welch's test)."
    )
    level = {"verdict": "no difference larger than 10.1 shown", "p_value": 0.3, "p_adjusted": 0.3}
    assert say(**level, welch_p_value=0.01).endswith("without pairing, p = 0.010 by Welch's test).")


def test_runs_that_failed_are_counted_beside_a_metric():
    assert wording.failed_of(3, 2) == "of 5 runs, 2 failed"
    assert wording.failed_of(np.int64(0), np.int64(1)) == "of 1 run, 1 failed"
    assert wording.failed_of(5, 0) == ""


def test_sentence_of_a_rank_names_its_interval_and_the_chance_to_beat_the_baseline():
    rank = {"variant": "wgan", "datasets": 3, "mean_rank": 1.25, "rank_ci_low": 1.0}
    rank |= {"rank_ci_high": 2.04, "probability_of_improvement": 0.918}
    text = describe_rank({**rank, "poi_ci_low": 0.7, "poi_ci_high": 0.981}, "minimax")
    assert text == (
        "Over 3 datasets, a run of wgan has the mean rank 1.2 (95 % interval 1.0 to 2.0) and beats "
        "one of minimax with a chance of 92 % (70 % to 98 %)."
    )
    unknown = {"probability_of_improvement": np.nan, "poi_ci_low": np.nan, "poi_ci_high": np.nan}
    text = describe_rank({**rank, **unknown, "datasets": 1}, "minimax")
    assert text == "Over 1 dataset, a run of wgan has the mean rank 1.2 (95 % interval 1.0 to 2.0)."


def test_sentence_of_noise_says_where_it_comes_from_and_when_an_estimate_was_below_zero():
    split = {"dataset": "digits", "variant": "wgan", "metric": "FD-classifier", "seeds": 5}
    split |= {"reference": "held_out", "repeats": 3, "std_seeds": 1.234, "std_sampling": 0.3}
    assert describe_noise(split) == (
        "FD-classifier of wgan on digits: standard deviation 1.23 between training seeds, 0.3 "
        "between samplings of one generator (5 seeds × 3 repeats)."
    )
    text = describe_noise({**split, "std_seeds": 0.0})
    assert "seeds spread no more than that" in text
    assert "set to 0" in text
    assert "between training seeds" not in describe_noise({**split, "std_seeds": np.nan})


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
    assert headline_of({"digits": finals}).endswith(
        "). 2 of 10 runs diverged, and only the others are compared."
    )


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
        "correction; 5 of 35 runs diverged, and only the others are compared."
    )


def test_headline_of_several_datasets_says_where():
    both = {"minimax": BASELINE, "wgan": BETTER, "rel": CLOSE}
    text = headline_of({"digits": both, "shoes": both, "faces": {**both, "wgan": WORSE}})
    assert text == (
        "By FD-classifier on 3 datasets, against minimax: the datasets contradict each other on "
        "wgan (better on digits and shoes, worse on faces); no difference was shown for rel on all "
        "3. Each verdict rests on 5 shared seeds, at 95 % confidence after Holm's correction in "
        "each dataset."
    )


def test_headline_of_several_datasets_says_where_they_agree_and_where_one_alone_decides():
    first = {"minimax": BASELINE, "wgan": BETTER, "lsgan": WORSE, "hinge": BETTER, "r1": WILD}
    first |= {"copy": BASELINE, "rel": CLOSE}
    second = {**first, "hinge": CLOSE, "rel": WILD}
    assert headline_of({"digits": first, "shoes": second}) == (
        "By FD-classifier on 2 datasets, against minimax: wgan did better on both; lsgan did worse "
        "on both; copy scored exactly the same on both; the seeds cannot tell for r1 on both; "
        "shown on some datasets alone: hinge (better on digits); nothing better or worse was shown "
        "for rel. Each verdict rests on 5 shared seeds, at 95 % confidence after Holm's correction "
        "in each dataset."
    )


def test_headline_of_one_variant_under_several_names_says_that_they_are_the_same():
    text = headline_of({"digits": {"minimax": BASELINE, "copy": BASELINE, "again": BASELINE}})
    assert "against minimax: copy and again scored exactly the same. " in text


def test_headline_counts_completed_runs_without_a_score_and_collapsed_ones():
    finals = {"minimax": [*BASELINE[:4], np.nan], "wgan": [None, *BETTER[1:]]}
    scores, runs = study_of(finals)
    recall = study_of({"minimax": [0.5, 0.0, 0.5, 0.5, 0.5], "wgan": [None] * 5}, metric="recall")
    scores = pd.concat([scores, recall[0]])
    study = settings({"digits": ("FD-classifier", "held_out")})
    tables = compare_to_baseline(scores, runs, "minimax"), summarise(scores, runs)
    text = write_headline(*tables, runs, study, count_failures(scores, runs))
    assert text.endswith(
        "). 1 of 10 runs diverged and 1 completed run without a finite score, and only the others "
        "are compared; 1 of 5 completed runs collapsed."
    )
    assert "collapsed" not in write_headline(*tables, runs, study)


def test_headline_of_twenty_variants_stays_short():
    rng = np.random.default_rng(0)
    finals = {"minimax": BASELINE}
    finals |= {f"v{i}": list(30 + rng.standard_normal(5)) for i in range(20)}
    text = headline_of({"digits": finals, "shoes": finals})
    assert "v0, v1, v2 and 1" in text
    assert len(text) < 700


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
    assert wording.listing([]) == ""
    assert wording.listing(["a"]) == "a"
    assert wording.listing(list("abcd")) == "a, b, c and d"
    assert wording.listing(list("abcdefg")) == "a, b, c and 4 more"


def test_no_number_reads_as_minus_zero_or_with_an_exponent():
    assert wording.fixed(-0.04, 1) == "0.0"
    assert wording.fixed(-12.345, 1) == "−12.3"
    assert wording.number(1.234e8) == "123400000"
    assert wording.number(-4.5678e-6) == "−0.00000457"
    assert wording.decimal_places(1e-12, 38.0) == 4
    assert wording.decimal_places(0.0, 0.0) == 2


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
    comparisons = compare_to_baseline(scores, runs, "minimax")
    assert "value" not in set(comparisons.metric)  # V(D, G) has no better direction
    study = settings(places)
    text = write_headline(comparisons, summarise(scores, runs), runs, study)
    first, second = text.split(" On line, ")
    assert first.startswith("On digits, wgan reached a lower FD-classifier than minimax: ")
    assert second.startswith("wgan reached a lower JSD than minimax: ")

"""The sentence on one comparison, and the headline of a whole study."""

import re

import numpy as np
import pandas as pd
import pytest
from evidence_example import ALL_FAILED, BASELINE, END, settings, study_of, together
from evidence_example import VARIANT as BETTER
from ganbench.evidence.comparisons import compare_to_baseline
from ganbench.evidence.headline import write_headline
from ganbench.evidence.sentences import describe_comparison
from ganbench.evidence.tables import count_failures, summarise
from ganbench.evidence.verdict import Verdict, VerdictKind

WORSE = [45.0, 49.5, 42.2, 47.9, 46.8]
CLOSE = [38.4, 40.5, 36.9, 39.0, 40.4]
WILD = [10.0, 90.0, 15.0, 70.0, 12.0]
FD = ("FD-classifier", "held_out")

LEVEL = {
    "verdict": Verdict(VerdictKind.NO_DIFFERENCE, 5, 8.12),
    "p_value": 0.3,
    "p_adjusted": 0.6,
    "welch_p_value": 0.2,
}
"""Changes to a comparison that make it show no difference."""


def sentence(variant_mean=31.2, baseline_mean=38.4, variant_runs=5, baseline_runs=5, **changes):
    """The sentence on a clear comparison in favour of the variant, but for `changes`."""
    row = {
        "dataset": "digits",
        "metric": "FD-classifier",
        "reference": "held_out",
        "variant": "non_saturating",
        "baseline": "minimax",
        "n_pairs": 5,
        "difference": -7.2,
        "ci_low": -10.1,
        "ci_high": -4.3,
        "p_value": 0.004,
        "p_adjusted": 0.004,
        "welch_p_value": 0.006,
        "minimum_detectable_difference": 3.9,
        "verdict": Verdict(VerdictKind.BETTER, 5, 10.1),
    }
    variant = {"mean": variant_mean, "n": variant_runs}
    return describe_comparison(row | changes, variant, {"mean": baseline_mean, "n": baseline_runs})


def test_sentence_of_a_better_variant():
    assert sentence() == (
        "On digits, non_saturating was better than minimax in FD-classifier (lower is better): "
        "31.2 against 38.4 (difference −7.2, 95 % interval −10.1 to −4.3, 5 shared seeds, "
        "p = 0.004)."
    )


def test_sentence_of_a_worse_variant_names_the_direction_of_the_metric():
    worse = Verdict(VerdictKind.WORSE, 5, 0.3)
    text = sentence(0.7, 0.9, verdict=worse, metric="recall-classifier", reference="train")
    expected = "worse than minimax in recall-classifier against training images (higher is better)"
    assert expected in text


def test_sentence_of_no_difference_names_its_size():
    assert sentence(**LEVEL) == (
        "On digits, no difference larger than 8.12 in FD-classifier was shown between "
        "non_saturating and minimax: 31.2 against 38.4 (difference −7.2, 95 % interval −10.1 to "
        "−4.3, 5 shared seeds, p = 0.300, 0.600 after Holm's correction)."
    )


def test_sentence_of_identical_scores_has_no_interval():
    same = {"difference": 0.0, "ci_low": 0.0, "ci_high": 0.0, "p_value": 1.0, "p_adjusted": 1.0}
    verdict = Verdict(VerdictKind.NO_DIFFERENCE, 5, 0.0)
    text = sentence(38.4, 38.4, verdict=verdict, welch_p_value=1.0, **same)
    assert "exactly the same in FD-classifier" in text
    assert text.endswith(": 38.4 against 38.4 (5 shared seeds).")


def test_inconclusive_sentence_names_the_detectable_difference():
    verdict = Verdict(VerdictKind.CANNOT_TELL, 5, 30.0)
    text = sentence(verdict=verdict, minimum_detectable_difference=25.43)
    assert text.startswith(
        "On digits, the comparison of non_saturating with minimax in FD-classifier is inconclusive:"
    )
    assert text.endswith("; smallest difference detectable with 80 % power: 25.4).")


UNDEFINED = dict.fromkeys(
    (
        "ci_low",
        "ci_high",
        "p_value",
        "p_adjusted",
        "welch_p_value",
        "minimum_detectable_difference",
    ),
    np.nan,
)


def test_sentence_of_one_seed_has_no_interval():
    verdict = Verdict(VerdictKind.CANNOT_TELL, 1, np.nan)
    text = sentence(variant_runs=1, baseline_runs=1, n_pairs=1, verdict=verdict, **UNDEFINED)
    assert text.endswith(" is inconclusive: 31.2 against 38.4 (difference −7.2, 1 shared seed).")


def test_sentence_without_shared_seeds_has_no_numbers():
    verdict = Verdict(VerdictKind.CANNOT_TELL, 0, np.nan)
    text = sentence(np.nan, variant_runs=0, n_pairs=0, verdict=verdict, **UNDEFINED)
    assert text == (
        "On digits, non_saturating and minimax cannot be compared in FD-classifier: no seed has a "
        "score of both."
    )


def test_sentence_over_unequal_seeds_says_of_how_many_runs_the_means_are():
    text = sentence(n_pairs=4, variant_runs=4)
    assert "(means of 4 and 5 runs; difference −7.2, " in text


def test_sentence_says_where_the_unpaired_test_disagrees():
    assert "Welch" not in sentence()
    assert "without pairing, p = 0.120 by Welch's test" in sentence(welch_p_value=0.12)
    disagreeing = LEVEL | {"welch_p_value": 0.01}
    assert "without pairing, p = 0.010 by Welch's test" in sentence(**disagreeing)


def test_sentence_shows_two_digits_of_the_half_width():
    text = sentence(0.03121, 0.03845, difference=-0.00724, ci_low=-0.0101, ci_high=-0.0043)
    assert "0.0312 against 0.0384 (difference −0.0072, 95 % interval −0.0101 to −0.0043" in text
    text = sentence(3121.2, 3845.1, difference=-724.4, ci_low=-1010.3, ci_high=-438.2)
    assert "3121 against 3845 (difference −724, 95 % interval −1010 to −438" in text


def headline_of(datasets, measure=FD):
    """The headline of a study, from final values by dataset, variant and seed; None diverged."""
    metric, reference = measure
    studies = [
        study_of(finals, dataset=dataset, metric=metric, reference=reference)
        for dataset, finals in datasets.items()
    ]
    # By a second metric, which must not answer, all variants are equal.
    equal = [
        study_of(
            {name: [1.0 if value else None for value in finals[name]] for name in finals},
            dataset=dataset,
            metric="KID-classifier",
        )[0]
        for dataset, finals in datasets.items()
    ]
    scores, runs = together(*studies)
    scores = pd.concat([scores, *equal])
    scores = scores[scores["step"] == END]
    tables = compare_to_baseline(scores, runs, "minimax"), summarise(scores, runs)
    text = write_headline(*tables, runs, settings(dict.fromkeys(datasets, measure)))
    assert len(re.findall(r"[.](?= |$)", text)) <= 2
    return text


def test_headline_of_two_variants_is_their_sentence():
    text = headline_of({"digits": {"minimax": BASELINE, "non_saturating": BETTER}})
    assert text.startswith("On digits, non_saturating was better than minimax in FD-classifier ")
    assert text.endswith("5 shared seeds, p < 0.001).")


def test_headline_groups_many_variants_by_verdict():
    finals = {
        "minimax": BASELINE,
        "wgan": BETTER,
        "hinge": [x - 1 for x in BETTER],
        "lsgan": WORSE,
        "rel": CLOSE,
        "dragan": WILD,
        "copy": BASELINE,
        "r1": ALL_FAILED,
    }
    assert headline_of({"digits": finals}) == (
        "By FD-classifier on digits, compared with minimax: wgan and hinge did better (best: "
        "hinge, 31.3 against 39); lsgan did worse; copy scored exactly the same; no difference was "
        "shown for rel; inconclusive for dragan and r1. Each verdict rests on 0 to 5 shared seeds, "
        "at 95 % confidence after Holm's correction; 5 of 40 runs diverged and only the other "
        "runs are compared."
    )


def test_headline_of_several_datasets_names_those_that_disagree():
    finals = {"minimax": BASELINE, "wgan": BETTER, "rel": CLOSE}
    text = headline_of({"digits": finals, "shoes": finals, "faces": {**finals, "wgan": WORSE}})
    assert "mixed results for wgan (better on digits and shoes, worse on faces); " in text
    assert "no difference was shown for rel on any of the 3." in text


def test_headline_of_several_datasets_groups_variants_by_where_they_agree():
    first = {"minimax": BASELINE, "wgan": BETTER, "lsgan": WORSE, "hinge": BETTER, "r1": WILD}
    first |= {"copy": BASELINE, "rel": CLOSE}
    second = {**first, "hinge": CLOSE, "rel": WILD}
    assert headline_of({"digits": first, "shoes": second}) == (
        "By FD-classifier on 2 datasets, compared with minimax: wgan did better on both; lsgan did "
        "worse on both; copy scored exactly the same on both; inconclusive for r1 on both; shown "
        "on some datasets only: hinge (better on digits); no difference shown or inconclusive for "
        "rel. Each verdict rests on 5 shared seeds, at 95 % confidence after Holm's correction in "
        "each dataset."
    )


def test_headline_counts_diverged_unscored_and_collapsed_runs():
    finals = {"minimax": [*BASELINE[:4], np.nan], "wgan": [None, *BETTER[1:]]}
    scores, runs = study_of(finals)
    recalls = {"minimax": [0.5, 0.0, 0.5, 0.5, 0.5], "wgan": ALL_FAILED}
    scores = pd.concat([scores, study_of(recalls, metric="recall")[0]])
    study = settings({"digits": FD})
    tables = compare_to_baseline(scores, runs, "minimax"), summarise(scores, runs)
    text = write_headline(*tables, runs, study, count_failures(scores, runs))
    assert text.endswith(
        ". 1 of 10 runs diverged, 1 completed run has no finite score and only the other runs are "
        "compared; 1 of 5 completed runs collapsed."
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
    finals = {"minimax": BASELINE, "wgan": WORSE}
    text = headline_of({"digits": finals}, ("IS-classifier", "none"))
    assert text.startswith("On digits, wgan was better than minimax in IS-classifier ")


@pytest.mark.parametrize(
    ("datasets", "headline"),
    [
        (
            {"digits": {"minimax": BASELINE}, "shoes": {"minimax": [2.0]}},
            "Only minimax was trained: FD-classifier 39 on digits (5 seeds) and 2 on shoes "
            "(1 seed).",
        ),
        (
            {"digits": {"minimax": [2.0]}, "shoes": {"minimax": ALL_FAILED}},
            "Only minimax was trained: FD-classifier 2 on digits (1 seed). 5 of 6 runs diverged.",
        ),
    ],
    ids=["two datasets", "one failed"],
)
def test_headline_of_a_single_variant_is_its_mean(datasets, headline):
    assert headline_of(datasets) == headline


def test_headline_of_a_study_without_scores_says_so():
    assert headline_of({"digits": {"minimax": ALL_FAILED, "wgan": ALL_FAILED}}) == (
        "No run has a final score in FD-classifier, so there is nothing to compare. 10 of 10 runs "
        "diverged."
    )


def test_headline_answers_for_images_and_points_by_their_own_metric():
    primaries = {"digits": FD, "line": ("JSD", "none")}
    finals = {"minimax": BASELINE, "wgan": BETTER}
    scores, runs = together(
        *(
            study_of(finals, dataset=dataset, metric=metric, reference=reference)
            for dataset, (metric, reference) in primaries.items()
        )
    )
    value = scores[scores["dataset"] == "line"].assign(metric="value")
    scores = pd.concat([scores, value])
    comparisons = compare_to_baseline(scores, runs, "minimax")
    assert "value" not in set(comparisons["metric"])  # V(D, G) has no better direction
    text = write_headline(comparisons, summarise(scores, runs), runs, settings(primaries))
    images, points = text.split(" On line, ")
    assert images.startswith("On digits, wgan was better than minimax in FD-classifier ")
    assert points.startswith("wgan was better than minimax in Jensen–Shannon divergence ")

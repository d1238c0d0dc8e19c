"""The short answer, the sentence on one contrast, and the headline of a whole study."""

import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from evidence_example import ALL_FAILED, BASELINE, END, settings, study_of, together
from evidence_example import VARIANT as BETTER
from ganbench.evidence.comparisons import compare_contrasts
from ganbench.evidence.headline import write_headline, write_short_answer
from ganbench.evidence.sentences import claim, describe_numbers
from ganbench.evidence.tables import count_failures, summarise

WORSE = [45.0, 49.5, 42.2, 47.9, 46.8]
CLOSE = [38.4, 40.5, 36.9, 39.0, 40.4]
WILD = [10.0, 90.0, 15.0, 70.0, 12.0]
FD = ("FD-classifier", "held_out")


def tables_of(datasets, measure=FD, **declared):
    """Comparisons, summary, runs and study, from final values by dataset, variant and seed."""
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
    names = dict.fromkeys(runs["variant"])
    study = settings(dict.fromkeys(datasets, measure), variants=names, **declared)
    return compare_contrasts(scores, runs, study), summarise(scores, runs), runs, study


def headline_of(datasets, measure=FD, **declared):
    return str(write_headline(*tables_of(datasets, measure, **declared)))


def answer_of(datasets, measure=FD, **declared):
    """The short answer, of at most 45 words a dataset."""
    comparisons, summary, _, study = tables_of(datasets, measure, **declared)
    answer = write_short_answer(comparisons, summary, study)
    assert len(answer.split()) <= 45 * len(datasets)
    return answer


def sentence_of(variant, baseline=BASELINE, measure=FD, **declared):
    finals = {"minimax": baseline, "wgan": variant}
    comparisons, summary, _, _ = tables_of({"digits": finals}, measure, **declared)
    row = comparisons[comparisons["metric"] == measure[0]].iloc[0]
    rows = summary[summary["metric"] == measure[0]].set_index("variant")
    numbers = describe_numbers(row, rows.loc["wgan"], rows.loc["minimax"])
    return f"On digits, {claim(row)}: {numbers}."


@pytest.mark.parametrize(
    ("variant", "baseline", "declared", "answer"),
    [
        (
            BETTER,
            BASELINE,
            {},
            "wgan was better than minimax (FD-classifier 17 % lower)",
        ),
        (
            [306.0, 506.0, 300.0, None],
            [2977.0, 2761.0, None, 2366.0],
            {},
            "wgan was better than minimax (FD-classifier 7.5 times lower)",
        ),
        (
            WORSE,
            BASELINE,
            {},
            "wgan was worse than minimax (FD-classifier 19 % higher)",
        ),
        (BASELINE, ALL_FAILED, {}, "minimax failed in 5 of 5 runs, wgan in none"),
        (ALL_FAILED, BASELINE, {}, "wgan failed in 5 of 5 runs, minimax in none"),
        (
            BASELINE,
            BASELINE,
            {},
            "wgan and minimax scored exactly the same in FD-classifier on every seed",
        ),
        (
            CLOSE,
            BASELINE,
            {"margin": "10 %"},
            "wgan and minimax were equivalent in FD-classifier within 10 %",
        ),
        (
            CLOSE,
            BASELINE,
            {},
            "it is open whether wgan or minimax is better in FD-classifier (inconclusive)",
        ),
    ],
)
def test_short_answer_is_what_one_would_repeat(variant, baseline, declared, answer):
    finals = {"minimax": baseline, "wgan": variant}
    assert answer_of({"digits": finals}, **declared) == f"On digits, {answer}."


def test_short_answer_groups_several_contrasts_by_verdict():
    finals = {"minimax": BASELINE, "wgan": BETTER, "lsgan": WORSE, "rel": CLOSE, "copy": BASELINE}
    finals |= {"r1": ALL_FAILED, "slow": [x * 0.97 for x in BASELINE]}
    finals["slow"] = [x - d for x, d in zip(BASELINE, (1.5, 0.7, 2.6, 0.4, 3.1), strict=True)]
    assert answer_of({"digits": finals}) == (
        "On digits, against minimax by FD-classifier: wgan was better (17 % lower, 10.7 to "
        "23.3 %); lsgan (19 % higher, 12.9 to 24.8 %) and r1 were worse; copy scored exactly the "
        "same; suggestive for slow (better); inconclusive for rel."
    )


def test_short_answer_names_both_sides_of_declared_contrasts():
    finals = {"a": BASELINE, "b": BETTER, "c": WORSE, "d": BASELINE}
    contrasts = [["b", "a"], ["d", "c"], ["c", "a"]]
    assert answer_of({"digits": finals}, contrasts=contrasts) == (
        "On digits, b was better than a (FD-classifier 17 % lower, 11.9 to 22.2 %), d better than "
        "c (16 % lower, 12.3 to 19.1 %), c worse than a (19 % higher, 14 to 23.6 %)."
    )


def test_short_answer_counts_open_contrasts_with_several_baselines():
    finals = {"a": BASELINE, "b": BETTER, "c": CLOSE, "d": BASELINE[::-1]}
    contrasts = [["b", "a"], ["c", "d"]]
    assert answer_of({"digits": finals}, contrasts=contrasts) == (
        "On digits, b was better than a (FD-classifier 17 % lower, 12.6 to 21.7 %); "
        "c against d is inconclusive."
    )
    none_decided = [["c", "a"], ["a", "d"], ["c", "d"]]
    assert answer_of({"digits": finals}, contrasts=none_decided) == (
        "On digits, none of the 3 contrasts is decided by FD-classifier."
    )


def test_short_answer_names_suggestive_contrasts_apart_from_decided_ones():
    slow = [x - d for x, d in zip(BASELINE, (1.5, 0.7, 2.6, 0.4, 3.1), strict=True)]
    finals = {"a": BASELINE, "b": BETTER, "c": slow, "d": BASELINE[::-1]}
    contrasts = [["b", "a"], ["c", "a"], ["c", "d"], ["d", "a"]]
    assert answer_of({"digits": finals}, contrasts=contrasts) == (
        "On digits, b was better than a (FD-classifier 17 % lower, 11.4 to 22.7 %); suggestive: "
        "c better than a; 2 more contrasts are inconclusive."
    )
    decided = [["b", "a"], ["d", "b"], ["b", "d"], ["c", "a"], ["c", "d"]]
    assert answer_of({"digits": finals}, contrasts=decided).endswith(" %); 2 more are undecided.")
    undecided = answer_of({"digits": finals}, contrasts=[["c", "a"], ["c", "d"], ["d", "a"]])
    assert undecided == (
        "On digits, none of the 3 contrasts is decided by FD-classifier; suggestive: c better than "
        "a."
    )


def test_short_answer_says_together_what_is_open_against_one_baseline():
    finals = {"a": BASELINE, "b": BETTER, "c": CLOSE, "d": BASELINE[::-1], "e": CLOSE[::-1]}
    contrasts = [["c", "a"], ["d", "a"], ["b", "c"], ["e", "d"]]
    answer = answer_of({"digits": finals}, contrasts=contrasts)
    assert answer.startswith("On digits, b was better than c (FD-classifier ")
    assert answer.endswith(
        "; none of 2 others is shown to differ from a; e against d is inconclusive."
    )


def test_interval_of_a_large_ratio_is_of_the_ratio_that_is_printed():
    """6 times lower, though the table has 0.167 times."""
    finals = {"a": [60.0, 61.0, 59.0, 60.5], "b": [10.0, 10.1, 10.2, 9.9], "c": [9.0] * 4}
    answer = answer_of({"digits": finals}, contrasts=[["b", "a"], ["a", "b"]])
    low, high = re.search(r"6 times lower, (\S+) to (\S+)\)", answer).groups()
    assert 5.5 < float(low) < 6 < float(high) < 6.5
    assert f"a worse than b (6 times higher, {low} to {high})" in answer


def test_datasets_that_agree_share_a_sentence():
    finals = {"minimax": BASELINE, "wgan": BETTER, "rel": CLOSE}
    text = answer_of({"digits": finals, "shoes": finals, "faces": {**finals, "wgan": WORSE}})
    assert text == (
        "On digits and shoes, against minimax by FD-classifier: wgan was better (17 % lower, 12.6 "
        "to 21.7 %); inconclusive for rel. On faces, against minimax by FD-classifier: wgan was "
        "worse (19 % higher, 14.5 to 23.1 %); inconclusive for rel."
    )


def test_metric_without_a_better_direction_is_answered_by_which_is_higher():
    measure = ("value", "none")
    finals = {"minimax": [-1.3, -1.31, -1.29, -1.3], "wgan": [-1.1, -1.12, -1.09, -1.1]}
    assert answer_of({"digits": finals}, measure) == (
        "On digits, wgan scored 0.197 higher V(D, G) than minimax."
    )
    answer = answer_of({"digits": {**finals, "same": [-1.3, -1.3, -1.29, -1.31]}}, measure)
    assert "wgan was higher; inconclusive for same." in answer
    open_answer = answer_of({"digits": {"minimax": [1, 2, 3], "wgan": [2, 1, 3.5]}}, measure)
    assert "it is open whether wgan or minimax is higher in" in open_answer


def test_sentence_has_the_ratio_its_interval_and_the_test():
    assert sentence_of(BETTER) == (
        "On digits, wgan was better than minimax (FD-classifier 17 % lower): 32.2 "
        "against 38.9 (0.83 times, 95 % interval 0.792 to 0.865, 5 seeds, paired t, p < 0.001)."
    )


def test_sentence_of_an_unbounded_metric_has_the_difference():
    text = sentence_of(BETTER, measure=("KID-x", "held_out"))
    assert "(difference −6.7, 95 % interval −8.0 to −5.4, 5 seeds, paired t, p < 0.001)" in text


def test_sentence_counts_failed_runs():
    text = sentence_of([306.0, 506.0, 300.0, None], [2977.0, 2761.0, None, 2366.0])
    assert "4 seeds, failed 1 and 1, trimmed t, p = 0.018)" in text


def test_sentence_on_contradictory_tests_ranks_neither():
    fails = [1.0 + 0.01 * i for i in range(8)] + [None] * 12
    text = sentence_of(fails, [40.0 + i / 10 for i in range(20)])
    assert "are not ranked: one scored better in FD-classifier, the other failed less often" in text
    assert "interval" not in text


def test_inconclusive_sentence_names_the_detectable_difference():
    assert "; smallest" not in sentence_of(CLOSE)
    assert "smallest difference detectable with 80 % power: " in sentence_of(CLOSE)


def test_sentence_of_one_seed_has_no_interval():
    text = sentence_of([31.2], [38.4])
    assert text.endswith("(inconclusive): 31.2 against 38.4 (0.81 times, 1 seed).")


def test_headline_is_the_answer_then_how_sure_then_numbers():
    text = headline_of({"digits": {"minimax": BASELINE, "wgan": BETTER}})
    assert text == (
        "On digits, wgan was better than minimax (FD-classifier 17 % lower). This "
        "rests on 5 seeds of each variant, at 95 % confidence (tests: paired t). FD-classifier on "
        "digits: 32.2 against 38.9 (0.83 times, 95 % interval 0.792 to 0.865, 5 seeds, paired t, "
        "p < 0.001)."
    )


def test_headline_counts_the_seeds_of_both_sides_and_says_when_they_decide_nothing():
    mixed = headline_of({"digits": {"minimax": BASELINE, "wgan": BETTER[:3]}})
    assert "This rests on 3 to 5 seeds of each variant" in mixed
    assert "decide nothing" not in mixed
    few = headline_of({"digits": {"minimax": BASELINE[:2], "wgan": BETTER[:2]}})
    assert "at 95 % confidence. Fewer than 3 seeds decide nothing." in few


def test_headline_says_that_several_contrasts_hold_together():
    text = headline_of({"digits": {"minimax": BASELINE, "wgan": BETTER, "rel": CLOSE}})
    assert "at 95 % confidence for the 2 contrasts of a dataset together (tests: paired t)." in text


def test_headline_counts_diverged_unscored_and_collapsed_runs():
    finals = {"minimax": [*BASELINE[:4], np.nan], "wgan": [None, *BETTER[1:]]}
    scores, runs = study_of(finals)
    recalls = {"minimax": [0.5, 0.0, 0.5, 0.5, 0.5], "wgan": ALL_FAILED}
    scores = pd.concat([scores, study_of(recalls, metric="recall")[0]])
    study = settings({"digits": FD}, variants=finals)
    tables = compare_contrasts(scores, runs, study), summarise(scores, runs)
    text = str(write_headline(*tables, runs, study, count_failures(scores, runs)))
    assert text.endswith(
        " 1 of 10 runs diverged and 1 completed run has no finite score; they count as worse than "
        "all others. 1 of 5 completed runs collapsed."
    )
    assert "collapsed" not in str(write_headline(*tables, runs, study))


def test_headline_of_twenty_variants_stays_short():
    rng = np.random.default_rng(0)
    finals = {"minimax": BASELINE}
    finals |= {f"v{i}": list(30 + rng.standard_normal(5)) for i in range(20)}
    text = headline_of({"digits": finals, "shoes": finals})
    assert "v0, v1 and 18 more" in text
    assert len(text) < 400


def test_headline_takes_the_studys_primary_metric():
    finals = {"minimax": BASELINE, "wgan": WORSE}
    text = headline_of({"digits": finals}, ("IS-classifier", "none"))
    assert text.startswith("On digits, wgan was better than minimax (IS-classifier 19 % higher).")


@pytest.mark.parametrize(
    ("datasets", "headline"),
    [
        (
            {"digits": {"minimax": BASELINE}, "shoes": {"minimax": [2.0]}},
            "Only minimax was trained: FD-classifier 38.9 on digits (5 seeds) and FD-classifier 2 "
            "on shoes (1 seed).",
        ),
        (
            {"digits": {"minimax": [2.0]}, "shoes": {"minimax": ALL_FAILED}},
            "Only minimax was trained: FD-classifier 2 on digits (1 seed). 5 of 6 runs "
            "diverged; they count as worse than all others.",
        ),
    ],
    ids=["two datasets", "one failed"],
)
def test_headline_of_a_single_variant_is_its_mean(datasets, headline):
    assert headline_of(datasets) == headline


def test_headline_of_a_study_without_scores_says_so():
    assert headline_of({"digits": {"minimax": ALL_FAILED, "wgan": ALL_FAILED}}) == (
        "No run has a final score in FD-classifier, so nothing can be compared. 10 of 10 runs "
        "diverged; they count as worse than all others."
    )


def test_headline_answers_for_images_and_points_by_their_own_metric():
    primaries = {"digits": FD, "line": ("JSD", "none")}
    finals = {"minimax": BASELINE, "wgan": BETTER}
    shares = {name: [value / 100 for value in values] for name, values in finals.items()}
    scores, runs = together(
        *(
            study_of(
                shares if metric == "JSD" else finals,
                dataset=dataset,
                metric=metric,
                reference=reference,
            )
            for dataset, (metric, reference) in primaries.items()
        )
    )
    value = scores[scores["dataset"] == "line"].assign(metric="value")
    scores = pd.concat([scores, value])
    study = settings(primaries, variants=finals)
    comparisons = compare_contrasts(scores, runs, study)
    (of_value,) = comparisons[comparisons["metric"] == "value"]["verdict"]
    assert of_value.kind == "lower"  # V(D, G) has no better direction
    text = str(write_headline(comparisons, summarise(scores, runs), runs, study))
    images, points = text.split(" On line, ")
    assert images == "On digits, wgan was better than minimax (FD-classifier 17 % lower)."
    assert points.startswith(
        "wgan was better than minimax (Jensen–Shannon divergence 0.0669 lower)."
    )


NUMBERS = re.compile(r": (.*) against (.*) \(difference (.*?)[ ,]")


@pytest.mark.parametrize("metric", ["density-classifier", "recall-classifier", "JSD"])
def test_printed_difference_is_that_of_the_printed_scores(metric):
    rng = np.random.default_rng(0)
    reference = "none" if metric == "JSD" else "held_out"
    for _ in range(20):
        sides = rng.uniform(0.1, 0.6, (2, 4)) * [[1.0], [rng.uniform(0.8, 1.0)]]
        sentence = sentence_of(*sides.tolist(), measure=(metric, reference))
        values = [text.replace("−", "-") for text in NUMBERS.search(sentence).groups()]
        first, second, difference = map(Decimal, values)
        assert first - second == difference, sentence


def test_difference_of_trimmed_means_says_so():
    measure = ("density-classifier", "held_out")
    sentence = sentence_of([0.2, 0.3, 0.25, None], [0.5, 0.6, 0.51, 0.52], measure=measure)
    assert "between means without the worst runs of both" in sentence

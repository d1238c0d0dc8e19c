"""The verdict on a contrast: from what was decided, and against its interval for any outcomes."""

import numpy as np
import pytest
from ganbench.evidence.contrasts import describe_contrast, set_up_contrast
from ganbench.evidence.verdict import Verdict, VerdictKind, judge
from hypothesis import given, settings
from hypothesis import strategies as st

BETTER, WORSE = VerdictKind.BETTER, VerdictKind.WORSE


@pytest.mark.parametrize(
    ("adjusted", "alone", "within", "expected"),
    [
        (1, 1, False, "better"),
        (-1, -1, False, "worse"),
        (1, 1, True, "better"),
        (0, 1, True, "equivalent within 10 %"),
        (0, 1, False, "suggestive (better)"),
        (0, -1, False, "suggestive (worse)"),
        (0, 0, False, "inconclusive"),
    ],
)
def test_first_rule_that_applies_decides(adjusted, alone, within, expected):
    assert str(judge(adjusted, alone, is_within_margin=within, margin="10 %")) == expected


def test_exchanging_two_variants_exchanges_better_and_worse():
    kinds = [Verdict(kind).swapped().kind for kind in VerdictKind]
    assert kinds[:4] == ["worse", "better", "lower", "higher"]
    assert kinds[4:] == ["equivalent", "suggestive", "inconclusive"]
    assert str(Verdict(VerdictKind.SUGGESTIVE, BETTER).swapped()) == "suggestive (worse)"


METRICS = ("FD-classifier", "KID-classifier", "IS-classifier", "recall-classifier", "JSD", "modes")
HIGHEST = {"recall-classifier": 1.0, "JSD": 0.69}


@st.composite
def contrasts(draw):
    """A metric, two sides of 1 to 5 runs that may fail or be missing, a family, a margin."""
    metric = draw(st.sampled_from(METRICS))
    values = st.floats(0.0, HIGHEST.get(metric, 300.0)) | st.sampled_from([0.1, 0.2, np.nan])
    sides = [draw(st.dictionaries(st.integers(0, 4), values, min_size=1)) for _ in range(2)]
    if draw(st.booleans()):  # far apart and close together, so that many are decided
        spread = 1 + 0.01 * np.arange(7)
        sides[0] = {s: 0.2 * float(spread[s]) for s in sides[0]}
    margin = draw(st.sampled_from(["", "10 %", "0.05"]))
    return metric, *sides, draw(st.integers(1, 4)), margin


@settings(max_examples=100, deadline=None, derandomize=True)
@given(contrasts())
def test_interval_excludes_zero_exactly_when_a_direction_is_decided(case):
    metric, variant, baseline, family, margin = case
    row = describe_contrast(set_up_contrast(variant, baseline, metric), family, 0.95, margin)
    low, high, verdict = row["simultaneous_low"], row["simultaneous_high"], row["verdict"]
    if np.isnan(low):
        assert row["decided_by"] != "scores"
    else:
        assert verdict.is_decided == (low > 0 or high < 0)
        assert verdict.is_decided == (row["p_adjusted"] < 0.05)
        assert not low > row["difference"] > high
    if not np.isnan(row["ratio_low"]):
        assert verdict.is_decided == (row["ratio_low"] > 1 or row["ratio_high"] < 1)
    if verdict.kind == "equivalent":
        assert not verdict.is_decided
        assert margin


@settings(max_examples=100, deadline=None, derandomize=True)
@given(contrasts())
def test_exchanging_two_names_mirrors_every_number(case):
    metric, variant, baseline, family, margin = case
    row, mirrored = (
        describe_contrast(set_up_contrast(*sides, metric), family, 0.95, margin)
        for sides in ((variant, baseline), (baseline, variant))
    )
    assert row["verdict"] == mirrored["verdict"].swapped()
    assert row["decided_by"] == mirrored["decided_by"]
    for name in ("p_value", "p_adjusted", "p_failures", "minimum_detectable_difference"):
        assert row[name] == mirrored[name] or np.isnan(row[name] + mirrored[name])
    for low, high in (("simultaneous_low", "simultaneous_high"), ("ci_low", "ci_high")):
        assert row[low] == -mirrored[high] or np.isnan(row[low] + mirrored[high])
    assert row["difference"] == -mirrored["difference"] or np.isnan(row["difference"])


def verdict_of(variant, baseline, metric="FD-classifier", family=1, margin=""):
    sides = [dict(enumerate(map(float, side))) for side in (variant, baseline)]
    return str(describe_contrast(set_up_contrast(*sides, metric), family, 0.95, margin)["verdict"])


CLOSE = [39.0, 39.8, 40.1, 40.9], [39.4, 39.5, 40.3, 40.6]


@pytest.mark.parametrize(
    ("margin", "expected"),
    [
        ("", "inconclusive"),
        ("10 %", "equivalent within 10 %"),
        ("0.1 %", "inconclusive"),
        ("2", "equivalent within 2"),
        ("0.2", "inconclusive"),
    ],
)
def test_equivalence_needs_a_margin_that_contains_the_interval(margin, expected):
    assert verdict_of(*CLOSE, margin=margin) == expected


def test_equivalence_is_not_claimed_where_a_run_failed():
    assert verdict_of([*CLOSE[0], np.nan], [*CLOSE[1], np.nan], margin="10 %") == "inconclusive"


def test_significant_alone_but_not_among_many_is_suggestive():
    pair = [36.0, 37.0, 38.5, 36.2], [39.0, 39.4, 39.9, 40.4]
    assert [verdict_of(*pair, family=size) for size in (1, 40)] == ["better", "suggestive (better)"]


def test_failures_against_better_scores_are_ranked_neither_way():
    fails_and_is_good = [1.0] * 8 + [np.nan] * 12
    fails_and_is_good[:8] = [1.0 + 0.01 * i for i in range(8)]
    never_fails = [40.0 + 0.1 * i for i in range(20)]
    assert verdict_of(fails_and_is_good, never_fails) == "inconclusive"
    assert verdict_of(never_fails, fails_and_is_good) == "inconclusive"

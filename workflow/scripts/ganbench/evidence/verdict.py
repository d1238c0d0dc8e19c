"""What one comparison shows: one of four verdicts.

better | worse | no difference larger than X shown | cannot tell with n seeds
"""

from ganbench.evidence.final_scores import direction
from ganbench.wording import Row, count, number

MINIMUM_PAIRS = 3
"""Fewer shared seeds than this decide nothing."""

WIDEST_INFORMATIVE_SHARE = 0.5
"""An interval that reaches further than this share of the baseline's mean says nothing."""

BETTER = "better"
WORSE = "worse"
NO_DIFFERENCE = "no difference"
CANNOT_TELL = "cannot tell"


def verdict(row: Row, baseline_mean: float, confidence: float = 0.95) -> str:
    """The verdict on one comparison: `row` has the columns of `comparisons.csv`, verdict aside.

    `baseline_mean` is the mean score of the baseline over the shared seeds. In this order:

    1. Every shared seed has the very same score under both: no difference larger than 0 shown.
    2. Under `MINIMUM_PAIRS` shared seeds: cannot tell. One has no interval; the test of two asks
       only how alike their differences are, and two that agree by luck, as shares out of a few
       hundred images often do, would be called a finding.
    3. Significant after Holm's correction: better or worse, in the metric's direction.
    4. The interval reaches at most X = max(|ci_low|, |ci_high|) from zero. Up to
       `WIDEST_INFORMATIVE_SHARE` of the baseline's mean: no difference larger than X shown.
    5. Beyond: cannot tell. Between minimax and non-saturating lie 10 to 31 % on the four datasets
       of Lucic et al. 2018 (best FIDs): an interval that reaches past half of the score excludes no
       answer one would expect, and naming X would claim knowledge that the seeds do not give.
    """
    n_pairs = int(row["n_pairs"])
    reach = max(abs(row["ci_low"]), abs(row["ci_high"]))
    cannot_tell = f"{CANNOT_TELL} with {count(n_pairs, 'seed')}"
    if n_pairs < MINIMUM_PAIRS and reach != 0:
        return cannot_tell
    if row["p_adjusted"] < 1.0 - confidence:
        return BETTER if improves(row["metric"], row["difference"]) else WORSE
    if reach <= WIDEST_INFORMATIVE_SHARE * abs(baseline_mean):
        return f"{NO_DIFFERENCE} larger than {number(reach)} shown"
    return cannot_tell


def improves(metric: str, difference: float) -> bool:
    """Whether a difference (variant − baseline) of `metric` is in the variant's favour."""
    return difference * direction(metric) > 0


def exactly_equal(row: Row) -> bool:
    """Whether two variants have the very same score for every shared seed, of two or more."""
    return row["ci_low"] == row["ci_high"] == 0


def kind(text: str) -> str:
    """Which of the four verdicts a verdict's text is, without its number."""
    return next(k for k in (BETTER, WORSE, NO_DIFFERENCE, CANNOT_TELL) if text.startswith(k))

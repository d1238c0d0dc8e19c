"""What one comparison with the baseline shows: one of four verdicts.

better | worse | no difference larger than X shown | cannot tell with n seeds
"""

from collections.abc import Mapping
from typing import Any

from ganbench.evidence.wording import count, rounded
from ganbench.metrics import DEFINITIONS, base

MINIMUM_PAIRS = 3
"""Fewer shared seeds than this decide nothing."""

WIDEST_INFORMATIVE_SHARE = 0.5
"""An interval that reaches further than this share of the baseline's mean says nothing."""

BETTER = "better"
WORSE = "worse"
NO_DIFFERENCE = "no difference"
CANNOT_TELL = "cannot tell"


def verdict(row: Mapping[str, Any], baseline_mean: float, confidence: float = 0.95) -> str:
    """The verdict on one comparison: `row` has the columns of `comparisons.csv`, verdict aside.

    `baseline_mean` is the mean score of the baseline over the shared seeds. In this order:

    1. One shared seed or none has no interval: cannot tell.
    2. Every shared seed has the very same score under both: no difference larger than 0 shown.
    3. Under `MINIMUM_PAIRS` shared seeds: cannot tell. The test of two differences asks only how
       alike the two are; two that agree by luck, as shares out of a few hundred images often do,
       would be called a finding.
    4. Significant after Holm's correction: better or worse, in the metric's direction.
    5. The interval reaches at most X = max(|ci_low|, |ci_high|) from zero. Up to
       `WIDEST_INFORMATIVE_SHARE` of the baseline's mean: no difference larger than X shown.
    6. Beyond: cannot tell. The interval then admits that the score is halved, which is as much as
       separates most objectives from each other in the literature (Lucic et al. 2018, table of
       best FIDs), so naming X would claim knowledge that the seeds do not give.
    """
    n_pairs = int(row["n_pairs"])
    if n_pairs < 2:
        return f"{CANNOT_TELL} with {count(n_pairs, 'seed')}"
    reach = max(abs(row["ci_low"]), abs(row["ci_high"]))
    if reach > 0 and n_pairs < MINIMUM_PAIRS:
        return f"{CANNOT_TELL} with {count(n_pairs, 'seed')}"
    if row["p_adjusted"] < 1.0 - confidence:
        return BETTER if improves(row["metric"], row["difference"]) else WORSE
    if reach <= WIDEST_INFORMATIVE_SHARE * abs(baseline_mean):
        return f"{NO_DIFFERENCE} larger than {rounded(reach)} shown"
    return f"{CANNOT_TELL} with {count(n_pairs, 'seed')}"


def improves(metric: str, difference: float) -> bool:
    """Whether a difference (variant − baseline) of `metric` is in the variant's favour."""
    return (difference < 0) == (DEFINITIONS[base(metric)].better == "lower")


def kind(text: str) -> str:
    """Which of the four verdicts a verdict's text is, without its number."""
    return next(k for k in (BETTER, WORSE, NO_DIFFERENCE, CANNOT_TELL) if text.startswith(k))

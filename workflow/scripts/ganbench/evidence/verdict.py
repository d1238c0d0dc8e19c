"""The verdict on one comparison: a value, made once by `judge` and printed by `str`."""

from dataclasses import dataclass, replace
from enum import StrEnum

from ganbench.evidence.final_scores import direction
from ganbench.wording import Row, count, number

MINIMUM_PAIRS = 3
"""Fewer shared seeds than this decide nothing."""

WIDEST_INFORMATIVE_SHARE = 0.5
"""An interval that reaches further than this share of the baseline's mean is uninformative."""


class VerdictKind(StrEnum):
    """What a comparison can show."""

    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE = "no difference"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Verdict:
    """What a comparison of `pairs` shared seeds shows.

    `reach` is the largest difference, in either direction, that the interval allows.
    """

    kind: VerdictKind
    pairs: int
    reach: float

    @property
    def largest_difference(self) -> str:
        """The reach, to three significant digits."""
        return number(float(f"{self.reach:.3g}"))

    def swapped(self) -> "Verdict":
        """The verdict with the two variants exchanged."""
        opposite = {VerdictKind.BETTER: VerdictKind.WORSE, VerdictKind.WORSE: VerdictKind.BETTER}
        return replace(self, kind=opposite.get(self.kind, self.kind))

    def __str__(self) -> str:
        match self.kind:
            case VerdictKind.NO_DIFFERENCE:
                return f"{self.kind} larger than {self.largest_difference} shown"
            case VerdictKind.CANNOT_TELL:
                return f"{self.kind} with {count(self.pairs, 'seed')}"
        return self.kind.value


def judge(row: Row, baseline_mean: float, confidence: float = 0.95) -> Verdict:
    """The verdict on one comparison; `row` has the columns of `comparisons.csv` but this one.

    `baseline_mean` is the mean score of the baseline over the shared seeds. In this order:

    1. Fewer than `MINIMUM_PAIRS` shared seeds: cannot tell. One has no interval; the test of two
       asks only how similar their differences are: two that agree by luck, as shares out of a few
       hundred images often do, would be called a finding. Exactly equal scores are exempt.
    2. Significant after Holm's correction: better or worse, in the metric's direction.
    3. The interval reaches at most X = max(|ci_low|, |ci_high|) from zero, and X is at most
       `WIDEST_INFORMATIVE_SHARE` of the baseline's mean: no difference larger than X shown. X is 0
       where every shared seed has the same score under both.
    4. Otherwise: cannot tell. Minimax and non-saturating differ by 10 to 31 % on the four datasets
       of Lucic et al. 2018 (best FIDs): an interval that reaches past half of the score excludes no
       answer that one would expect.
    """
    pairs = int(row["n_pairs"])
    reach = max(abs(row["ci_low"]), abs(row["ci_high"]))
    if pairs < MINIMUM_PAIRS and reach != 0:
        kind = VerdictKind.CANNOT_TELL
    elif row["p_adjusted"] < 1.0 - confidence:
        kind = VerdictKind.BETTER if improves(row) else VerdictKind.WORSE
    elif reach <= WIDEST_INFORMATIVE_SHARE * abs(baseline_mean):
        kind = VerdictKind.NO_DIFFERENCE
    else:
        kind = VerdictKind.CANNOT_TELL
    return Verdict(kind, pairs, reach)


def improves(row: Row) -> bool:
    """Whether a comparison's difference (variant − baseline) is in the variant's favour."""
    return row["difference"] * direction(row["metric"]) > 0


def exactly_equal(row: Row) -> bool:
    """Whether two variants have the very same score for every shared seed, of two or more."""
    return row["ci_low"] == row["ci_high"] == 0

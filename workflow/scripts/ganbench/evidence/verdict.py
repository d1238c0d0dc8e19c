"""The verdict on one comparison: a value, made once by `judge` and printed by `str`."""

from dataclasses import dataclass, replace
from enum import StrEnum

from ganbench.evidence.final_scores import Row, direction
from ganbench.wording import count, number

MINIMUM_PAIRS = 3
"""Fewer shared seeds than this are inconclusive."""

WIDEST_INFORMATIVE_SHARE = 0.5
"""An interval that reaches further than this share of the baseline's mean is inconclusive."""


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

    @property
    def words(self) -> str:
        """As the page calls it, in the headline and in tables; `str` is what the CSV files have."""
        if self.kind is VerdictKind.CANNOT_TELL:
            return f"inconclusive with {count(self.pairs, 'seed')}"
        return str(self)

    def __str__(self) -> str:
        match self.kind:
            case VerdictKind.NO_DIFFERENCE:
                return f"{self.kind} larger than {self.largest_difference} shown"
            case VerdictKind.CANNOT_TELL:
                return f"{self.kind} with {count(self.pairs, 'seed')}"
        return self.kind.value


def judge(row: Row, baseline_mean: float, confidence: float = 0.95) -> Verdict:
    """The verdict on a comparison; `row` has the numbers of a row of `comparisons.csv`.

    `baseline_mean` is the mean score of the baseline over the shared seeds. The first rule that
    applies decides:

    1. Fewer than `MINIMUM_PAIRS` shared seeds: cannot tell. One seed has no interval. Two seeds
       whose differences agree by chance would be significant, which is common for shares out of a
       few hundred images. Exactly equal scores are exempt.
    2. Significant after Holm's correction: better or worse, in the metric's direction.
    3. X = max(|ci_low|, |ci_high|) is at most `WIDEST_INFORMATIVE_SHARE` of the baseline's mean: no
       difference larger than X shown. X is 0 where both score the same on every shared seed.
    4. Otherwise: cannot tell. The best FIDs of minimax and non-saturating in Lucic et al. 2018
       differ by 10 to 31 % on four datasets, so an interval that reaches past half of the score
       excludes no plausible answer.
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
    """Whether the difference (variant − baseline) of a comparison favours the variant."""
    return row["difference"] * direction(row["metric"]) > 0


def exactly_equal(row: Row) -> bool:
    """Whether two or more shared seeds all have exactly the same score under both variants."""
    return row["ci_low"] == row["ci_high"] == 0

"""The verdict on one contrast: a value, made once by `judge` and printed by `str`."""

from dataclasses import dataclass, replace
from enum import StrEnum

from ganbench.evidence.final_scores import Row


class VerdictKind(StrEnum):
    """What a contrast shows."""

    BETTER = "better"
    WORSE = "worse"
    HIGHER = "higher"
    LOWER = "lower"
    EQUIVALENT = "equivalent"
    SUGGESTIVE = "suggestive"
    INCONCLUSIVE = "inconclusive"


_OPPOSITE = {
    VerdictKind.BETTER: VerdictKind.WORSE,
    VerdictKind.WORSE: VerdictKind.BETTER,
    VerdictKind.HIGHER: VerdictKind.LOWER,
    VerdictKind.LOWER: VerdictKind.HIGHER,
}


@dataclass(frozen=True)
class Verdict:
    """What a contrast shows.

    `leaning` is the direction that a suggestive one points in; `margin` is the
    declared one that an equivalent one lies within.
    """

    kind: VerdictKind
    leaning: VerdictKind | None = None
    margin: str = ""

    def swapped(self) -> "Verdict":
        """The verdict with the two variants exchanged."""
        return replace(
            self,
            kind=_OPPOSITE.get(self.kind, self.kind),
            leaning=_OPPOSITE.get(self.leaning) if self.leaning else None,
        )

    def __str__(self) -> str:
        """As tables have it: better, suggestive (better), equivalent within 10 %."""
        if self.kind is VerdictKind.SUGGESTIVE:
            return f"{self.kind} ({self.leaning})"
        if self.kind is VerdictKind.EQUIVALENT:
            return f"{self.kind} within {self.margin}"
        return self.kind.value

    @property
    def is_decided(self) -> bool:
        """Whether it names a winner or, where neither end is better, the higher of the two."""
        return self.kind in _OPPOSITE


def judge(
    adjusted: int, alone: int, *, is_within_margin: bool, margin: str, has_direction: bool = True
) -> Verdict:
    """The verdict from what was decided: 1 for the variant, −1 for the baseline, 0 for neither.

    `adjusted` is decided after the correction for the number of contrasts, `alone` without it. The
    first rule that applies:

    1. Decided after the correction: better or worse, or where the metric has no better direction,
       higher or lower.
    2. The simultaneous interval lies within the declared margin: equivalent.
    3. Decided alone: suggestive, in that direction.
    4. Otherwise inconclusive: neither a difference nor the lack of one was shown.
    """
    kinds = {1: VerdictKind.BETTER, -1: VerdictKind.WORSE}
    if not has_direction:
        kinds = {1: VerdictKind.HIGHER, -1: VerdictKind.LOWER}
    if adjusted:
        return Verdict(kinds[adjusted])
    if is_within_margin:
        return Verdict(VerdictKind.EQUIVALENT, margin=margin)
    if alone:
        return Verdict(VerdictKind.SUGGESTIVE, leaning=kinds[alone])
    return Verdict(VerdictKind.INCONCLUSIVE)


def exactly_equal(row: Row) -> bool:
    """Whether two or more seeds all have exactly the same score under both variants."""
    has_failures = row["failed_variant"] + row["failed_baseline"] > 0
    return bool(row["ci_low"] == row["ci_high"] == 0 and not has_failures)

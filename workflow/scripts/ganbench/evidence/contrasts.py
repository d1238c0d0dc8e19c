"""One contrast, from the outcomes of its runs to the numbers of its row and its verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ganbench.evidence import estimators
from ganbench.evidence.contrast_tests import (
    MINIMUM_RUNS,
    OutcomesBySeed,
    ScoreTest,
    can_decide,
    compare_failures,
    compare_scores,
    count_failed,
)
from ganbench.evidence.final_scores import direction
from ganbench.evidence.proportions import probability_greater
from ganbench.evidence.scales import Scale, choose_scale
from ganbench.evidence.verdict import judge
from ganbench.study.declared import read_margin

Interval = tuple[float, float]

NO_INTERVAL: Interval = (np.nan, np.nan)


@dataclass(frozen=True)
class Contrast:
    """The tests of one contrast; outcomes are positions on `scale`.

    A test that cannot decide is not made: that of scores with fewer than `MINIMUM_RUNS` on a side,
    that of failures where `can_decide` says so. With both, each has half the level. By a metric
    without a better direction (`has_direction`) only scores are tested.
    """

    variant: OutcomesBySeed
    baseline: OutcomesBySeed
    scale: Scale
    sign: int
    scores: ScoreTest
    failures: float
    has_direction: bool = True

    @cached_property
    def made(self) -> tuple[str, ...]:
        """The tests that are made: "scores", "failures", or both."""
        names = ("scores",) if self.scores.kept >= MINIMUM_RUNS else ()
        if self.has_direction and can_decide(self.variant, self.baseline, len(names) + 1):
            return (*names, "failures")
        return names

    @property
    def p_value(self) -> float:
        """That of the contrast: the smaller one, times the number of tests (Bonferroni)."""
        p_values = {"scores": self.scores.p_value, "failures": self.failures}
        if not self.made:
            return self.scores.p_value
        return min(1.0, len(self.made) * min(p_values[name] for name in self.made))

    def interval(self, alpha: float) -> Interval:
        """The interval of the shift with which the test of scores decides at level `alpha`."""
        return self.scores.interval(alpha / max(1, len(self.made)))

    def decide_by_scores(self, alpha: float) -> int:
        """1 for the variant, −1 for the baseline, 0 where the interval has zero."""
        low, high = self.interval(alpha)
        if "scores" not in self.made or not (low > 0 or high < 0):
            return 0
        return self.sign if low > 0 else -self.sign

    def decide_by_failures(self, alpha: float) -> int:
        """1 where the baseline fails more often, −1 where the variant does, 0 if neither."""
        if "failures" not in self.made or self.failures >= alpha / len(self.made):
            return 0
        shares = [count_failed(side) / len(side) for side in (self.variant, self.baseline)]
        return 1 if shares[0] < shares[1] else -1

    def decide(self, alpha: float) -> tuple[int, str]:
        """The direction, and which tests decided it; 0 where they contradict each other."""
        decisions = {
            "scores": self.decide_by_scores(alpha),
            "failures": self.decide_by_failures(alpha),
        }
        directions = set(decisions.values()) - {0}
        names = [name for name, decision in decisions.items() if decision]
        if len(directions) != 1:
            return 0, "contradictory" if directions else ""
        return directions.pop(), " and ".join(names)

    def is_within(self, margin: str, interval: Interval) -> bool:
        """Whether a declared margin contains the interval, and no run failed.

        Equal failure rates cannot be shown by a few runs.
        """
        size = read_margin(margin)
        if size is None or count_failed(self.variant) + count_failed(self.baseline):
            return False
        return self.scale.is_within(size, *interval, self.scores.centre)


def set_up_contrast(variant: OutcomesBySeed, baseline: OutcomesBySeed, metric: str) -> Contrast:
    """The tests of (variant, baseline), whose outcomes are scores by seed, NaN where it failed.

    By a metric without a better direction a failed run is not the worst, and completed ones are
    compared alone.
    """
    values = np.array([*variant.values(), *baseline.values()], dtype=float)
    scale, has_direction = choose_scale(metric, values), direction(metric) != 0
    sign = direction(metric) or 1
    sides = [
        dict(zip(side, map(float, scale.to_positions(np.array(list(side.values())))), strict=True))
        for side in (variant, baseline)
    ]
    compared = sides if has_direction else [_drop_failed(side) for side in sides]
    tests = compare_scores(*compared, sign), compare_failures(*sides)
    return Contrast(*sides, scale, sign, *tests, has_direction=has_direction)


def _drop_failed(outcomes: OutcomesBySeed) -> OutcomesBySeed:
    return {seed: value for seed, value in outcomes.items() if not np.isnan(value)}


def describe_contrast(
    contrast: Contrast, family: int, confidence: float, margin: str = ""
) -> dict[str, Any]:
    """The numbers of a row and its verdict, where `family` contrasts are tested together.

    Each is tested at α/family (Bonferroni), so the intervals at that level hold together, and one
    excludes zero exactly when its contrast is decided by scores. They are left out where the
    number of failures decides, or contradicts the scores.
    """
    alone, adjusted = 1.0 - confidence, (1.0 - confidence) / family
    decision, decided_by = contrast.decide(adjusted)
    simultaneous = contrast.interval(adjusted)
    if decided_by not in ("", "scores") or "scores" not in contrast.made:
        simultaneous = NO_INTERVAL
    verdict = judge(
        decision,
        contrast.decide(alone)[0],
        is_within_margin=contrast.is_within(margin, simultaneous),
        margin=margin,
        has_direction=contrast.has_direction,
    )
    p_value = contrast.p_value
    return {
        **_count_runs(contrast),
        **_convert(contrast, contrast.interval(alone), simultaneous),
        "scale": contrast.scale.name,
        "test": _name_tests(contrast),
        "decided_by": decided_by,
        "p_value": p_value,
        "p_adjusted": min(1.0, family * p_value) if contrast.made else np.nan,
        "p_failures": contrast.failures,
        "margin": margin,
        "minimum_detectable_difference": _detectable(contrast, adjusted),
        **_compare_unpaired(contrast, confidence),
        **_effect_sizes(contrast),
        "verdict": verdict,
    }


def _name_tests(contrast: Contrast) -> str:
    names = {"scores": contrast.scores.name, "failures": "failure rates"}
    return " and ".join(names[name] for name in contrast.made)


def _count_runs(contrast: Contrast) -> Mapping[str, int]:
    shared = contrast.variant.keys() & contrast.baseline.keys()
    sides = {"variant": contrast.variant, "baseline": contrast.baseline}
    counts = {}
    for name, side in sides.items():
        counts[f"failed_{name}"] = count_failed(side)
        counts[f"n_{name}"] = len(side) - count_failed(side)
    pairs = [not np.isnan(contrast.variant[s] + contrast.baseline[s]) for s in shared]
    return {"n_pairs": sum(pairs), **counts}


def _convert(contrast: Contrast, alone: Interval, simultaneous: Interval) -> Mapping[str, float]:
    """The shift and its intervals in the metric's unit and, on the log scale, as ratios."""
    shifts = {
        "difference": contrast.scores.shift,
        "ci_low": alone[0],
        "ci_high": alone[1],
        "simultaneous_low": simultaneous[0],
        "simultaneous_high": simultaneous[1],
    }
    centre, scale = contrast.scores.centre, contrast.scale
    numbers = {name: scale.to_difference(shift, centre) for name, shift in shifts.items()}
    ratios = {"ratio": contrast.scores.shift, "ratio_low": simultaneous[0]}
    ratios["ratio_high"] = simultaneous[1]
    if scale.name != "log":
        return numbers | dict.fromkeys(ratios, np.nan)
    return numbers | {name: float(scale.to_values(shift)) for name, shift in ratios.items()}


def _detectable(contrast: Contrast, alpha: float) -> float:
    """In the metric's unit, around the level of these two variants."""
    test = contrast.scores
    shift = estimators.detectable_shift(test.error, test.degrees, alpha)
    return abs(contrast.scale.to_difference(shift, test.centre))


def _completed(side: OutcomesBySeed) -> np.ndarray:
    values = np.array(list(side.values()), dtype=float)
    return values[~np.isnan(values)]


def _compare_unpaired(contrast: Contrast, confidence: float) -> Mapping[str, float]:
    """Welch's test over all completed runs of both, on the scale; limits in the metric's unit."""
    values, others = _completed(contrast.variant), _completed(contrast.baseline)
    estimate = estimators.welch_estimate(values, others, confidence)
    centre = (np.mean(values) + np.mean(others)) / 2 if len(values) and len(others) else np.nan
    return {
        "welch_ci_low": contrast.scale.to_difference(estimate.low, centre),
        "welch_ci_high": contrast.scale.to_difference(estimate.high, centre),
        "welch_p_value": estimate.p_value,
    }


def _effect_sizes(contrast: Contrast) -> Mapping[str, float]:
    """The probability that a run of the variant is better, and the difference in deviations.

    A failed run is worse than all others; Hedges' g is over the seeds that both completed, on the
    scale. Where neither direction is better, there is no such probability.
    """
    ranked = [
        np.where(np.isnan(values), -np.inf, contrast.sign * values)
        for values in (
            np.array(list(side.values()), dtype=float)
            for side in (contrast.variant, contrast.baseline)
        )
    ]
    seeds = sorted(contrast.variant.keys() & contrast.baseline.keys())
    pairs = np.array([(contrast.variant[s], contrast.baseline[s]) for s in seeds]).reshape(-1, 2)
    complete = pairs[~np.isnan(pairs).any(axis=1)]
    return {
        "probability_better": probability_greater(*ranked) if contrast.has_direction else np.nan,
        "hedges_g": estimators.hedges_g(complete[:, 0], complete[:, 1]),
    }

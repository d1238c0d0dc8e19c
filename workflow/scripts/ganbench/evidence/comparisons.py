"""Differences between variants: each against the baseline, and every two of them."""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from ganbench.evidence import estimators
from ganbench.evidence.final_scores import (
    Measure,
    ScoreIndex,
    ScoresBySeed,
    direction,
    index_final_scores,
    runs_by_dataset,
)
from ganbench.evidence.proportions import probability_greater
from ganbench.evidence.verdict import judge

COMPARISON_COLUMNS = [
    "dataset",
    "metric",
    "reference",
    "variant",
    "baseline",
    "n_pairs",
    "difference",
    "ci_low",
    "ci_high",
    "p_value",
    "p_adjusted",
    "welch_ci_low",
    "welch_ci_high",
    "welch_p_value",
    "probability_better",
    "hedges_g",
    "minimum_detectable_difference",
    "verdict",
]

Pairing = tuple[str, str]
"""Two variants by name: the one that is judged, and the one in the place of the baseline."""


def compare_to_baseline(
    scores: pd.DataFrame, runs: pd.DataFrame, baseline: str, confidence: float = 0.95
) -> pd.DataFrame:
    """Every other variant against the baseline: the columns of `comparisons.csv`.

    A pair is a seed that both variants completed. All estimates except Welch's are over the pairs.

    - `difference` is the mean of variant − baseline, with its t interval (not adjusted) and the
      p-value of the paired t-test. `p_adjusted` is Holm's, over the variants of one dataset, metric
      and reference.
    - Welch's interval and p-value check the difference without pairing, over all completed runs.
    - `probability_better` is above ½ where the variant is better, whatever the metric's direction;
      `hedges_g` has the sign of `difference`.
    - `minimum_detectable_difference` is what 80 % of such studies would detect at the level that
      Holm's correction requires of the smallest p-value (α over the number of tests), so it holds
      whatever the other comparisons show.

    Metrics without a better direction are left out. Raises ValueError where a dataset has no run of
    the baseline.
    """

    def pair_with_baseline(dataset: str, variants: Sequence[str]) -> list[Pairing]:
        if baseline not in variants:
            raise ValueError(
                f"baseline: found {baseline!r}, but {dataset} only has runs of "
                f"{', '.join(variants)}; expected one of these."
            )
        return [(variant, baseline) for variant in variants if variant != baseline]

    return _compare(scores, runs, pair_with_baseline, confidence)


def compare_all_pairs(
    scores: pd.DataFrame, runs: pd.DataFrame, confidence: float = 0.95
) -> pd.DataFrame:
    """Every two variants once: `pairs.csv`, with the columns of `comparisons.csv`.

    Of two variants, the one that the study names first is in the column `baseline`. Holm's
    correction is over all pairs of one dataset, metric and reference.
    """

    def pair_all(_: str, variants: Sequence[str]) -> list[Pairing]:
        return [(later, earlier) for earlier, later in combinations(variants, 2)]

    return _compare(scores, runs, pair_all, confidence)


def _compare(
    scores: pd.DataFrame,
    runs: pd.DataFrame,
    pair: Callable[[str, Sequence[str]], list[Pairing]],
    confidence: float,
) -> pd.DataFrame:
    final = index_final_scores(scores, runs)
    rows: list[dict] = []
    for dataset, measures, variants in runs_by_dataset(scores, runs):
        pairings = pair(dataset, list(variants))
        for measure in measures:
            if direction(measure[0]):
                rows += _rows(final, dataset, measure, pairings, confidence)
    return pd.DataFrame(rows, columns=COMPARISON_COLUMNS)


def _rows(
    final: ScoreIndex, dataset: str, measure: Measure, pairings: list[Pairing], confidence: float
) -> list[dict]:
    """The comparisons by one measure on one dataset, with all columns."""
    metric, reference = measure
    pairs = [
        (final[dataset, variant, *measure], final[dataset, baseline, *measure])
        for variant, baseline in pairings
    ]
    names = [
        {"dataset": dataset, "reference": reference, "variant": variant, "baseline": baseline}
        for variant, baseline in pairings
    ]
    numbers = compare_family(pairs, metric, confidence)
    return [row | name for row, name in zip(numbers, names, strict=True)]


def compare_family(
    pairs: Sequence[tuple[ScoresBySeed, ScoresBySeed]], metric: str, confidence: float
) -> list[dict]:
    """The comparisons of one Holm family; `pairs` are the scores of (variant, baseline).

    Each row has the columns of numbers, `metric` and `verdict`. p-values and detectable differences
    account for as many tests as could be made.
    """
    shared = [_shared_scores(variant, baseline) for variant, baseline in pairs]
    differences = [estimators.paired_differences(*scores) for scores in shared]
    estimates = [estimators.t_estimate(values, confidence) for values in differences]
    adjusted = estimators.holm([estimate.p_value for estimate in estimates])
    alpha = (1.0 - confidence) / max(1, np.count_nonzero(~np.isnan(adjusted)))
    rows = []
    for i, estimate in enumerate(estimates):
        row = {
            "metric": metric,
            "n_pairs": len(differences[i]),
            "difference": estimate.mean,
            "ci_low": estimate.low,
            "ci_high": estimate.high,
            "p_value": estimate.p_value,
            "p_adjusted": adjusted[i],
            "minimum_detectable_difference": estimators.detectable_difference(
                differences[i], alpha
            ),
        }
        row |= _effect_sizes(*shared[i], direction(metric)) | _unpaired(*pairs[i], confidence)
        baseline_mean = float(np.mean(shared[i][1])) if len(shared[i][1]) else np.nan
        rows.append(row | {"verdict": judge(row, baseline_mean, confidence)})
    return rows


def _shared_scores(variant: ScoresBySeed, baseline: ScoresBySeed) -> tuple[np.ndarray, np.ndarray]:
    """The scores of the seeds that both have, as two arrays in the order of seeds."""
    seeds = sorted(variant.keys() & baseline.keys())
    return np.array([variant[s] for s in seeds]), np.array([baseline[s] for s in seeds])


def _effect_sizes(variant: np.ndarray, baseline: np.ndarray, sign: int) -> dict[str, float]:
    """Effect sizes of variant − baseline; both arrays have one value per shared seed."""
    return {
        "probability_better": probability_greater(sign * variant, sign * baseline),
        "hedges_g": estimators.hedges_g(variant, baseline),
    }


def _unpaired(variant: ScoresBySeed, baseline: ScoresBySeed, confidence: float) -> dict[str, float]:
    """Welch's test over all runs of both."""
    values, others = (np.array(list(scores.values())) for scores in (variant, baseline))
    estimate = estimators.welch_estimate(values, others, confidence)
    return {
        "welch_ci_low": estimate.low,
        "welch_ci_high": estimate.high,
        "welch_p_value": estimate.p_value,
    }

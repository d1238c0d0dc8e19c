"""The tables of differences: each variant against the baseline, and every two variants."""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from ganbench.evidence import estimators
from ganbench.evidence import estimators as effects
from ganbench.evidence.final_scores import Finals, Measure, Values, direction, final_values, places
from ganbench.evidence.verdict import judge

COMPARISON_COLUMNS = [
    *("dataset", "metric", "reference", "variant", "baseline", "n_pairs"),
    *("difference", "ci_low", "ci_high", "p_value", "p_adjusted"),
    *("welch_ci_low", "welch_ci_high", "welch_p_value", "probability_better", "hedges_g"),
    *("minimum_detectable_difference", "verdict"),
]

Pairing = tuple[str, str]
"""Two names of variants: the one that is judged, and the one in the baseline's place."""


def compare_to_baseline(
    scores: pd.DataFrame, runs: pd.DataFrame, baseline: str, confidence: float = 0.95
) -> pd.DataFrame:
    """Every other variant against the baseline: the columns of `comparisons.csv`.

    Pairs are the seeds that both variants completed; but for Welch's, all estimates are over these
    pairs alone. `difference` is the mean of variant − baseline, with its t interval and the p-value
    of the paired t-test; `p_adjusted` is Holm's, over the variants of one dataset, metric and
    reference. The interval is not adjusted. Welch's interval and p-value check the difference
    without pairing, over all completed runs of both. `probability_better` is above ½ where the
    variant is better, whichever direction the metric has; `hedges_g` has the sign of `difference`.
    `minimum_detectable_difference` is what 80 % of such studies would find at the level that Holm
    asks of the smallest p-value (α over the number of tests): it holds whatever the other
    comparisons show. Metrics without a better direction are left out. Raises ValueError where a
    dataset has no run of the baseline.
    """

    def against_baseline(dataset: str, variants: Sequence[str]) -> list[Pairing]:
        if baseline not in variants:
            raise ValueError(
                f"baseline: found {baseline!r}, but {dataset} has runs of {', '.join(variants)} "
                "only; expected one of these."
            )
        return [(variant, baseline) for variant in variants if variant != baseline]

    return _table(scores, runs, against_baseline, confidence)


def compare_all_pairs(
    scores: pd.DataFrame, runs: pd.DataFrame, confidence: float = 0.95
) -> pd.DataFrame:
    """Every two variants once: the columns of `pairs.csv`, which are those of `comparisons.csv`.

    Of each two, the one that the study names first stands in the column `baseline`. Holm's
    correction is over all pairs of one dataset, metric and reference.
    """

    def every_two(_: str, variants: Sequence[str]) -> list[Pairing]:
        return [(later, earlier) for earlier, later in combinations(variants, 2)]

    return _table(scores, runs, every_two, confidence)


def _table(
    scores: pd.DataFrame,
    runs: pd.DataFrame,
    pairings: Callable[[str, Sequence[str]], list[Pairing]],
    confidence: float,
) -> pd.DataFrame:
    values = final_values(scores, runs)
    rows: list[dict] = []
    for dataset, measures, variants in places(scores, runs):
        names = pairings(dataset, list(variants))
        for measure in measures:
            if direction(measure[0]):
                rows += _named(values, dataset, measure, names, confidence)
    return pd.DataFrame(rows, columns=COMPARISON_COLUMNS)


def _named(
    values: Values, dataset: str, measure: Measure, names: list[Pairing], confidence: float
) -> list[dict]:
    """The comparisons of one dataset and measure, with the names that they go by."""
    pairs = [tuple(values[dataset, name, *measure] for name in pairing) for pairing in names]
    rows = family(pairs, measure[0], confidence)
    for row, (variant, baseline) in zip(rows, names, strict=True):
        row |= {"dataset": dataset, "reference": measure[1]}
        row |= {"variant": variant, "baseline": baseline}
    return rows


def family(pairs: Sequence[tuple[Finals, Finals]], metric: str, confidence: float) -> list[dict]:
    """Comparisons that are judged together: `pairs` of (variant's, baseline's) scores by seed.

    A row has the columns of numbers, `metric` and `verdict`. p-values are adjusted, and detectable
    differences stated, for as many tests as could be made.
    """
    shared = [_shared(*pair) for pair in pairs]
    differences = [estimators.paired_differences(*each) for each in shared]
    estimates = [estimators.t_estimate(each, confidence) for each in differences]
    adjusted = estimators.holm([estimate.p_value for estimate in estimates])
    alpha = (1.0 - confidence) / max(1, np.count_nonzero(~np.isnan(adjusted)))
    rows = []
    for i, (difference, low, high, p_value) in enumerate(estimates):
        row = {"metric": metric, "n_pairs": len(differences[i]), "difference": difference}
        row |= {"ci_low": low, "ci_high": high, "p_value": p_value, "p_adjusted": adjusted[i]}
        row |= _unpaired(*pairs[i], confidence)
        row |= _effects(*shared[i], direction(metric), alpha)
        baseline_mean = float(np.mean(shared[i][1])) if len(shared[i][1]) else np.nan
        rows.append(row | {"verdict": judge(row, baseline_mean, confidence)})
    return rows


def _shared(variant: Finals, baseline: Finals) -> tuple[np.ndarray, np.ndarray]:
    """The values of the seeds that both have, each as an array in the order of seeds."""
    seeds = sorted(variant.keys() & baseline.keys())
    return np.array([variant[s] for s in seeds]), np.array([baseline[s] for s in seeds])


def _unpaired(variant: Finals, baseline: Finals, confidence: float) -> dict[str, float]:
    """What all runs of both say, seeds forgotten."""
    values = (np.array(list(each.values())) for each in (variant, baseline))
    _, low, high, p_value = estimators.welch_estimate(*values, confidence)
    return {"welch_ci_low": low, "welch_ci_high": high, "welch_p_value": p_value}


def _effects(
    variant: np.ndarray, baseline: np.ndarray, sign: int, alpha: float
) -> dict[str, float]:
    """The size of variant − baseline, of values one per shared seed."""
    differences = estimators.paired_differences(variant, baseline)
    return {
        "probability_better": effects.probability_greater(sign * variant, sign * baseline),
        "hedges_g": effects.hedges_g(variant, baseline),
        "minimum_detectable_difference": effects.detectable_difference(differences, alpha),
    }

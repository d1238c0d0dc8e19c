"""The table of final scores: one row for each dataset, variant, metric and reference."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ganbench.evidence import estimators
from ganbench.evidence.finals import Finals, best_values, final_values
from ganbench.evidence.measures import places

SUMMARY_COLUMNS = [
    *("dataset", "variant", "metric", "reference", "n", "failed"),
    *("mean", "std", "ci_low", "ci_high", "median", "min", "max", "best_mean", "values"),
]


def summarise(scores: pd.DataFrame, runs: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """One row per dataset, variant, metric and reference: the columns of `summary.csv`.

    `n` runs have a final score and `failed` have none; together they are all runs. `std` is the
    sample deviation between seeds (n − 1), the interval a Student t interval of the mean.
    `best_mean` is the mean, over the same n runs, of each one's best snapshot: optimistic, never to
    stand alone, and NaN where neither direction is better. `values` has every run's final score in
    the order of seeds, joined by spaces, `nan` for those that failed.
    """
    values, best = final_values(scores, runs), best_values(scores, runs)
    rows = []
    for dataset, measures, variants in places(scores, runs):
        for variant, seeds in variants.items():
            for measure in measures:
                key = (dataset, variant, *measure)
                finals = values[key]
                row = (*key, len(finals), len(seeds) - len(finals))
                row += _moments(np.array(list(finals.values())), confidence)
                rows.append((*row, _mean_of(finals, best[key]), _listed(finals, seeds)))
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def _moments(values: np.ndarray, confidence: float) -> tuple[float, ...]:
    """mean, std, ci_low, ci_high, median, min, max of one value per seed."""
    if len(values) == 0:
        return (np.nan,) * 7
    mean, low, high, _ = estimators.t_estimate(values, confidence)
    deviation = estimators.standard_deviation(values)
    return mean, deviation, low, high, np.median(values), np.min(values), np.max(values)


def _mean_of(finals: Finals, best: Finals) -> float:
    """The mean best score of the runs that have a final one."""
    return float(np.mean([best[seed] for seed in finals])) if finals and best else np.nan


def _listed(finals: Finals, seeds: Sequence[int]) -> str:
    return " ".join(repr(finals.get(seed, np.nan)) for seed in seeds)

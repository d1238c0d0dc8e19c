"""Performance profiles: which share of all runs is at least as good as a threshold."""

import numpy as np
import pandas as pd

from ganbench.evidence.finals import final_values
from ganbench.evidence.measures import direction, places

PROFILE_COLUMNS = ["dataset", "variant", "metric", "reference", "threshold", "share"]


def profiles(scores: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Steps of each variant's profile: the columns of `profiles.csv`.

    `share` is that of all runs of the variant whose final score is at least as good as `threshold`
    (Dolan and Moré 2002, Benchmarking optimization software with performance profiles; on raw
    scores, as the score distributions of Agarwal et al. 2021, Section 4.2). A run without a score
    reaches no threshold, so that a variant with failures stays below 1. Thresholds run from the
    best score of the dataset to its worst, and are those at which this variant's share steps, and
    both ends; between two rows the share is that of the stricter one. Metrics without a better
    direction are left out.
    """
    values = final_values(scores, runs)
    rows = []
    for dataset, measures, variants in places(scores, runs):
        for measure in measures:
            sign = direction(measure[0])
            finals = {name: _outcomes(values[dataset, name, *measure], sign) for name in variants}
            everything = np.concatenate(list(finals.values()))
            if sign == 0 or len(everything) == 0:
                continue
            ends = [everything.max(), everything.min()]
            for variant, seeds in variants.items():
                thresholds = np.unique([*finals[variant], *ends])[::-1]
                share = profile(finals[variant], len(seeds), thresholds)
                key = (dataset, variant, *measure)
                steps = zip(sign * thresholds, share, strict=True)
                rows += [(*key, *step) for step in steps]
    return pd.DataFrame(rows, columns=PROFILE_COLUMNS)


def profile(outcomes: np.ndarray, runs: int, thresholds: np.ndarray) -> np.ndarray:
    """The share of `runs` runs whose outcome, more being better, reaches each threshold."""
    return (outcomes[None, :] >= thresholds[:, None]).sum(axis=1) / runs


def _outcomes(finals: dict[int, float], sign: int) -> np.ndarray:
    return sign * np.array(list(finals.values()))

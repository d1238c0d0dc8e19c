"""What a variant's scores spread by: training seeds, or the samples of one generator."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from ganbench.evidence.finals import last_repeats
from ganbench.evidence.measures import MEASURE, places

NOISE_COLUMNS = [
    *("dataset", "variant", "metric", "reference", "seeds", "repeats"),
    *("std_seeds", "std_sampling"),
]


class Components(NamedTuple):
    """Standard deviations between training seeds, and between samplings of one generator."""

    seeds: float
    sampling: float


def components(groups: Sequence[np.ndarray]) -> Components:
    """Random-effects components of scores y_ij = μ + a_i + e_ij, one group of repeats per seed.

    The method of moments from the analysis of variance (Searle, Casella and McCulloch 1992,
    Variance components, Section 3.6): σ²_e = MSE and σ²_a = (MSA − MSE)/n₀, where n₀ is the number
    of repeats, or (N − Σn_i²/N)/(a − 1) where groups differ in size. An estimate of σ²_a below zero
    is set to 0: the seeds then spread no more than sampling alone explains. NaN where there are too
    few seeds, or no repeats.
    """
    sizes = np.array([len(group) for group in groups])
    total, seeds = int(sizes.sum()), len(groups)
    if total <= seeds:
        return Components(np.nan, np.nan)
    means = np.array([group.mean() for group in groups])
    within = sum(float(((g - m) ** 2).sum()) for g, m in zip(groups, means, strict=True))
    error = within / (total - seeds)
    if seeds < 2:
        return Components(np.nan, float(np.sqrt(error)))
    grand = float((sizes * means).sum()) / total
    between = float((sizes * (means - grand) ** 2).sum()) / (seeds - 1)
    per_seed = (total - float((sizes**2).sum()) / total) / (seeds - 1)
    return Components(float(np.sqrt(max(0.0, (between - error) / per_seed))), float(np.sqrt(error)))


def noise(scores: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """One row per dataset, variant, metric and reference with repeats: the columns of `noise.csv`.

    `seeds` is the number of completed runs and `repeats` the most that one of them was sampled. The
    deviation between seeds in `summary.csv` holds both kinds of noise: its square estimates
    std_seeds² + std_sampling²/repeats. Repeats that are not finite are left out.
    """
    last = last_repeats(scores, runs)
    last = last[np.isfinite(last["value"])]
    keys = ["dataset", "variant", *MEASURE]
    tables = {key: table for key, table in last.groupby(keys, sort=False)}
    rows = []
    for dataset, measures, variants in places(scores, runs):
        for variant in variants:
            for measure in measures:
                table = tables.get((dataset, variant, *measure))
                if table is not None and table["seed"].duplicated().any():
                    groups = [group.to_numpy() for _, group in table.groupby("seed")["value"]]
                    row = (dataset, variant, *measure, len(groups), max(map(len, groups)))
                    rows.append((*row, *components(groups)))
    return pd.DataFrame(rows, columns=NOISE_COLUMNS)

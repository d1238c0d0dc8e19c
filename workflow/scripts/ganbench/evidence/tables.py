"""Tables of final scores: `summary.csv`, `rates.csv`, `noise.csv` and `profiles.csv`."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from ganbench.catalogue.metrics import base_name
from ganbench.evidence import estimators
from ganbench.evidence.final_scores import (
    MEASURE,
    Finals,
    Measure,
    Values,
    best_values,
    direction,
    final_values,
    last_repeats,
    places,
)
from ganbench.evidence.proportions import wilson

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


RATE_COLUMNS = ["dataset", "variant", "outcome", "n", "count", "rate", "ci_low", "ci_high"]

MOST_COLLAPSED_MODES = 1
"""Points count as collapsed when they cover this many modes or fewer."""


def count_failures(
    scores: pd.DataFrame,
    runs: pd.DataFrame,
    collapse_recall: float = 0.05,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Two rows per dataset and variant, with Wilson intervals: the columns of `rates.csv`.

    `diverged` is a share of all runs. `collapsed` is a share of the completed runs in which
    collapse shows: on images those whose last snapshot has recall against `held_out`, collapsed
    below `collapse_recall`; on points those with a count of modes, collapsed at one or none.
    Without such runs `n` is 0 and the rate unknown. Both thresholds are declared before training.
    """
    values = final_values(scores, runs)
    diverged = runs.assign(count=runs["status"] == "diverged")
    counts = diverged.groupby(["dataset", "variant"])["count"].sum()
    rows = []
    for dataset, measures, variants in places(scores, runs):
        for variant, seeds in variants.items():
            collapsed = _collapsed(values, dataset, variant, measures, collapse_recall)
            for outcome, count, n in (
                ("diverged", int(counts[dataset, variant]), len(seeds)),
                ("collapsed", int(np.sum(collapsed)), len(collapsed)),
            ):
                row = (dataset, variant, outcome, n, count)
                rows.append((*row, *wilson(count, n, confidence)))
    return pd.DataFrame(rows, columns=RATE_COLUMNS)


def _collapsed(
    values: Values, dataset: str, variant: str, measures: list[Measure], collapse_recall: float
) -> list[bool]:
    """Whether each run collapsed, for the completed runs in which this shows."""
    found: list[bool] = []
    for metric, reference in measures:
        finals = values[dataset, variant, metric, reference].values()
        if base_name(metric) == "recall" and reference == "held_out":
            found += [value < collapse_recall for value in finals]
        elif base_name(metric) == "modes":
            found += [value <= MOST_COLLAPSED_MODES for value in finals]
    return found


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


def estimate_noise(scores: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
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


PROFILE_COLUMNS = ["dataset", "variant", "metric", "reference", "threshold", "share"]


def profile_scores(scores: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
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

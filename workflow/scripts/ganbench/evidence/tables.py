"""Tables of final scores: `summary.csv`, `rates.csv`, `noise.csv` and `profiles.csv`."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ganbench.catalogue.metrics import base_name
from ganbench.evidence.estimators import (
    noise_components,
    noise_ratio_interval,
    standard_deviation,
    t_estimate,
)
from ganbench.evidence.final_scores import (
    MEASURE,
    Measure,
    ScoreIndex,
    ScoresBySeed,
    direction,
    final_repeats,
    index_best_scores,
    index_final_scores,
    runs_by_dataset,
)
from ganbench.evidence.proportions import wilson
from ganbench.evidence.scales import Scale, choose_scale

SUMMARY_COLUMNS = [
    "dataset",
    "variant",
    "metric",
    "reference",
    "n",
    "failed",
    "mean",
    "std",
    "ci_low",
    "ci_high",
    "median",
    "min",
    "max",
    "best_mean",
    "values",
    "scale",
    "centre",
]

RATE_COLUMNS = ["dataset", "variant", "outcome", "n", "count", "rate", "ci_low", "ci_high"]

NOISE_COLUMNS = [
    "dataset",
    "variant",
    "metric",
    "reference",
    "seeds",
    "repeats",
    "std_seeds",
    "std_sampling",
    "ratio",
    "ratio_low",
    "ratio_high",
]

PROFILE_COLUMNS = ["dataset", "variant", "metric", "reference", "threshold", "share"]

MOST_COLLAPSED_MODES = 1
"""A generator of points counts as collapsed when it covers this many modes or fewer."""


def summarise(scores: pd.DataFrame, runs: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """One row per dataset, variant, metric and reference: the columns of `summary.csv`.

    `n` runs have a final score and `failed` have none; together they are all runs. All else is over
    the n alone. `std` is the sample standard deviation between seeds (n − 1). `centre` is the mean
    on the metric's `scale`, taken back to its unit: on the log scale the geometric mean. The
    interval is Student's on that scale, of `centre`, so it stays within the metric's range.
    `best_mean` is the same mean of the best snapshots of these n runs: optimistic, not to be
    reported alone, and NaN where the metric has no better direction. `values` lists the final
    scores in the order of seeds, separated by spaces, `nan` for a run that failed.
    """
    final, best = index_final_scores(scores, runs), index_best_scores(scores, runs)
    rows = []
    for dataset, measures, variants in runs_by_dataset(scores, runs):
        for variant, seeds in variants.items():
            for measure in measures:
                key = (dataset, variant, *measure)
                values = np.array(list(final[key].values()))
                counts = (len(values), len(seeds) - len(values))
                scale = choose_scale(measure[0], values)
                best_mean = _average_best(best[key], final[key], scale)
                centre, low, high = estimate_centre(values, scale, confidence)
                moments = _moments(values, low, high)
                listed = _listed(final[key], seeds)
                rows.append((*key, *counts, *moments, best_mean, listed, scale.name, centre))
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def _moments(values: np.ndarray, low: float, high: float) -> tuple[float, ...]:
    """mean, std, ci_low, ci_high, median, min and max of one value per seed."""
    if len(values) == 0:
        return (np.nan,) * 7
    mean, deviation = np.mean(values), standard_deviation(values)
    return mean, deviation, low, high, np.median(values), np.min(values), np.max(values)


def estimate_centre(
    values: np.ndarray, scale: Scale, confidence: float
) -> tuple[float, float, float]:
    """The mean on a scale and its interval, in the metric's unit."""
    estimate = t_estimate(scale.to_positions(values), confidence)
    centre, low, high = scale.to_interval((estimate.mean, estimate.low, estimate.high))
    return centre, low, high


def _average_best(best: ScoresBySeed, final: ScoresBySeed, scale: Scale) -> float:
    """The mean of the best scores over the seeds that have a final score, on the scale of these."""
    values = np.array([best[seed] for seed in final]) if final and best else np.array([])
    if scale.name == "log" and np.any(values <= 0):
        return float(np.mean(values))
    return estimate_centre(values, scale, 0.95)[0] if len(values) else np.nan


def _listed(final: ScoresBySeed, seeds: Sequence[int]) -> str:
    return " ".join(repr(final.get(seed, np.nan)) for seed in seeds)


def count_failures(
    scores: pd.DataFrame,
    runs: pd.DataFrame,
    collapse_recall: float = 0.05,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Two rows per dataset and variant, with Wilson intervals: the columns of `rates.csv`.

    `diverged` counts all runs, `collapsed` the completed runs that can show collapse. On images a
    run collapsed when its final recall against `held_out` is below `collapse_recall`; on points,
    when it covers `MOST_COLLAPSED_MODES` or fewer. Where no run can show collapse, `n` is 0 and the
    rate is NaN. Both thresholds are declared before training.
    """
    final = index_final_scores(scores, runs)
    is_diverged = runs.assign(count=runs["status"] == "diverged")
    diverged = is_diverged.groupby(["dataset", "variant"])["count"].sum()
    rows = []
    for dataset, measures, variants in runs_by_dataset(scores, runs):
        for variant, seeds in variants.items():
            collapsed = _collapsed(final, dataset, variant, measures, collapse_recall)
            for outcome, count, n in (
                ("diverged", int(diverged[dataset, variant]), len(seeds)),
                ("collapsed", sum(collapsed), len(collapsed)),
            ):
                rate = wilson(count, n, confidence)
                rows.append((dataset, variant, outcome, n, count, *rate))
    return pd.DataFrame(rows, columns=RATE_COLUMNS)


def _collapsed(
    final: ScoreIndex, dataset: str, variant: str, measures: list[Measure], collapse_recall: float
) -> list[bool]:
    """Whether each completed run that can show collapse did collapse."""
    collapsed: list[bool] = []
    for metric, reference in measures:
        values = final[dataset, variant, metric, reference].values()
        if base_name(metric) == "recall" and reference == "held_out":
            collapsed += [value < collapse_recall for value in values]
        elif base_name(metric) == "modes":
            collapsed += [value <= MOST_COLLAPSED_MODES for value in values]
    return collapsed


def estimate_noise(
    scores: pd.DataFrame, runs: pd.DataFrame, confidence: float = 0.95
) -> pd.DataFrame:
    """One row per dataset, variant and measure with repeats: the columns of `noise.csv`.

    `seeds` is the number of completed runs, `repeats` the largest number of times that one of them
    was sampled. The standard deviation in `summary.csv` contains both kinds of noise: its square
    estimates std_seeds² + std_sampling²/repeats. `ratio` is std_seeds/std_sampling, with its
    interval. Repeats that are not finite are left out.
    """
    repeats = final_repeats(scores, runs)
    repeats = repeats[np.isfinite(repeats["value"])]
    by_key = dict(iter(repeats.groupby(["dataset", "variant", *MEASURE], sort=False)))
    rows = []
    for dataset, measures, variants in runs_by_dataset(scores, runs):
        for variant in variants:
            for measure in measures:
                key = (dataset, variant, *measure)
                if key in by_key and by_key[key]["seed"].duplicated().any():
                    by_seed = by_key[key].groupby("seed")["value"]
                    groups = [values.to_numpy() for _, values in by_seed]
                    sizes = (len(groups), max(map(len, groups)))
                    noise = noise_components(groups)
                    ratio = noise.seeds / noise.sampling if noise.sampling else np.nan
                    interval = noise_ratio_interval(groups, confidence)
                    rows.append((*key, *sizes, *noise, ratio, *interval))
    return pd.DataFrame(rows, columns=NOISE_COLUMNS)


def profile_scores(scores: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """The steps of each variant's performance profile: the columns of `profiles.csv`.

    `share` is the share of all runs of the variant whose final score is at least as good as
    `threshold` (Dolan and Moré 2002, Benchmarking optimization software with performance profiles;
    on raw scores, as the score distributions of Agarwal et al. 2021, Section 4.2). A run without a
    score reaches no threshold, so a variant with failures stays below 1. Thresholds run from the
    best score on the dataset to the worst: both ends, and the scores at which the variant's share
    steps. Between two rows the share is that of the stricter one. Metrics without a better
    direction are left out.
    """
    final = index_final_scores(scores, runs)
    rows = []
    for dataset, measures, variants in runs_by_dataset(scores, runs):
        for measure in measures:
            sign = direction(measure[0])
            goodness = {
                variant: sign * np.array(list(final[dataset, variant, *measure].values()))
                for variant in variants
            }
            pooled = np.concatenate(list(goodness.values()))
            if sign == 0 or len(pooled) == 0:
                continue
            for variant, seeds in variants.items():
                reached = goodness[variant]
                thresholds = np.unique([*reached, pooled.max(), pooled.min()])[::-1]
                shares = (reached[None, :] >= thresholds[:, None]).sum(axis=1) / len(seeds)
                steps = zip(sign * thresholds, shares, strict=True)
                rows += [(dataset, variant, *measure, *step) for step in steps]
    return pd.DataFrame(rows, columns=PROFILE_COLUMNS)

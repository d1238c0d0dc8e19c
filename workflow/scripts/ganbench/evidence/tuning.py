"""Score against tuning budget: how good a variant gets when k of its settings are tried."""

from collections.abc import Mapping
from math import comb
from typing import Any

import numpy as np
import pandas as pd

from ganbench.evidence.final_scores import (
    Measure,
    ScoreIndex,
    direction,
    index_final_scores,
    primary_measures,
)
from ganbench.evidence.scales import choose_scale
from ganbench.evidence.tables import estimate_centre

TUNING_COLUMNS = [
    "dataset",
    "variant",
    "metric",
    "reference",
    "settings",
    "seeds",
    "failed",
    "value",
    "ci_low",
    "ci_high",
    "chosen_on",
]


def evaluate_tuning(
    scores: pd.DataFrame, runs: pd.DataFrame, study: Mapping[str, Any]
) -> pd.DataFrame:
    """The primary score on each dataset after k settings: the columns of `tuning.csv`.

    k = 0 is the variant as the study defines it. `scores` and `runs` are of variants and settings;
    `study["settings"]` names the variant of each setting. `failed` counts the runs without a score,
    which count as the worst score of any run on the dataset. `value` is the mean
    over seeds on the metric's scale and the interval Student's there, as in `summary.csv`.
    It is approximate: it treats seeds as independent, although each seed takes part in choosing the
    setting for the others.
    """
    final = index_final_scores(scores, runs)
    confidence, seeds = study["report"]["confidence"], study["seeds"]
    chosen_on = "other seeds" if len(seeds) > 1 else "the same seed"
    rows = []
    for dataset, measure in primary_measures(study).items():
        sign = -direction(measure[0])
        worst = _worst_loss(final, dataset, measure)
        if worst is None or sign == 0:
            continue
        for variant in study["variants"]:
            losses = _losses(final, dataset, _with_settings(variant, study), measure, seeds)
            failed = int(np.isinf(losses).sum())
            untuned, settings = np.minimum(losses[0], worst), losses[1:]
            for k in range(len(settings) + 1):
                by_seed = best_of(settings, k, worst) if k else untuned
                scores_by_seed = sign * by_seed
                scale = choose_scale(measure[0], scores_by_seed)
                value, low, high = estimate_centre(scores_by_seed, scale, confidence)
                counts = (k, len(by_seed), failed)
                estimate = (value, low, high, chosen_on if k else "")
                rows.append((dataset, variant, *measure, *counts, *estimate))
    return pd.DataFrame(rows, columns=TUNING_COLUMNS)


def best_of(losses: np.ndarray, k: int, worst: float) -> np.ndarray:
    """The expected loss on each seed of the best of k settings, chosen on the other seeds.

    `losses` is `(settings, seeds)`, lower is better; a run that failed is infinite and counts as
    `worst`. The mean is over all subsets of k settings (Dodge et al. 2019, Show Your Work, for the
    expected maximum): the setting of rank r is the best of a subset with probability
    C(S − r, k − 1)/C(S, k). Choosing on the other seeds avoids the optimism of a minimum over
    noise. With one seed there are no others, and the choice is on that seed.
    """
    count, seeds = losses.shape
    weights = np.array([comb(count - rank, k - 1) / comb(count, k) for rank in range(1, count + 1)])
    expected = np.empty(seeds)
    for seed in range(seeds):
        others = np.delete(losses, seed, axis=1) if seeds > 1 else losses
        ranked = np.argsort(others.mean(axis=1), kind="stable")
        expected[seed] = weights @ np.minimum(losses[ranked, seed], worst)
    return expected


def _worst_loss(final: ScoreIndex, dataset: str, measure: Measure) -> float | None:
    """The largest loss of any run or setting on a dataset; None where no run has a score."""
    losses = [
        -direction(measure[0]) * value
        for (of_dataset, _, *of_measure), values in final.items()
        if of_dataset == dataset and tuple(of_measure) == measure
        for value in values.values()
    ]
    return max(losses, default=None)


def _with_settings(variant: str, study: Mapping[str, Any]) -> list[str]:
    """The names of a variant and of its settings."""
    settings = study["settings"].items()
    return [variant, *(name for name, setting in settings if setting["of"] == variant)]


def _losses(
    final: ScoreIndex, dataset: str, names: list[str], measure: Measure, seeds: list[int]
) -> np.ndarray:
    """The losses `(names, seeds)` of variants and settings; infinite where a run failed."""
    sign = -direction(measure[0])
    by_name = [final[dataset, name, *measure] for name in names]
    return np.array(
        [
            [sign * scores[seed] if seed in scores else np.inf for seed in seeds]
            for scores in by_name
        ]
    )

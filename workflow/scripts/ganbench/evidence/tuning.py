"""Score against tuning budget: how good a variant gets when k of its settings are tried."""

import math
from collections.abc import Mapping
from math import comb
from typing import Any

import numpy as np
import pandas as pd
import yaml

from ganbench.evidence.final_scores import (
    Measure,
    ScoreIndex,
    direction,
    index_final_scores,
    primary_measures,
)
from ganbench.evidence.scales import choose_scale
from ganbench.evidence.tables import estimate_centre
from ganbench.study.sweep import find_run, write_setting

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

WINNER_COLUMNS = [
    "dataset",
    "variant",
    "metric",
    "reference",
    "settings",
    "setting",
    "seeds",
    "failed",
    "value",
    "untuned",
    "yaml",
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
    confidence = study["report"]["confidence"]
    chosen_on = "other seeds" if len(study["seeds"]) > 1 else "the same seed"
    rows = []
    for dataset, measure in primary_measures(study).items():
        sign = -direction(measure[0])
        worst = _worst_loss(final, dataset, measure)
        if worst is None or sign == 0:
            continue
        for variant in study["variants"]:
            losses = _losses(final, study, dataset, _with_settings(variant, study), measure)
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


def list_winners(
    scores: pd.DataFrame, runs: pd.DataFrame, study: Mapping[str, Any]
) -> pd.DataFrame:
    """The best setting of each variant on each dataset: the columns of `winners.csv`.

    The variant as the study gives it takes part, under its own name. Of two settings, the one with
    fewer failed runs is better, then the one with the better mean over seeds, then the first.
    `failed` counts the failed runs of the best one; `value` and `untuned` are means over completed
    runs, on the metric's scale. `yaml` is the best one as a study writes it below `variants`. The
    choice and the score are on the same seeds, so that `value` flatters: a new study with other
    seeds says how good it is.
    """
    final, seeds = index_final_scores(scores, runs), study["seeds"]
    rows = []
    for dataset, measure in primary_measures(study).items():
        sign = -direction(measure[0])
        if sign == 0:
            continue
        for variant in study["variants"]:
            names = _with_settings(variant, study)
            losses = _losses(final, study, dataset, names, measure)
            failed, means = np.isinf(losses).sum(axis=1), _mean_completed(losses)
            if (failed == len(seeds)).all():
                continue
            best = np.lexsort((means, failed))[0]
            text = yaml.safe_dump(
                write_setting(study, names[best]), default_flow_style=False, sort_keys=False
            )
            counts = (len(names) - 1, names[best], len(seeds), failed[best])
            values = (_centre(sign * losses[row], measure[0]) for row in (best, 0))
            rows.append((dataset, variant, *measure, *counts, *values, text))
    return pd.DataFrame(rows, columns=WINNER_COLUMNS)


def _mean_completed(losses: np.ndarray) -> np.ndarray:
    """The mean of each row over what is finite; NaN, which sorts last, where nothing is."""
    completed = np.isfinite(losses)
    totals = np.where(completed, losses, 0.0).sum(axis=1)
    counts = completed.sum(axis=1)
    return np.divide(totals, counts, out=np.full(len(losses), np.nan), where=counts > 0)


def _centre(values: np.ndarray, metric: str) -> float:
    """The mean of the finite values on the metric's scale; NaN where there are none."""
    completed = values[np.isfinite(values)]
    if len(completed) == 0:
        return math.nan
    scale = choose_scale(metric, completed)
    return float(scale.to_values(scale.to_positions(completed).mean()))


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
    final: ScoreIndex,
    study: Mapping[str, Any],
    dataset: str,
    names: list[str],
    measure: Measure,
) -> np.ndarray:
    """The losses `(names, seeds)` of variants and settings; infinite where a run failed."""
    sign = -direction(measure[0])
    by_name = [final[dataset, find_run(study, dataset, name), *measure] for name in names]
    return np.array(
        [
            [sign * scores[seed] if seed in scores else np.inf for seed in study["seeds"]]
            for scores in by_name
        ]
    )

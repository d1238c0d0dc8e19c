"""Score against tuning budget: how good a variant gets when k of its settings are tried."""

from collections.abc import Mapping
from math import comb
from typing import Any

import numpy as np
import pandas as pd

from ganbench.evidence.estimators import t_estimate
from ganbench.evidence.final_scores import direction, final_values, primaries

TUNING_COLUMNS = ["dataset", "variant", "metric", "reference", "settings", "seeds", "failed"]
TUNING_COLUMNS += ["value", "ci_low", "ci_high", "chosen_on"]


def evaluate_tuning(
    scores: pd.DataFrame, runs: pd.DataFrame, study: Mapping[str, Any]
) -> pd.DataFrame:
    """The columns of `tuning.csv`: each dataset's primary score after k settings, k = 0, 1, ….

    k = 0 is the variant as the study gives it. `scores` and `runs` are of variants and settings;
    `study["settings"]` says which setting is whose. `failed` counts runs without a score; each
    stands for the worst score of any run on the dataset. The interval is Student's over seeds, as
    if they were independent; each takes part in the choice for the others: it is approximate.
    """
    values, rows = final_values(scores, runs), []
    for dataset, measure in primaries(study).items():
        sign = -direction(measure[0])
        everything = [
            each
            for (where, _, *what), finals in values.items()
            for each in finals.values()
            if where == dataset and tuple(what) == measure
        ]
        if not everything or sign == 0:
            continue
        worst = max(sign * each for each in everything)
        for variant in study["variants"]:
            names = [variant]
            names += [name for name, each in study["settings"].items() if each["of"] == variant]
            losses = np.array(
                [
                    [
                        sign * values[dataset, name, *measure].get(seed, np.inf)
                        for seed in study["seeds"]
                    ]
                    for name in names
                ]
            )
            failed = int(np.isinf(losses).sum())
            given, tried = losses[0], losses[1:]
            for k in range(len(tried) + 1):
                folds = np.minimum(given, worst) if k == 0 else best_of(tried, k, worst)
                value, low, high, _ = t_estimate(sign * folds, study["report"]["confidence"])
                chosen = "" if k == 0 else _chosen_on(study)
                rows.append(
                    (dataset, variant, *measure, k, len(folds), failed, value, low, high, chosen)
                )
    return pd.DataFrame(rows, columns=TUNING_COLUMNS)


def best_of(losses: np.ndarray, k: int, worst: float) -> np.ndarray:
    """The expected loss on each seed of the best of k settings, chosen on the other seeds.

    `losses` is `(settings, seeds)`, lower is better, infinite where a run failed, which then counts
    as `worst`. The mean is over all subsets of k settings (Dodge et al. 2019, Show Your Work, for
    the expected maximum); the setting of rank r is the best of a subset with probability
    C(S − r, k − 1)/C(S, k). Choosing on other seeds than the one that is shown leaves out the
    optimism of a minimum over noise. With one seed there are no others: chosen and shown on it.
    """
    count, seeds = losses.shape
    weights = np.array([comb(count - rank, k - 1) / comb(count, k) for rank in range(1, count + 1)])
    found = np.empty(seeds)
    for seed in range(seeds):
        others = np.delete(losses, seed, axis=1) if seeds > 1 else losses
        ranked = np.argsort(others.mean(axis=1), kind="stable")
        found[seed] = weights @ np.minimum(losses[ranked, seed], worst)
    return found


def _chosen_on(study: Mapping[str, Any]) -> str:
    return "other seeds" if len(study["seeds"]) > 1 else "the same seed"

"""What all datasets say together: mean ranks, and the probability of improving on the baseline."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ganbench.evidence.estimators import wins
from ganbench.evidence.final_scores import direction, final_values, places, primaries
from ganbench.evidence.proportions import Share, averaged, superiority

RANK_COLUMNS = [
    *("variant", "datasets", "mean_rank", "rank_ci_low", "rank_ci_high"),
    *("probability_of_improvement", "poi_ci_low", "poi_ci_high"),
]

Outcomes = Mapping[str, np.ndarray]
"""By variant, every run's score with more always better; −∞ for a run that has none."""


def rank_variants(
    scores: pd.DataFrame, runs: pd.DataFrame, study: Mapping[str, Any]
) -> pd.DataFrame:
    """One row per variant over all datasets, by each one's primary metric: `ranks.csv`.

    `mean_rank` is the expected rank (1 the best) of a run of this variant among one run of each
    variant on the same dataset, averaged over datasets: 1 + Σ P(a run of another variant beats it).
    It is a rank of runs and not of means, so that a lead within the noise between seeds shows as
    one, and so that its interval needs no resampling. `probability_of_improvement` is that of
    Agarwal et al. 2021 (Deep reinforcement learning at the edge of the statistical precipice,
    Section 4.3): P(a run of it beats a run of the baseline) + ½ P(equal), averaged over datasets;
    NaN for the baseline itself. A run without a score ranks behind all that have one.

    Intervals are for these datasets, not for others that could have been chosen. They are not the
    paper's percentile bootstrap, which five wins out of five would give a width of zero, but
    `superiority` for each dataset, put together by `averaged`. Simulated coverage of 95 % intervals
    at 5 seeds, over 66 designs of 1 to 4 datasets and 2 to 20 variants with normal and bimodal
    scores: improvement 92 to 99 % (mean 95 %), ranks 91 to 100 % (mean 96 %), the most where
    variants are far apart; at 3 seeds from 89 %. Matched seeds that correlate make them wider than
    they need be (mean 97 and 98 %).
    """
    confidence = study["report"]["confidence"]
    by_dataset = outcomes(scores, runs, study)
    variants = dict.fromkeys(name for found in by_dataset.values() for name in found)
    rows = []
    for variant in variants:
        there = [found for found in by_dataset.values() if variant in found]
        rank = mean_rank(variant, there, confidence)
        improvement = probability_of_improvement(variant, study["baseline"], there, confidence)
        rows.append((variant, len(there), *rank, *improvement))
    return pd.DataFrame(rows, columns=RANK_COLUMNS)


def outcomes(
    scores: pd.DataFrame, runs: pd.DataFrame, study: Mapping[str, Any]
) -> dict[str, Outcomes]:
    """Every run's outcome by its dataset's primary metric, one array per dataset and variant."""
    values, measures = final_values(scores, runs), primaries(study)
    found: dict[str, Outcomes] = {}
    for dataset, _, variants in places(scores, runs):
        metric, reference = measures[dataset]
        sign = direction(metric)
        found[dataset] = {
            variant: np.array(
                [
                    sign * values[dataset, variant, metric, reference].get(seed, -sign * np.inf)
                    for seed in seeds
                ]
            )
            for variant, seeds in variants.items()
        }
    return found


def mean_rank(
    variant: str, datasets: Sequence[Outcomes], confidence: float
) -> tuple[float, float, float]:
    """The mean over datasets of a variant's expected rank, and its interval."""
    shares, most = [], 0.0
    for found in datasets:
        rivals = [name for name in found if name != variant]
        won = [wins(found[variant], found[name]) for name in rivals]
        share = superiority(won, confidence) if won else Share(1.0, 1.0, 1.0)
        shares.append(_scaled(share, len(rivals)))
        most += (1 + len(rivals)) / len(datasets)
    beaten = averaged(shares)
    return most - beaten.estimate, most - beaten.high, most - beaten.low


def _scaled(share: Share, factor: float) -> Share:
    return Share(*(factor * each for each in share))


def probability_of_improvement(
    variant: str, baseline: str, datasets: Sequence[Outcomes], confidence: float
) -> Share:
    """The mean over datasets of the chance that a run of `variant` beats one of `baseline`."""
    if variant == baseline:
        return averaged([])
    won = [wins(found[variant], found[baseline]) for found in datasets]
    return averaged([superiority([each], confidence) for each in won])

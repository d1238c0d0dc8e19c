"""Differences between variants: the contrasts that a study declares, and every two variants."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from ganbench.evidence.contrast_tests import OutcomesBySeed
from ganbench.evidence.contrasts import describe_contrast, set_up_contrast
from ganbench.evidence.final_scores import (
    DatasetRuns,
    Measure,
    ScoreIndex,
    direction,
    index_final_scores,
    primary_measures,
    runs_by_dataset,
)
from ganbench.study.declared import Pairing, list_contrasts
from ganbench.study.references import find_reference, is_of_reference

COMPARISON_COLUMNS = [
    "dataset",
    "metric",
    "reference",
    "variant",
    "baseline",
    "role",
    "n_pairs",
    "n_variant",
    "failed_variant",
    "n_baseline",
    "failed_baseline",
    "scale",
    "test",
    "difference",
    "ci_low",
    "ci_high",
    "simultaneous_low",
    "simultaneous_high",
    "ratio",
    "ratio_low",
    "ratio_high",
    "p_value",
    "p_adjusted",
    "p_failures",
    "welch_ci_low",
    "welch_ci_high",
    "welch_p_value",
    "probability_better",
    "hedges_g",
    "minimum_detectable_difference",
    "margin",
    "decided_by",
    "verdict",
]

DECLARED, EXPLORATORY = "declared", "exploratory"
"""The roles of a comparison: corrected for the number of its like, or for context only."""


def compare_contrasts(
    scores: pd.DataFrame, runs: pd.DataFrame, study: Mapping[str, Any]
) -> pd.DataFrame:
    """The contrasts of a resolved study by every metric: the columns of `comparisons.csv`.

    By the primary metric of their dataset they are `declared`: the tests of one dataset are
    corrected for their number together. By other metrics they are `exploratory`: corrected for the
    number of contrasts, but not for that of metrics. By metrics without a better direction the
    verdict is `higher` or `lower`, of completed runs. Raises ValueError where a dataset has runs,
    but none of a contrast's baseline.
    """
    return _compare(scores, runs, study, list_contrasts(study), directed_only=False)


def compare_all_pairs(
    scores: pd.DataFrame, runs: pd.DataFrame, study: Mapping[str, Any]
) -> pd.DataFrame:
    """Every two variants once: `pairs.csv`, with the columns of `comparisons.csv`.

    Declared contrasts are as in `comparisons.csv`. Of any other two variants, the one that the
    study names first is in the column `baseline`; they are exploratory, corrected for the number of
    all pairs. Metrics without a better direction are left out.
    """
    contrasts = list_contrasts(study)
    declared = {frozenset(pairing): pairing for pairing in contrasts}
    names = list(dict.fromkeys(runs["variant"]))
    pairs = [declared.get(frozenset(pair), pair[::-1]) for pair in combinations(names, 2)]
    return _compare(scores, runs, study, pairs, directed_only=True)


def _compare(
    scores: pd.DataFrame,
    runs: pd.DataFrame,
    study: Mapping[str, Any],
    pairings: Sequence[Pairing],
    *,
    directed_only: bool,
) -> pd.DataFrame:
    final, contrasts, primary = (
        index_final_scores(scores, runs),
        list_contrasts(study),
        primary_measures(study),
    )
    rows: list[dict] = []
    for of_dataset in runs_by_dataset(scores, runs):
        made = _select_pairings(of_dataset, pairings)
        sizes = {
            is_of_contrasts: sum(map(partial(_can_be_made, of_dataset), family))
            for is_of_contrasts, family in ((True, contrasts), (False, pairings))
        }
        for measure in of_dataset.measures:
            if directed_only and not direction(measure[0]):
                continue
            is_primary = measure == primary[of_dataset.dataset]
            for pairing in made:
                is_declared = pairing in contrasts
                row = describe_contrast(
                    _set_up(final, of_dataset, measure, pairing, study.get("unpaired", ())),
                    family=sizes[is_declared],
                    confidence=study["report"]["confidence"],
                    margin=study.get("margin", "") if is_primary else "",
                )
                role = DECLARED if is_declared and is_primary else EXPLORATORY
                rows.append(row | _name_row(of_dataset.dataset, measure, pairing, role))
    return pd.DataFrame(rows, columns=COMPARISON_COLUMNS)


def _name_row(dataset: str, measure: Measure, pairing: Pairing, role: str) -> dict[str, str]:
    (metric, reference), (variant, baseline) = measure, pairing
    return {
        "dataset": dataset,
        "metric": metric,
        "reference": reference,
        "variant": variant,
        "baseline": baseline,
        "role": role,
    }


def _select_pairings(of_dataset: DatasetRuns, pairings: Sequence[Pairing]) -> list[Pairing]:
    """Those whose variant has runs on a dataset. Their baseline must have some, too.

    One of a reference has none where the reference lacks the dataset.
    """
    selected = [
        pairing
        for pairing in pairings
        if pairing[0] in of_dataset.seeds and _can_be_made(of_dataset, pairing)
    ]
    for _, baseline in selected:
        if baseline not in of_dataset.seeds:
            raise ValueError(
                f"baseline: found {baseline!r}, but {of_dataset.dataset} only has runs of "
                f"{', '.join(of_dataset.seeds)}; expected one of these."
            )
    return selected


def _can_be_made(of_dataset: DatasetRuns, pairing: Pairing) -> bool:
    """Whether the references of a pairing, if any, have runs on a dataset."""
    return all(not is_of_reference(name) or name in of_dataset.seeds for name in pairing)


def _set_up(
    final: ScoreIndex,
    of_dataset: DatasetRuns,
    measure: Measure,
    pairing: Pairing,
    unpaired: Collection[str],
) -> Any:
    """The tests of a pairing. Seeds of the references `unpaired` are no pairs of others' seeds."""
    sides: list[OutcomesBySeed] = []
    for name in pairing:
        by_seed = final[of_dataset.dataset, name, *measure]
        sides.append({seed: by_seed.get(seed, np.nan) for seed in of_dataset.seeds[name]})
    origins = [find_reference(name) for name in pairing]
    if origins[0] != origins[1] and any(origin in unpaired for origin in origins):
        sides[1] = {-1 - seed: value for seed, value in sides[1].items()}
    return set_up_contrast(*sides, measure[0])

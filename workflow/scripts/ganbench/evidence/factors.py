"""Effects of factors: what a level does on average over all other levels, seed by seed."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ganbench.evidence.estimators import t_estimate
from ganbench.evidence.final_scores import (
    Measure,
    ScoresBySeed,
    direction,
    index_final_scores,
    runs_by_dataset,
)
from ganbench.evidence.scales import Scale, choose_scale

FACTOR_COLUMNS = [
    "dataset",
    "metric",
    "reference",
    "factor",
    "level",
    "against",
    "cells",
    "seeds",
    "failed",
    "failed_against",
    "scale",
    "effect",
    "ci_low",
    "ci_high",
    "p_value",
]

Cell = frozenset[tuple[str, str]]
"""The levels of one variant, as pairs of factor and level."""


class Change(NamedTuple):
    """A change of one factor's level."""

    factor: str
    level: str
    against: str


def estimate_effects(
    scores: pd.DataFrame, runs: pd.DataFrame, study: Mapping[str, Any]
) -> pd.DataFrame:
    """Main effects and two-factor interactions of variants with `levels`: `factors.csv`.

    An effect is the mean over seeds of a seed's mean difference between the variants with `level`
    and those that differ from them in nothing but having `against`, the factor's first level. On
    the log scale it is a ratio and its neutral value 1, else a difference and 0. An interaction,
    whose `factor`, `level` and `against` join two by `×`, is how the effect of the first changes
    with the second. Intervals are Student's, over seeds that completed every variant they need, and
    not corrected for their number. `failed` counts runs without a score among
    the variants with each level.
    """
    cells = {
        name: frozenset(variant["levels"].items())
        for name, variant in study["variants"].items()
        if variant.get("levels")
    }
    final, rows = index_final_scores(scores, runs), []
    for dataset, measures, seeds in runs_by_dataset(scores, runs):
        present = {cells[name]: name for name in seeds if name in cells}
        for measure in measures:
            if direction(measure[0]) == 0:
                continue
            by_cell = {cell: final[dataset, name, *measure] for cell, name in present.items()}
            runs_of = {cell: seeds[name] for cell, name in present.items()}
            rows += _list_rows(dataset, measure, by_cell, runs_of, study["report"]["confidence"])
    return pd.DataFrame(rows, columns=FACTOR_COLUMNS)


def _list_rows(
    dataset: str,
    measure: Measure,
    by_cell: Mapping[Cell, ScoresBySeed],
    seeds: Mapping[Cell, list[int]],
    confidence: float,
) -> Iterator[dict[str, Any]]:
    values = [value for scores in by_cell.values() for value in scores.values()]
    scale = choose_scale(measure[0], values)
    if scale.name == "angular":  # its shifts have no unit of their own
        scale = Scale("identity", scale.lowest, scale.highest)
    positions = {
        cell: {seed: float(scale.to_positions(np.asarray(value))) for seed, value in scores.items()}
        for cell, scores in by_cell.items()
    }
    changes = list_level_changes(by_cell)
    pairs = [(first, second) for first, second in combinations(changes, 2)]
    for parts in [(change,) for change in changes] + [
        pair for pair in pairs if pair[0].factor != pair[1].factor
    ]:
        by_seed, count = _effect_by_seed(parts, positions)
        if count == 0:
            continue
        estimate = t_estimate(np.array(list(by_seed.values())), confidence)
        limits = {"effect": estimate.mean, "ci_low": estimate.low, "ci_high": estimate.high}
        if scale.name == "log":
            limits = {name: float(np.exp(value)) for name, value in limits.items()}
        failed = [
            sum(
                len(set(seeds[cell]) - set(by_cell[cell]))
                for cell in by_cell
                if all((part.factor, getattr(part, side)) in cell for part in parts)
            )
            for side in ("level", "against")
        ]
        yield {
            "dataset": dataset,
            "metric": measure[0],
            "reference": measure[1],
            "factor": " × ".join(part.factor for part in parts),
            "level": " × ".join(part.level for part in parts),
            "against": " × ".join(part.against for part in parts),
            "cells": count,
            "seeds": len(by_seed),
            "failed": failed[0],
            "failed_against": failed[1],
            "scale": scale.name,
            **limits,
            "p_value": estimate.p_value,
        }


def list_level_changes(cells: Iterable[Cell]) -> list[Change]:
    """Every factor's levels against its first, in the order in which they appear."""
    levels: dict[str, dict[str, None]] = {}
    for cell in cells:
        for factor, level in sorted(cell):
            levels.setdefault(factor, {})[level] = None
    return [
        Change(factor, level, first)
        for factor, (first, *others) in levels.items()
        for level in others
    ]


def _effect_by_seed(
    parts: tuple[Change, ...], positions: Mapping[Cell, ScoresBySeed]
) -> tuple[ScoresBySeed, int]:
    """The mean effect of each seed over all cells that allow it, and the number of these cells.

    A seed that lacks one of the scores is left out: the mean over other cells is another effect.
    """
    groups = [
        corners
        for cell in positions
        if all((part.factor, part.level) in cell for part in parts)
        for corners in [_list_corners(cell, parts)]
        if all(corner in positions for corner, _ in corners)
    ]
    if not groups:
        return {}, 0
    shared = set.intersection(
        *(set(positions[corner]) for corners in groups for corner, _ in corners)
    )
    return {
        seed: float(
            np.mean(
                [sum(sign * positions[corner][seed] for corner, sign in group) for group in groups]
            )
        )
        for seed in sorted(shared)
    }, len(groups)


def _list_corners(cell: Cell, parts: tuple[Change, ...]) -> list[tuple[Cell, int]]:
    """The cells whose signed sum is the effect: 2 for a main effect, 4 for an interaction."""
    corners = [(cell, 1)]
    for part in parts:
        before, after = {(part.factor, part.level)}, {(part.factor, part.against)}
        corners += [((corner - before) | after, -sign) for corner, sign in corners]
    return corners

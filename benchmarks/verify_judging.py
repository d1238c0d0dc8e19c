"""How `make verify` judges the repetitions of `verify_power.py`, and the shares it accepts."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ganbench.evidence.repetitions import (
    expect_score,
    find_drift,
    measure_distances,
    pool_spread,
    tabulate_curves,
)
from scipy import special
from verify_runs import DISHONEST, HALF_STEPS, HONEST, PUBLISHED, VARIANTS, Job, with_twins

SEEDS = 5
"""Seeds of a study."""

CONFIDENCE = 0.99
"""Of the interval of the final score, as in ganbench.commands.repetition."""

PRIMARY = "FD-classifier"
ALL = "all in one command"
RULES = ("interval alone", "interval and drift")


class Study:
    """A study of five seeds, all of which are repeated; judged as soon as its runs are there."""

    def __init__(self, seeds: range) -> None:
        self.seeds = seeds
        self.outcomes: dict[str, list[dict[str, Any]]] = {}

    def judge(self, folder: Path) -> list[dict[str, Any]]:
        """Whether each repetition is accepted, of the kinds whose runs are all in `folder`."""
        for kind in (HONEST, HALF_STEPS, *DISHONEST):
            trained = HONEST if kind == HALF_STEPS else kind
            names = [
                Job(name, variant, seed).file(folder)
                for name in (PUBLISHED, *with_twins(trained))
                for variant in VARIANTS
                for seed in self.seeds
            ]
            if kind not in self.outcomes and all(name.exists() for name in names):
                scores = pd.concat([pd.read_csv(name) for name in names])
                self.outcomes[kind] = [
                    outcome for seed in self.seeds for outcome in _judge_seed(scores, kind, seed)
                ]
        return [outcome for kind in self.outcomes.values() for outcome in kind]


def _judge_seed(scores: pd.DataFrame, kind: str, seed: int) -> list[dict[str, Any]]:
    """The outcome of a command that repeats this seed of all variants, and of each variant."""
    names = (PUBLISHED, *with_twins(kind))
    study, run, *twins = (
        tabulate_curves(scores[scores["kind"] == name], "held_out") for name in names
    )
    spread, last = pool_spread(study), study.index.unique("step").max()
    of_twins = [
        measure_distances(run.loc[variant, seed], twin.loc[variant, seed], spread)
        for twin in twins
        for variant in VARIANTS
    ]
    outcomes = []
    for variant in VARIANTS:
        repeated, published = run.loc[variant, seed], study.loc[variant, seed]
        ends = np.exp(study.loc[variant].xs(last, level="step")[PRIMARY].to_numpy())
        low, high = expect_score(PRIMARY, ends, CONFIDENCE)
        in_interval = bool(low <= np.exp(repeated.loc[last, PRIMARY]) <= high)
        drift = find_drift(repeated, published, of_twins, spread)
        by_rule = (in_interval, in_interval and not drift.is_too_far)
        outcomes.append(
            {
                "kind": kind,
                "repeated": variant,
                "seed": seed,
                **dict(zip(RULES, by_rule, strict=True)),
                "of allowed": drift.distance / drift.allowed,
                "equal scores": repeated.equals(published),
            }
        )
    together = {rule: all(outcome[rule] for outcome in outcomes) for rule in RULES}
    furthest = max(outcome["of allowed"] for outcome in outcomes)
    equal = all(outcome["equal scores"] for outcome in outcomes)
    whole = {"kind": kind, "repeated": ALL, "seed": seed, **together}
    return [*outcomes, whole | {"of allowed": furthest, "equal scores": equal}]


def tabulate(outcomes: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """A row for each kind and variant: how many repetitions are accepted, with bounds.

    `lowest` and `highest` are the one-sided bounds (95 % each) of the share accepted by both rules.
    """
    rows = []
    columns = ["kind", "repeated", "seed", *RULES, "of allowed", "equal scores"]
    table = pd.DataFrame(list(outcomes), columns=columns)
    for (kind, repeated), group in table.groupby(["kind", "repeated"], sort=False):
        count, accepted = len(group), int(group[RULES[1]].sum())
        low, high = bound_share(accepted, count)
        row = {
            "kind": kind,
            "repeated": repeated,
            "repetitions": count,
            "accepted by the interval alone": int(group[RULES[0]].sum()),
            "accepted": accepted,
            "share": accepted / count,
            "lowest": low,
            "highest": high,
            "median of allowed": group["of allowed"].median(),
            "most of allowed": group["of allowed"].max(),
            "with equal scores": int(group["equal scores"].sum()),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def bound_share(count: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """One-sided bounds of a share, each with this confidence (Clopper and Pearson 1934)."""
    low = 0.0 if count == 0 else float(special.betaincinv(count, n - count + 1, 1 - confidence))
    high = 1.0 if count == n else float(special.betaincinv(count + 1, n - count, confidence))
    return low, high

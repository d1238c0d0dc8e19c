"""Studies of five seeds drawn from trained runs, and how `make verify` judges repetitions."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from ganbench.evidence.estimators import prediction_interval
from ganbench.evidence.repetitions import (
    find_drift,
    measure_distances,
    pool_spread,
    tabulate_curves,
)

SEEDS = 5
CONFIDENCE = 0.99
PUBLISHED, TWINS = "published", ("twin 1", "twin 2")
PRIMARY = "FD-classifier"


def judge_studies(runs: pd.DataFrame, studies: int) -> pd.DataFrame:
    """The share of accepted runs of each kind, by the interval alone and with the drift of twins.

    One study repeats one seed of every variant, as `make verify` does. Kinds that were trained have
    twins of their own kind where there are any, and else those of honest runs.
    """
    scores = runs[runs["reference"] != "history"].assign(repeat=0)
    curves = {kind: tabulate_curves(rows, "held_out") for kind, rows in scores.groupby("kind")}
    kinds = [kind for kind in curves if kind != PUBLISHED and "twin" not in kind]
    rng, rows = np.random.default_rng(0), []
    for kind in kinds:
        available = list_seeds(curves, kind)
        for _ in range(studies):
            seed = rng.choice(available)
            rows += [
                {"kind": kind, "variant": variant, **outcome}
                for variant, outcome in judge_study(curves, kind, seed, rng).items()
            ]
    table = pd.DataFrame(rows).groupby(["kind", "variant"])[["interval", "drift too"]].mean()
    counts = {kind: len(list_seeds(curves, kind)) for kind in kinds}
    table.insert(0, "seeds", [counts[kind] for kind, _ in table.index])
    return table.reset_index()


def list_seeds(curves: Mapping[str, pd.DataFrame], kind: str) -> list[int]:
    """The seeds that all variants were trained with, of this kind, published and as twins."""
    tables = [curves[PUBLISHED], curves[kind], *(curves[name] for name in name_twins(curves, kind))]
    variants = curves[PUBLISHED].index.unique("variant")
    sets = [
        set(table.loc[variant].index.unique("seed")) for table in tables for variant in variants
    ]
    return sorted(set.intersection(*sets))


def name_twins(curves: Mapping[str, pd.DataFrame], kind: str) -> list[str]:
    """The twins of a kind of runs."""
    own = [f"{kind}, {twin}" for twin in TWINS]
    return own if own[0] in curves else [f"honest, {twin}" for twin in TWINS]


def judge_study(
    curves: Mapping[str, pd.DataFrame], kind: str, seed: int, rng: np.random.Generator
) -> dict[str, dict[str, bool]]:
    """Whether the repetition of `seed` is accepted, by variant, in a study with four more seeds."""
    published = curves[PUBLISHED]
    others = [other for other in published.index.unique("seed") if other != seed]
    seeds = [seed, *rng.choice(others, SEEDS - 1, replace=False)]
    study = published[published.index.get_level_values("seed").isin(seeds)]
    spread, variants = pool_spread(study), published.index.unique("variant")
    of_twins = [
        measure_distances(curves[kind].loc[variant, seed], curves[twin].loc[variant, seed], spread)
        for twin in name_twins(curves, kind)
        for variant in variants
    ]
    outcomes = {}
    for variant in variants:
        run, last = curves[kind].loc[variant, seed], study.index.unique("step").max()
        ends = np.exp(study.loc[variant].xs(last, level="step")[PRIMARY].to_numpy())
        low, high = prediction_interval(ends, CONFIDENCE)
        in_interval = bool(low <= np.exp(run.loc[last, PRIMARY]) <= high)
        drift = find_drift(run, study.loc[variant, seed], of_twins, spread)
        outcomes[variant] = {
            "interval": in_interval,
            "drift too": in_interval and not drift.is_too_far,
        }
    return outcomes

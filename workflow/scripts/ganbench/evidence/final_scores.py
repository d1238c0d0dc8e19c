"""The scores that count: each completed run's last snapshot, and the measures that a study has."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ganbench.catalogue.metrics import METRICS, base_name

RUN = ["dataset", "variant", "seed"]
MEASURE = ["metric", "reference"]
REFERENCES = ("held_out", "train", "none")

Measure = tuple[str, str]
"""A qualified metric and its reference: ("FD-classifier", "held_out")."""


def direction(metric: str) -> int:
    """1 where a higher value of a qualified metric is better, −1 where a lower one, 0 neither."""
    return {"higher": 1, "lower": -1, "neither": 0}[METRICS[base_name(metric)].better]


def order(measure: Measure) -> tuple[int, str, int]:
    """Where a measure stands in a table: the order of `METRICS`, then of `REFERENCES`."""
    metric, reference = measure
    return list(METRICS).index(base_name(metric)), metric, REFERENCES.index(reference)


class Place(NamedTuple):
    """What there is of one dataset: its measures, in order, and the seeds of each variant."""

    dataset: str
    measures: list[Measure]
    seeds: dict[str, list[int]]


def places(scores: pd.DataFrame, runs: pd.DataFrame) -> Iterator[Place]:
    """Each dataset of `runs`, and its variants, by first appearance; seeds are ascending.

    A dataset without any score has the measures of all others, so that its failures are counted.
    """
    found: dict[str, list[Measure]] = {}
    for dataset, *measure in (
        scores[["dataset", *MEASURE]].drop_duplicates().itertuples(index=False)
    ):
        found.setdefault(dataset, []).append(tuple(measure))
    everything = {measure for measures in found.values() for measure in measures}
    for dataset, in_dataset in runs.groupby("dataset", sort=False):
        by_variant = in_dataset.groupby("variant", sort=False)["seed"]
        seeds = {variant: sorted(of_variant) for variant, of_variant in by_variant}
        yield Place(dataset, sorted(found.get(dataset, everything), key=order), seeds)


def select(table: pd.DataFrame, **values: object) -> pd.DataFrame:
    """The rows of a table in which every named column has the given value, or one of a list."""
    wanted = np.ones(len(table), dtype=bool)
    for column, value in values.items():
        wanted &= table[column].isin(value if isinstance(value, list) else [value]).to_numpy()
    return table[wanted]


def primaries(study: Mapping[str, Any]) -> dict[str, Measure]:
    """The measure that answers for each dataset of a resolved study."""
    return {
        name: (dataset["primary"]["metric"], dataset["primary"]["reference"])
        for name, dataset in study["datasets"].items()
    }


Finals = dict[int, float]
"""Final scores by seed, ascending; seeds without one are absent."""

Values = dict[tuple[str, str, str, str], Finals]
"""Final scores for each (dataset, variant, metric, reference); absent places are empty."""


def final_scores(scores: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """The scores of every completed run's last snapshot; columns as in `scores`, less `repeat`.

    The last snapshot is the one at the run's own end (`step` of `runs`). A snapshot that was
    sampled several times has the mean over its repeats. Values that are not finite are left out, so
    that such a run counts as failed for that metric; one such repeat is enough. Raises ValueError
    where a completed run has no score at its end, or two for one metric and repeat: its scores file
    is broken.
    """
    last = last_repeats(scores, runs)
    keys = [column for column in last.columns if column not in ("repeat", "value")]
    means = last.groupby(keys, sort=False, dropna=False)["value"].mean(skipna=False).reset_index()
    return _sorted(means[np.isfinite(means["value"])][[*keys, "value"]], runs)


def last_repeats(scores: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Every repeat of the last snapshot of every completed run; columns as in `scores`.

    A table without the column `repeat` has one of each score. Raises as `final_scores`.
    """
    if "repeat" not in scores:
        scores = scores.assign(repeat=0)
    completed = runs.loc[runs["status"] == "completed", [*RUN, "step"]]
    ends = pd.MultiIndex.from_frame(completed)
    scored = pd.MultiIndex.from_frame(scores[[*RUN, "step"]])
    for dataset, variant, seed, step in ends[~ends.isin(scored)]:
        raise ValueError(
            f"{dataset}/{variant}/seed{seed}: run.json says completed at step {step}, but its "
            "scores.csv has no score there. Evaluate the run again."
        )
    last = scores[scored.isin(ends)].astype({"value": float})
    if (twice := last.duplicated([*RUN, *MEASURE, "repeat"])).any():
        dataset, variant, seed, metric = last.loc[twice, [*RUN, "metric"]].iloc[0]
        raise ValueError(
            f"{dataset}/{variant}/seed{seed}: scores.csv has two final values of {metric}; "
            "expected one. Evaluate the run again."
        )
    return last


def final_values(scores: pd.DataFrame, runs: pd.DataFrame) -> Values:
    """Every final score by its place; a place without any gives an empty dict."""
    return _by_place(final_scores(scores, runs))


def best_values(scores: pd.DataFrame, runs: pd.DataFrame) -> Values:
    """Each completed run's best score over its snapshots: optimistic, for the same data chose it.

    Metrics without a better direction have none.
    """
    completed = pd.MultiIndex.from_frame(runs.loc[runs["status"] == "completed", RUN])
    kept = scores[pd.MultiIndex.from_frame(scores[RUN]).isin(completed)].astype({"value": float})
    kept = kept[np.isfinite(kept["value"]) & (kept["metric"].map(direction) != 0)]
    keys = ["dataset", "variant", *MEASURE, "seed"]
    means = kept.groupby([*keys, "step"])["value"].mean().reset_index()
    means["value"] *= means["metric"].map(direction)
    best = means.groupby(keys)["value"].max().reset_index()
    best["value"] *= best["metric"].map(direction)
    return _by_place(best)


def _by_place(table: pd.DataFrame) -> Values:
    values: Values = defaultdict(dict)
    columns = ["dataset", "variant", *MEASURE, "seed", "value"]
    for *where, seed, value in table[columns].itertuples(index=False, name=None):
        values[tuple(where)][seed] = float(value)
    return values


def _sorted(final: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """`final` in the order of tables, whatever order its rows came in."""
    pairs = dict.fromkeys(zip(runs["dataset"], runs["variant"], strict=True))
    variants = {pair: index for index, pair in enumerate(pairs)}
    keys = [
        (variants[row.dataset, row.variant], order((row.metric, row.reference)), row.seed)
        for row in final.itertuples()
    ]
    ranked = sorted(range(len(final)), key=keys.__getitem__)
    return final.iloc[ranked].reset_index(drop=True)

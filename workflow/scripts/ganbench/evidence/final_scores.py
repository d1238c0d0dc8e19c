"""Final scores: what each completed run scored at its last snapshot.

A measure is a metric together with its reference. Final scores come as a table, or by seed for each
dataset, variant and measure.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ganbench.catalogue.metrics import METRICS, base_name

RUN = ["dataset", "variant", "seed"]
MEASURE = ["metric", "reference"]
REFERENCES = ("held_out", "train", "none")

Row = Mapping[str, Any]
"""A row of a table by column: a dict or a pandas Series."""

Measure = tuple[str, str]
"""A qualified metric and its reference: ("FD-classifier", "held_out")."""

ScoresBySeed = dict[int, float]
"""Scores of one variant by seed; a seed without a score is absent."""

ScoreIndex = dict[tuple[str, str, str, str], ScoresBySeed]
"""Scores for each (dataset, variant, metric, reference); an absent key gives an empty dict."""


def final_scores(scores: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """The score of every completed run at its last snapshot: the columns of `scores` less `repeat`.

    The last snapshot is the one at the run's own end (`step` of `runs`). The score of a snapshot
    that was sampled several times is the mean over its repeats. A value that is not finite is left
    out, so the run counts as failed for that metric; one such repeat is enough. Raises ValueError
    where a completed run has no score at its end, or two for the same metric and repeat.
    """
    repeats = final_repeats(scores, runs)
    keys = [column for column in repeats.columns if column not in ("repeat", "value")]
    by_key = repeats.groupby(keys, sort=False, dropna=False)["value"]
    means = by_key.mean(skipna=False).reset_index()
    return _in_table_order(means[np.isfinite(means["value"])][[*keys, "value"]], runs)


def final_repeats(scores: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Every repeat of every completed run's last snapshot: the columns of `scores`.

    In a table without the column `repeat` every score is the only one of its snapshot. Raises
    ValueError as `final_scores` does.
    """
    if "repeat" not in scores:
        scores = scores.assign(repeat=0)
    completed = runs.loc[runs["status"] == "completed", [*RUN, "step"]]
    ends = pd.MultiIndex.from_frame(completed)
    snapshots = pd.MultiIndex.from_frame(scores[[*RUN, "step"]])
    for dataset, variant, seed, step in ends[~ends.isin(snapshots)]:
        raise ValueError(
            f"{dataset}/{variant}/seed{seed}: run.json says completed at step {step}, but its "
            "scores.csv has no score there. Evaluate the run again."
        )
    repeats = scores[snapshots.isin(ends)].astype({"value": float})
    duplicates = repeats[repeats.duplicated([*RUN, *MEASURE, "repeat"])]
    for dataset, variant, seed, metric in duplicates[[*RUN, "metric"]].itertuples(index=False):
        raise ValueError(
            f"{dataset}/{variant}/seed{seed}: scores.csv has two final values of {metric}; "
            "expected one. Evaluate the run again."
        )
    return repeats


def index_final_scores(scores: pd.DataFrame, runs: pd.DataFrame) -> ScoreIndex:
    """The final scores by seed, for each dataset, variant and measure."""
    return _by_seed(final_scores(scores, runs))


def index_best_scores(scores: pd.DataFrame, runs: pd.DataFrame) -> ScoreIndex:
    """Each completed run's best score over its snapshots, by seed.

    Optimistic, since the snapshot is chosen by the same score. Metrics without a better direction
    have none.
    """
    completed = pd.MultiIndex.from_frame(runs.loc[runs["status"] == "completed", RUN])
    rows = scores[pd.MultiIndex.from_frame(scores[RUN]).isin(completed)].astype({"value": float})
    rows = rows[np.isfinite(rows["value"]) & (rows["metric"].map(direction) != 0)]
    keys = ["dataset", "variant", *MEASURE, "seed"]
    means = rows.groupby([*keys, "step"])["value"].mean().reset_index()
    means["value"] *= means["metric"].map(direction)
    best = means.groupby(keys)["value"].max().reset_index()
    best["value"] *= best["metric"].map(direction)
    return _by_seed(best)


def _by_seed(table: pd.DataFrame) -> ScoreIndex:
    index: ScoreIndex = defaultdict(dict)
    columns = ["dataset", "variant", *MEASURE, "seed", "value"]
    for *key, seed, value in table[columns].itertuples(index=False, name=None):
        index[tuple(key)][seed] = float(value)
    return index


def _in_table_order(scores: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """The rows by variant in the order of `runs`, then by measure, then by seed."""
    pairs = dict.fromkeys(zip(runs["dataset"], runs["variant"], strict=True))
    positions = {pair: position for position, pair in enumerate(pairs)}
    measures = scores[MEASURE].drop_duplicates().itertuples(index=False, name=None)
    places = {measure: place for place, measure in enumerate(sorted(measures, key=measure_order))}
    columns = scores[[*RUN[:2], *MEASURE, "seed"]].itertuples(index=False, name=None)
    keys = [
        (positions[dataset, variant], places[metric, reference], seed)
        for dataset, variant, metric, reference, seed in columns
    ]
    order = sorted(range(len(scores)), key=keys.__getitem__)
    return scores.iloc[order].reset_index(drop=True)


class DatasetRuns(NamedTuple):
    """The runs of one dataset: its measures in table order, and the seeds of each variant."""

    dataset: str
    measures: list[Measure]
    seeds: dict[str, list[int]]


def runs_by_dataset(scores: pd.DataFrame, runs: pd.DataFrame) -> Iterator[DatasetRuns]:
    """The datasets of `runs` and their variants in order of first appearance; seeds ascend.

    A dataset without any score gets the measures of all others, so that its failures are counted.
    """
    measures: dict[str, list[Measure]] = {}
    columns = scores[["dataset", *MEASURE]].drop_duplicates()
    for dataset, metric, reference in columns.itertuples(index=False):
        measures.setdefault(dataset, []).append((metric, reference))
    all_measures = {measure for of_dataset in measures.values() for measure in of_dataset}
    for dataset, rows in runs.groupby("dataset", sort=False):
        by_variant = rows.groupby("variant", sort=False)["seed"]
        seeds = {variant: sorted(of_variant) for variant, of_variant in by_variant}
        ordered = sorted(measures.get(dataset, all_measures), key=measure_order)
        yield DatasetRuns(dataset, ordered, seeds)


def primary_measures(study: Mapping[str, Any]) -> dict[str, Measure]:
    """The measure by which a resolved study compares variants, for each of its datasets."""
    return {
        name: (dataset["primary"]["metric"], dataset["primary"]["reference"])
        for name, dataset in study["datasets"].items()
    }


def direction(metric: str) -> int:
    """1 where a higher value of a qualified metric is better, −1 where a lower one is, else 0."""
    return {"higher": 1, "lower": -1, "neither": 0}[METRICS[base_name(metric)].better]


def measure_order(measure: Measure) -> tuple[int, str, int]:
    """The sort key of a measure in tables: the order of `METRICS`, then of `REFERENCES`."""
    metric, reference = measure
    return list(METRICS).index(base_name(metric)), metric, REFERENCES.index(reference)


def measure_name(measure: Measure) -> str:
    """A measure as sentences call it, such as "FD-classifier" or "Jensen–Shannon divergence".

    A metric of images is called by its qualified name, which says whose features it is measured in;
    any other by its title. The reference is named where it is the training split.
    """
    metric, reference = measure
    definition = METRICS[base_name(metric)]
    name = _within_sentence(definition.title) if definition.of != "images" else metric
    return f"{name} against training images" if reference == "train" else name


def _within_sentence(title: str) -> str:
    first = title.split(maxsplit=1)[0]
    is_common_word = first[1:].islower()  # neither Jensen–Shannon nor V(D,
    return title[0].lower() + title[1:] if is_common_word else title


def select(table: pd.DataFrame, **values: object) -> pd.DataFrame:
    """The rows in which every named column has the given value, or one of a list of values."""
    matches = np.ones(len(table), dtype=bool)
    for column, value in values.items():
        matches &= table[column].isin(value if isinstance(value, list) else [value]).to_numpy()
    return table[matches]

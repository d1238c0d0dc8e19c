"""Which metrics a study has, which way they are better, and the order in which tables list them."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from ganbench.metrics import DEFINITIONS, base

RUN = ["dataset", "variant", "seed"]
MEASURE = ["metric", "reference"]
REFERENCES = ("held_out", "train", "none")

Measure = tuple[str, str]
"""A qualified metric and its reference: ("FD-classifier", "held_out")."""


def direction(metric: str) -> int:
    """1 where a higher value of a qualified metric is better, −1 where a lower one, 0 neither."""
    return {"higher": 1, "lower": -1, "neither": 0}[DEFINITIONS[base(metric)].better]


def order(measure: Measure) -> tuple[int, str, int]:
    """Where a measure stands in a table: the order of `DEFINITIONS`, then of `REFERENCES`."""
    metric, reference = measure
    return list(DEFINITIONS).index(base(metric)), metric, REFERENCES.index(reference)


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


def primaries(study: Mapping[str, Any]) -> dict[str, Measure]:
    """The measure that answers for each dataset of a resolved study."""
    return {
        name: (dataset["primary"]["metric"], dataset["primary"]["reference"])
        for name, dataset in study["datasets"].items()
    }

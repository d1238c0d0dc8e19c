"""What each metric means, what it is called and how many samples it needs; no score is computed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from ganbench.catalogue.extractors import EXTRACTORS

METRICS_FILE = Path(__file__).with_suffix(".yaml")

INCEPTION = "inception-v3-compat"
"""The extractor whose features give a metric its plain name (FID, IS, KID)."""

NEIGHBOURS = {"precision": 3, "recall": 3, "density": 5, "coverage": 5}
"""k of the metrics that look at the k nearest neighbours, as in their papers."""

INCEPTION_SCORE_SPLITS = 10
"""Parts of the generated images over which the inception score is averaged."""

SAMPLES = 10_000
"""Generated images per snapshot where a study does not say and the dataset has as many."""


@dataclass(frozen=True)
class Metric:
    """One metric: its definition, the direction that is better, and its paper.

    `of` is what it is measured on, `has_reference` whether it compares generated images with a
    split of real ones.
    """

    name: str
    title: str
    of: Literal["images", "points"]
    better: Literal["lower", "higher", "neither"]
    has_reference: bool
    definition: str
    citation: str


METRICS: dict[str, Metric] = {
    name: Metric(name, **facts)
    for name, facts in yaml.safe_load(METRICS_FILE.read_text(encoding="utf-8")).items()
}
"""Every metric by its base name, in the order of tables."""


def qualify(base: str, extractor: str) -> str:
    """The name that a score carries: `FD-classifier`; plain `FID`, `IS` only for Inception-v3."""
    if extractor == INCEPTION:
        return "FID" if base == "FD" else base
    return f"{base}-{extractor}"


def base_name(metric: str) -> str:
    """The name without its extractor: `FD` for both `FD-classifier` and `FID`."""
    return "FD" if metric == "FID" else metric.split("-", 1)[0]


def minimum_samples(extractor: str) -> int:
    """The fewest images for which every metric over this extractor is worth computing.

    Twice the largest number of neighbours, and five images in each split of the inception score.
    """
    neighbours = 2 * max(NEIGHBOURS.values())
    if EXTRACTORS[extractor].classes:
        return max(neighbours, 5 * INCEPTION_SCORE_SPLITS)
    return neighbours


def sample_count(requested: int | None, available: int) -> int:
    """Generated images per snapshot, where the smaller real split has `available` images."""
    return requested or min(available, SAMPLES)


def primary_metric(dataset_type: str, evaluation: Mapping[str, Any]) -> dict[str, str]:
    """Qualified `metric` and `reference` of the score by which a dataset's variants are compared.

    For images it is the one of the study's `evaluation`, for points the Jensen–Shannon divergence.
    """
    if dataset_type == "points":
        return {"metric": "JSD", "reference": "none"}
    name = evaluation["primary_metric"]
    reference = evaluation["primary_reference"] if METRICS[name].has_reference else "none"
    return {"metric": qualify(name, evaluation["extractor"]), "reference": reference}

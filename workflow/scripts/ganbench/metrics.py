"""What metrics are called, and what they need: no score is computed here."""

from collections.abc import Mapping
from typing import Any

from ganbench.metric_definitions import DENSITY_METRICS, FEATURE_METRICS, Metric

INCEPTION = "inception-v3-compat"
"""The extractor whose features give a metric its plain name (FID, IS, KID)."""

NEIGHBOURS = {"precision": 3, "recall": 3, "density": 5, "coverage": 5}
"""k of the metrics that look at k nearest neighbours: what their papers use."""

INCEPTION_SCORE_SPLITS = 10
"""Parts of the generated images that the inception score is averaged over."""

SAMPLES = 10_000
"""Generated images per snapshot where a study says nothing and the dataset has as many."""

DEFINITIONS: dict[str, Metric] = {
    metric.name: metric for metric in (*FEATURE_METRICS, *DENSITY_METRICS)
}
"""Every metric by its base name, in the order of tables."""


def qualified(base_name: str, extractor: str) -> str:
    """The name a score carries: `FD-classifier`; plain `FID`, `IS` only for Inception-v3."""
    if extractor == INCEPTION:
        return "FID" if base_name == "FD" else base_name
    return f"{base_name}-{extractor}"


def base(qualified_name: str) -> str:
    """The base name behind a qualified one: `FD-classifier` and `FID` are both `FD`."""
    if qualified_name == "FID":
        return "FD"
    return qualified_name.split("-", 1)[0]


def has_classes(extractor: str) -> bool:
    """Whether an extractor predicts classes, as the inception score needs."""
    return extractor in ("classifier", INCEPTION)


def minimum_samples(extractor: str) -> int:
    """The fewest images that every metric over this extractor is worth computing for.

    Twice as many as the neighbours that it looks at, and five in each split of the inception score.
    """
    neighbours = 2 * max(NEIGHBOURS.values())
    return max(neighbours, 5 * INCEPTION_SCORE_SPLITS) if has_classes(extractor) else neighbours


def sample_count(asked: int | None, there: int) -> int:
    """Generated images per snapshot, where the smaller split has `there` real ones."""
    return asked or min(there, SAMPLES)


def primary(dataset_type: str, evaluation: Mapping[str, Any]) -> dict[str, str]:
    """Qualified `metric` and `reference` of the score that answers for a dataset.

    For images that of the study's `evaluation`; for points the Jensen–Shannon divergence.
    """
    if dataset_type == "points":
        return {"metric": "JSD", "reference": "none"}
    name = evaluation["primary_metric"]
    reference = evaluation["primary_reference"] if DEFINITIONS[name].has_reference else "none"
    return {"metric": qualified(name, evaluation["extractor"]), "reference": reference}

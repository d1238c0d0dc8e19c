"""The metrics: what each means, what it is called, and how many samples it needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, Literal

import yaml

from ganbench.catalogue.extractors import EXTRACTORS, choose_extractor

METRICS_FILE = Path(__file__).with_suffix(".yaml")

INCEPTION = "inception-v3-compat"
"""The extractor over which metrics have their plain names (FID, IS, KID)."""

_INCEPTION_NAMES = {
    "FD": "FID",
    "FD_infinity": "FID_infinity",
    "FD_infinity_error": "FID_infinity_error",
}
"""The metrics that have a name of their own over Inception-v3."""

_OTHER_NAMES = {"KID": "scaled_KD"}
"""Those that have one over all other extractors, which older tables call `KID-…` as well."""

NEIGHBOURS = {"precision": 3, "recall": 3, "density": 5, "coverage": 5}
"""The k of each metric of k-nearest-neighbour balls, as in its paper."""

STACKED = ("stacked_modes", "stacked_KL")
"""The metrics of stacked images alone, by the classes of their channels."""

INCEPTION_SCORE_SPLITS = 10
"""The number of splits over which the inception score is averaged."""

COPY_PERCENT = 1
"""The percentage of held-out images that are as near to a training image as a copy."""

DEFAULT_SAMPLES = 10_000
"""Generated images per snapshot if the study sets no number and the dataset is large enough."""


@dataclass(frozen=True)
class Metric:
    """One metric with its definition and its paper.

    `of` is what it is measured on, `better` the direction of improvement. With `has_reference`, it
    compares generated images with a split of real ones. `range` is what scores can be, None for no
    bound, and differences are tested on `scale` (`evidence/scales.py`). `floor` says what the score
    of real samples means. `beside` is the metric without which this one misleads, if there is one:
    it is shown wherever this one is. With `uses_features`, a score of images is named after the
    extractor.
    """

    name: str
    title: str
    of: Literal["images", "points", "training"]
    better: Literal["lower", "higher", "neither"]
    has_reference: bool
    range: tuple[float | None, float | None]
    floor: str
    definition: str
    citation: str
    scale: Literal["identity", "log", "angular"] = "identity"
    beside: str = ""
    uses_features: bool = True

    @property
    def lowest(self) -> float:
        """The lower end of its range, −∞ if it has none."""
        return -inf if self.range[0] is None else self.range[0]

    @property
    def highest(self) -> float:
        """The upper end of its range, ∞ if it has none."""
        return inf if self.range[1] is None else self.range[1]


METRICS: dict[str, Metric] = {
    name: Metric(name, **facts)
    for name, facts in yaml.safe_load(METRICS_FILE.read_text(encoding="utf-8")).items()
}
"""Every metric by its base name, in the order of tables."""


BY_FEATURES = tuple(
    name
    for name, metric in METRICS.items()
    if metric.of == "images" and metric.better != "neither" and name not in STACKED
)
"""The metrics of images that follow from their features or logits alone, and have a direction."""

BY_POINTS = ("JSD", "modes", "high_quality")
"""The metrics of points that follow from the points alone, and have a direction."""

STOPPING = ("duality_gap", *BY_POINTS, *BY_FEATURES)
"""The metrics by which a run may stop early: what they need is at hand while it trains."""


def qualify(base: str, extractor: str) -> str:
    """The name of a score: `FD-classifier`, but plain `FID` or `IS` over Inception-v3."""
    if not METRICS[base].uses_features:
        return base
    if extractor == INCEPTION:
        return _INCEPTION_NAMES.get(base, base)
    return f"{_OTHER_NAMES.get(base, base)}-{extractor}"


def companion(metric: str) -> str | None:
    """The qualified metric beside which `metric` is to be read, over the same extractor."""
    base = base_name(metric)
    beside = METRICS[base].beside
    return beside + metric.removeprefix(base) if beside else None


def base_name(metric: str) -> str:
    """The name in the catalogue: `FD` for both `FD-classifier` and `FID`."""
    name = metric.split("-", 1)[0]
    names = {
        given: base for table in (_INCEPTION_NAMES, _OTHER_NAMES) for base, given in table.items()
    }
    return names.get(name, name)


def minimum_samples(extractor: str) -> int:
    """The fewest images for which all metrics over this extractor are meaningful.

    That is twice the largest k of a neighbourhood, and five images per split of the inception
    score.
    """
    minimum = 2 * max(NEIGHBOURS.values())
    if EXTRACTORS[extractor].classes:
        return max(minimum, 5 * INCEPTION_SCORE_SPLITS)
    return minimum


def copy_rank(held_out: int) -> int:
    """The rank of the held-out image whose distance to the training images makes a copy.

    Held-out images are ranked from 1, the nearest, to their number `held_out`. One more real image
    is as near with probability rank / (held_out + 1).
    """
    return -(-held_out * COPY_PERCENT // 100)


def sample_count(requested: int | None, available: int) -> int:
    """Generated images per snapshot, if the smaller split of real images has `available`."""
    return requested or min(available, DEFAULT_SAMPLES)


def primary_metric(
    dataset_type: str, dataset: Mapping[str, Any], evaluation: Mapping[str, Any]
) -> dict[str, str]:
    """The qualified `metric` and the `reference` by which a dataset's variants are compared.

    For images these follow from the study's `evaluation` and the dataset's extractor; for points it
    is the Jensen–Shannon divergence, without a reference.
    """
    if dataset_type == "points":
        return {"metric": "JSD", "reference": "none"}
    name = evaluation["primary_metric"]
    reference = evaluation["primary_reference"] if METRICS[name].has_reference else "none"
    return {"metric": qualify(name, choose_extractor(dataset, evaluation)), "reference": reference}

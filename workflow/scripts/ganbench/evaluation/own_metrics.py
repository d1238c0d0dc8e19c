"""Metrics of plugins: calls their functions and checks what they return."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from ganbench.catalogue import metrics
from ganbench.catalogue.plugin_parts import PluginError
from ganbench.catalogue.plugins import PARTS, list_metrics, load_part, naming_lines


@dataclass(frozen=True)
class Sample:
    """Images as a metric of a plugin gets them.

    `images` are uint8 `(count, channels, height, width)`, and `features` `(count, size)` those of
    the study's extractor.
    """

    images: Tensor
    features: Tensor

    def first(self, count: int) -> "Sample":
        """The first `count` images."""
        return Sample(self.images[:count], self.features[:count])


def score_images(
    generated: Sample, real: Mapping[str, Sample], extractor: str
) -> Iterator[tuple[str, str, float]]:
    """Yields (reference, metric, value) for each plugin's metric of images; `real` by reference."""
    for name in list_metrics("images"):
        qualified = metrics.qualify(name, extractor)
        if metrics.METRICS[name].has_reference:
            for reference, images in real.items():
                yield reference, qualified, _score(name, generated, images)
        else:
            yield "none", qualified, _score(name, generated)


def score_real(
    splits: Mapping[str, Sample], extractor: str, count: int, reference_count: int
) -> Iterator[tuple[str, str, float]]:
    """The same for the first `count` images of each split against the other split."""
    for reference, other in (("train", "held_out"), ("held_out", "train")):
        against = {reference: splits[reference].first(reference_count)}
        for split, metric, value in score_images(splits[other].first(count), against, extractor):
            if split != "none" or other == "held_out":  # without a reference: held-out images only
                yield split, metric, value


def score_points(generated: np.ndarray, real: np.ndarray) -> dict[str, float]:
    """The value of each plugin's metric of points `(count, dimensions)`."""
    return {name: _score(name, generated, real) for name in list_metrics("points")}


def _score(name: str, *samples: Any) -> float:
    part = PARTS["metric", name]
    function = load_part("metric", name)
    with naming_lines(part):
        value = float(function(*samples))
    if not math.isfinite(value):
        raise PluginError(f"{part.place}: the metric {name} is {value}, expected a finite number")
    return value

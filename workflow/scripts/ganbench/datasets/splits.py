"""The three seeded, disjoint splits of a dataset: `train`, `held_out` and `extractor`."""

from collections.abc import Mapping

import numpy as np

from ganbench.datasets.sources import DatasetError, Part, Source
from ganbench.kinds import EXTRACTOR_IMAGES, split_sizes

SPLITS = ("train", "held_out", "extractor")
SPLIT_SEED = 0
"""The splits are the same in every study: they belong to the dataset, not to a run."""


def split(source: Source, extractor_images: int | None) -> dict[str, Part]:
    """Splits a source, each in an order drawn at random.

    The official test part is `held_out`. `train` and `extractor` share the official training part,
    unless there is a part for the extractor. What has no parts is cut in three. Raises DatasetError
    where `extractor_images` leaves nothing to train on.
    """
    parts = source.parts
    counts = {name: len(part.samples) for name, part in parts.items()}
    points = next(iter(parts.values())).samples.ndim == 2
    sizes = split_sizes(counts, extractor_images, at_most=None if points else EXTRACTOR_IMAGES)
    if sizes["train"] < 1:
        left = sizes["train"] + sizes["extractor"]
        raise DatasetError(
            f"extractor_images: found {extractor_images}, expected less than {left:,}, of which "
            "the rest is trained on"
        )
    random = np.random.default_rng(SPLIT_SEED)
    order = {name: random.permutation(count) for name, count in counts.items()}
    if "extractor" in parts:
        official = {"train": "train", "held_out": "test", "extractor": "extractor"}
        return {name: _chosen(parts[part], order[part]) for name, part in official.items()}
    if "all" in parts:
        ends = np.cumsum([sizes["held_out"], sizes["extractor"]])
        held_out, extractor, train = np.split(order["all"], ends)
        indices = {"train": train, "held_out": held_out, "extractor": extractor}
        return {name: _chosen(parts["all"], index) for name, index in indices.items()}
    extractor, train = np.split(order["train"], [sizes["extractor"]])
    return {
        "train": _chosen(parts["train"], train),
        "held_out": _chosen(parts["test"], order["test"]),
        "extractor": _chosen(parts["train"], extractor),
    }


def _chosen(part: Part, index: np.ndarray) -> Part:
    return Part(part.samples[index], part.labels[index])


def described(parts: Mapping[str, Part]) -> dict[str, str]:
    """Where each split comes from, in words."""
    if "all" in parts:
        return dict.fromkeys(SPLITS, "drawn at random from all, without overlap")
    if "extractor" in parts:
        return {
            "train": "the official training images",
            "held_out": "the official test images",
            "extractor": "the official validation images",
        }
    rest = "drawn at random from the official training images, without overlap"
    return {"train": rest, "held_out": "the official test images", "extractor": rest}

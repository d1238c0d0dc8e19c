"""Splits a dataset into `train`, `held_out` and `extractor`, disjoint and by a fixed seed."""

from collections.abc import Mapping

import numpy as np

from ganbench.catalogue.datasets import EXTRACTOR_IMAGES, Cut, plan_splits
from ganbench.datasets.sources import DatasetError, Part, Source

SPLIT_SEED = 0
"""Every study gets the same splits: they belong to the dataset, not to a run."""

OFFICIAL = {"train": "training", "test": "test", "extractor": "validation"}
"""What the literature calls the official parts."""


def plan_cuts(source: Source, extractor_images: int | None) -> dict[str, Cut]:
    """Which samples of the source's parts each split gets; see `plan_splits`.

    Raises DatasetError if `extractor_images` leaves nothing to train on.
    """
    sizes = {name: len(part.samples) for name, part in source.parts.items()}
    is_points = next(iter(source.parts.values())).samples.ndim == 2
    cuts = plan_splits(sizes, extractor_images, largest=None if is_points else EXTRACTOR_IMAGES)
    if cuts["train"].size < 1:
        available = cuts["train"].size + cuts["extractor"].size
        raise DatasetError(
            f"extractor_images: found {extractor_images}, expected less than {available:,}, "
            "so that images to train on are left"
        )
    return cuts


def split_source(source: Source, cuts: Mapping[str, Cut]) -> dict[str, Part]:
    """Shuffles each official part and cuts it into the splits that `plan_cuts` planned."""
    rng = np.random.default_rng(SPLIT_SEED)
    order = {name: rng.permutation(len(part.samples)) for name, part in source.parts.items()}
    splits = {}
    for name, cut in cuts.items():
        part, index = source.parts[cut.part], order[cut.part][cut.start : cut.stop]
        splits[name] = Part(part.samples[index], part.labels[index])
    return splits


def describe_splits(source: Source, cuts: Mapping[str, Cut]) -> dict[str, str]:
    """Says in words where each split comes from."""
    return {
        name: _describe_cut(cut, len(source.parts[cut.part].samples)) for name, cut in cuts.items()
    }


def _describe_cut(cut: Cut, part_size: int) -> str:
    if cut.part == "all":
        return "drawn at random from all, without overlap"
    if cut.size == part_size:
        return f"the official {OFFICIAL[cut.part]} images"
    return f"drawn at random from the official {OFFICIAL[cut.part]} images, without overlap"

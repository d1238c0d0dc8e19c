"""Splits a dataset into `train`, `held_out` and `extractor`, disjoint and by a fixed seed."""

from collections.abc import Mapping

import numpy as np

from ganbench.catalogue.datasets import EXTRACTOR_IMAGES, Cut, plan_splits
from ganbench.datasets.duplicates import fill_splits
from ganbench.datasets.file_names import count_files
from ganbench.datasets.sources import DatasetError, Part, Source

SPLIT_SEED = 0
"""Every study gets the same splits: they belong to the dataset, not to a run."""

FILLED_SHARE = 0.9
"""The least share of a split's planned size; less means that most images are copies of few."""

OFFICIAL = {"train": "training", "test": "test", "extractor": "validation"}
"""What the literature calls the official parts."""


def plan_cuts(source: Source, extractor_images: int | None) -> dict[str, Cut]:
    """Which samples of the source's parts each split gets; see `plan_splits`.

    Raises DatasetError if `extractor_images` leaves nothing to train on, or is given although the
    source has images for the extractor.
    """
    if "extractor" in source.parts and extractor_images is not None:
        raise DatasetError(
            f"extractor_images: found {extractor_images}, but the validation images are for the "
            "extractor; remove the key"
        )
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
    for name, index in _cut(order, source.contents, cuts).items():
        part = source.parts[cuts[name].part]
        splits[name] = Part(part.samples[index], part.labels[index])
    return splits


def _cut(
    order: Mapping[str, np.ndarray], contents: Mapping[str, np.ndarray], cuts: Mapping[str, Cut]
) -> dict[str, np.ndarray]:
    """The indices of each split's samples in their part; copies are kept together.

    Raises DatasetError if so many images are copies of few that a split cannot be filled.
    """
    indices = {name: order[cut.part][cut.start : cut.stop] for name, cut in cuts.items()}
    for part, numbers in contents.items():
        if len(np.unique(numbers)) < len(numbers):
            of_part = {name: cut for name, cut in cuts.items() if cut.part == part}
            in_order = sorted(of_part, key=lambda name: of_part[name].start)
            sizes = {name: of_part[name].size for name in in_order}
            indices |= fill_splits(order[part], numbers, sizes)
    for name, index in indices.items():
        if len(index) < FILLED_SHARE * cuts[name].size:
            raise DatasetError(
                f"source: only {len(index):,} of the {cuts[name].size:,} images planned for "
                f"{name} are left, because copies of an image must stay in one split and many "
                "images are copies of few; remove the copies"
            )
    return indices


def describe_missing_classes(parts: Mapping[str, Part], class_names: list[str]) -> list[str]:
    """A sentence for each split that has no sample of some class; none without classes."""
    sentences: list[str] = []
    if not class_names:
        return sentences
    for split, part in parts.items():
        counts = np.bincount(part.labels, minlength=len(class_names))
        missing = [name for name, count in zip(class_names, counts, strict=True) if not count]
        if missing and len(part.labels):
            listed = count_files(missing, "class", "classes")
            sentences.append(f"The split {split} has no image of {listed}.")
    return sentences


def describe_splits(source: Source, cuts: Mapping[str, Cut]) -> dict[str, str]:
    """Says in words where each split comes from."""
    return {
        name: source.part_texts.get(cut.part)
        or _describe_cut(cut, len(source.parts[cut.part].samples))
        for name, cut in cuts.items()
    }


def _describe_cut(cut: Cut, part_size: int) -> str:
    if cut.part == "all":
        return "drawn at random from all, without overlap"
    if cut.size == part_size:
        return f"the official {OFFICIAL[cut.part]} images"
    return f"drawn at random from the official {OFFICIAL[cut.part]} images, without overlap"

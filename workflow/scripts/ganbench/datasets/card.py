"""What there is to know of a prepared dataset: the content of its `card.json`."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ganbench.catalogue.datasets import Cut, Kind
from ganbench.datasets import splits
from ganbench.datasets.sources import Part, Source

BLOCK = 1 << 24
"""Pixels that are counted at once: for as many, counting takes eight times their bytes."""


def make_card(
    name: str, kind: Kind, source: Source, cuts: Mapping[str, Cut], parts: Mapping[str, Part]
) -> dict[str, Any]:
    """The card of the dataset that a study calls `name`; `parts` are its splits.

    Moments of pixels are those of `train`.
    """
    classes = source.class_names
    return {
        "name": name,
        "kind": kind.name,
        "title": kind.title or name,
        "source": source.origin,
        "sha256": _sha256(source),
        "licence": kind.licence or "not stated",
        "citation": kind.citation,
        **_shape(parts["train"].samples),
        "sizes": {split: len(part.samples) for split, part in parts.items()},
        "splits": splits.describe(source, cuts),
        "class_names": classes,
        "class_counts": {
            split: np.bincount(part.labels, minlength=max(len(classes), 1)).tolist()
            for split, part in parts.items()
        },
        "split_seed": splits.SPLIT_SEED,
        "decisions": source.decisions,
    }


def _sha256(source: Source) -> str:
    """Over the samples and labels of every part, as they were before they were split."""
    digest = hashlib.sha256()
    for part in source.parts.values():
        digest.update(np.ascontiguousarray(part.samples))
        digest.update(part.labels)
    return digest.hexdigest()


def _shape(train: np.ndarray) -> dict[str, Any]:
    if train.ndim == 2:
        return {"dimensions": train.shape[1]}
    mean, std = _moments(train)
    return {
        "channels": train.shape[1],
        "resolution": train.shape[2],
        "pixel_mean": mean,
        "pixel_std": std,
    }


def _moments(images: np.ndarray) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel's pixels, 0 to 255, from their histograms."""
    means, deviations = [], []
    values = np.arange(256)
    blocks = np.array_split(images, max(1, images.size // BLOCK))
    for channel in range(images.shape[1]):
        counts = sum(np.bincount(block[:, channel].ravel(), minlength=256) for block in blocks)
        mean = np.average(values, weights=counts)
        variance = np.average((values - mean) ** 2, weights=counts)
        means.append(round(float(mean), 6))
        deviations.append(round(float(np.sqrt(variance)), 6))
    return means, deviations

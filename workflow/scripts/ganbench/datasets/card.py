"""The description of a prepared dataset, which `card.json` holds."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from ganbench.catalogue.datasets import Cut, Kind
from ganbench.datasets import splits
from ganbench.datasets.sources import Part, Source

BLOCK = 1 << 24
"""Pixels counted at once: a channel of them is copied."""


def make_card(
    name: str, kind: Kind, source: Source, cuts: Mapping[str, Cut], parts: Mapping[str, Part]
) -> dict[str, Any]:
    """Describes the dataset that a study calls `name`; `parts` are its splits.

    The moments of the pixels are those of `train`.
    """
    classes = source.class_names
    return {
        "name": name,
        "kind": kind.name,
        "title": kind.title or name,
        "source": source.origin,
        "sha256": _hash_samples(source),
        "licence": kind.licence or "not stated",
        "citation": kind.citation,
        **_describe_shape(parts["train"].samples),
        "sizes": {split: len(part.samples) for split, part in parts.items()},
        "splits": splits.describe_splits(source, cuts),
        "class_names": classes,
        "class_counts": {
            split: np.bincount(part.labels, minlength=max(len(classes), 1)).tolist()
            for split, part in parts.items()
        },
        "split_seed": splits.SPLIT_SEED,
        "decisions": source.decisions + splits.describe_missing_classes(parts, classes),
    }


def _hash_samples(source: Source) -> str:
    """SHA-256 of the samples and labels of every part, before they are split."""
    digest = hashlib.sha256()
    for part in source.parts.values():
        digest.update(np.ascontiguousarray(part.samples))
        digest.update(part.labels)
    return digest.hexdigest()


def _describe_shape(train: np.ndarray) -> dict[str, Any]:
    if train.ndim == 2:
        return {"dimensions": train.shape[1]}
    mean, std = _pixel_moments(train)
    return {
        "channels": train.shape[1],
        "resolution": train.shape[2],
        "pixel_mean": mean,
        "pixel_std": std,
    }


def _pixel_moments(images: np.ndarray) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel's pixels, 0 to 255, from their histograms."""
    means, deviations = [], []
    values = np.arange(256)
    blocks = np.array_split(images, max(1, images.size // BLOCK))
    for channel in range(images.shape[1]):
        counts = sum(_count_pixels(block[:, channel]) for block in blocks)
        mean = np.average(values, weights=counts)
        variance = np.average((values - mean) ** 2, weights=counts)
        means.append(round(float(mean), 6))
        deviations.append(round(float(np.sqrt(variance)), 6))
    return means, deviations


def _count_pixels(pixels: np.ndarray) -> np.ndarray:
    """How many of the uint8 pixels have each value, `(256,)`; Pillow counts fastest."""
    return np.array(Image.fromarray(pixels.reshape(len(pixels), -1)).histogram())

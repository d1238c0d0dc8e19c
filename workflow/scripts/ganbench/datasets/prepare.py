"""Splits a source into `train`, `held_out` and `extractor`, and writes the data and its card."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import torch
from PIL import Image

from ganbench import files
from ganbench.datasets.celeba import celeba
from ganbench.datasets.image_folder import image_folder
from ganbench.datasets.published import cifar10, mnist_like
from ganbench.datasets.sources import DatasetError, Part, Source, digits, points
from ganbench.kinds import EXTRACTOR_IMAGES, Kind, kinds, split_sizes
from ganbench.samples import picture_row, to_float

SPLITS = ("train", "held_out", "extractor")
SPLIT_SEED = 0
"""The splits are the same in every study: they belong to the dataset, not to a run."""
EXAMPLES = (2, 16)
"""Rows and columns of `examples.png`."""


@dataclass(frozen=True)
class Outputs:
    """Where a dataset is written."""

    data: Path
    card: Path
    examples: Path


def prepare(
    *,
    name: str,
    dataset: Mapping[str, Any],
    needs_classes: bool,
    outputs: Outputs,
    log: TextIO,
) -> None:
    """Writes the three disjoint splits of one dataset, what there is to know of it, and a picture.

    `dataset` is the resolved one of the study. Raises DatasetError where it cannot be used, also
    where the study's extractor `needs_classes` and there are fewer than two.
    """
    kind = kinds()[dataset["kind"]]
    source = _read(kind, dataset, log)
    if needs_classes and len(source.class_names) < 2:
        raise DatasetError(
            f"{name} has no classes, and the classifier is trained on them. Put its images into "
            "one sub-folder for each class, or choose `evaluation: {extractor: vgg16}` or a dinov2"
        )
    splits = split(source, dataset["extractor_images"])
    if not len(splits["train"].samples):
        raise DatasetError(
            f"{name}.extractor_images: {dataset['extractor_images']} leaves no image to train on"
        )
    files.write_arrays(
        outputs.data,
        **{each: part.samples for each, part in splits.items()},
        **{f"{each}_labels": part.labels for each, part in splits.items()},
    )
    with files.whole(outputs.examples) as temporary:
        Image.fromarray(examples(splits["train"])).save(temporary, format="PNG")
    files.write_json(outputs.card, _card(name, kind, source, splits))


def _read(kind: Kind, dataset: Mapping[str, Any], log: TextIO) -> Source:
    match kind.name:
        case "digits":
            return digits()
        case "mnist" | "fashion_mnist":
            return mnist_like(kind, dataset["source"], log)
        case "cifar10":
            return cifar10(kind, dataset["source"], log)
        case "celeba":
            return celeba(kind, dataset["source"], log)
        case "image_folder":
            return image_folder(dataset["source"], dataset["channels"], dataset["resolution"], log)
    return points(kind.name)


def split(source: Source, extractor_images: int | None) -> dict[str, Part]:
    """Three seeded, disjoint splits.

    The official test part is `held_out`. `train` and `extractor` share the official training part,
    unless there is a part for the extractor. What has no parts is cut in three.
    """
    parts = source.parts
    counts = {name: len(part.samples) for name, part in parts.items()}
    points = next(iter(parts.values())).samples.ndim == 2
    sizes = split_sizes(counts, extractor_images, at_most=None if points else EXTRACTOR_IMAGES)
    random = np.random.default_rng(SPLIT_SEED)
    if "all" in parts:
        order = random.permutation(len(parts["all"].samples))
        held_out, extractor, train = np.split(
            order, [sizes["held_out"], sizes["held_out"] + sizes["extractor"]]
        )
        indices = {"train": train, "held_out": held_out, "extractor": extractor}
        return {name: _chosen(parts["all"], index) for name, index in indices.items()}
    order = {name: random.permutation(len(part.samples)) for name, part in parts.items()}
    held_out = _chosen(parts["test"], order["test"])
    if "extractor" in parts:
        extractor = _chosen(parts["extractor"], order["extractor"])
        return {
            "train": _chosen(parts["train"], order["train"]),
            "held_out": held_out,
            "extractor": extractor,
        }
    extractor, train = np.split(order["train"], [sizes["extractor"]])
    return {
        "train": _chosen(parts["train"], train),
        "held_out": held_out,
        "extractor": _chosen(parts["train"], extractor),
    }


def _chosen(part: Part, index: np.ndarray) -> Part:
    return Part(part.samples[index], part.labels[index])


def examples(train: Part) -> np.ndarray:
    """A picture of training samples, uint8: images in two rows, ordered by class; or all points."""
    rows, columns = EXAMPLES
    if train.samples.ndim == 2:
        return picture_row(torch.from_numpy(train.samples))
    first = np.argsort(train.labels, kind="stable")
    chosen = first[np.linspace(0, len(first) - 1, rows * columns).astype(int)]
    images = to_float(torch.from_numpy(train.samples[chosen]))
    return np.concatenate([picture_row(row) for row in images.split(columns)])


def _card(name: str, kind: Kind, source: Source, splits: Mapping[str, Part]) -> dict[str, Any]:
    classes = source.class_names
    return {
        "name": name,
        "kind": kind.name,
        "title": kind.title or name,
        "source": source.origin,
        "sha256": _sha256(source),
        "licence": kind.licence or "not stated",
        "citation": kind.citation,
        **_shape(splits["train"].samples),
        "sizes": {each: len(part.samples) for each, part in splits.items()},
        "splits": _words(source),
        "class_names": classes,
        "class_counts": {
            each: np.bincount(part.labels, minlength=max(len(classes), 1)).tolist()
            for each, part in splits.items()
        },
        "split_seed": SPLIT_SEED,
        "decisions": source.decisions,
    }


def _sha256(source: Source) -> str:
    """Over the samples and labels of every part, as they were before they were split."""
    digest = hashlib.sha256()
    for part in source.parts.values():
        digest.update(np.ascontiguousarray(part.samples))
        digest.update(part.labels)
    return digest.hexdigest()


def _words(source: Source) -> dict[str, str]:
    if "all" in source.parts:
        return dict.fromkeys(SPLITS, "drawn at random from all, without overlap")
    if "extractor" in source.parts:
        return {
            "train": "the official training images",
            "held_out": "the official test images",
            "extractor": "the official validation images",
        }
    rest = "drawn at random from the official training images, without overlap"
    return {"train": rest, "held_out": "the official test images", "extractor": rest}


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
    for channel in range(images.shape[1]):
        counts = sum(
            np.bincount(block[:, channel].ravel(), minlength=256)
            for block in np.array_split(images, max(1, len(images) // 10_000))
        )
        mean = np.average(np.arange(256), weights=counts)
        variance = np.average((np.arange(256) - mean) ** 2, weights=counts)
        means.append(round(float(mean), 6))
        deviations.append(round(float(np.sqrt(variance)), 6))
    return means, deviations

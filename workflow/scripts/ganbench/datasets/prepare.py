"""Prepares a dataset: finds it, splits it, and writes the data, its card and a picture of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from PIL import Image

from ganbench.catalogue.datasets import KINDS, Kind, sample_shape
from ganbench.datasets import splits
from ganbench.datasets.card import make_card
from ganbench.datasets.celeba import celeba
from ganbench.datasets.image_folder import image_folder
from ganbench.datasets.mnist_cifar10 import cifar10, mnist_like
from ganbench.datasets.sources import DatasetError, Part, Source, digits, points
from ganbench.jobs import files

EXAMPLES = (2, 16)
"""Rows and columns of `examples.png`."""


@dataclass(frozen=True)
class DatasetFiles:
    """Where a dataset is written."""

    data: Path
    card: Path
    examples: Path


def prepare(
    *,
    name: str,
    dataset: Mapping[str, Any],
    needs_classes: bool,
    outputs: DatasetFiles,
    log: TextIO,
) -> None:
    """Writes the three disjoint splits of one dataset, what there is to know of it, and a picture.

    `dataset` is the resolved one of the study. Raises DatasetError where it cannot be used, also
    where images `needs_classes`, because the study's extractor is trained on them, and have none.
    """
    kind = KINDS[dataset["kind"]]
    try:
        source = _source(kind, dataset, needs_classes, log)
        cuts = splits.plan(source, dataset["extractor_images"])
    except DatasetError as error:
        raise DatasetError(f"dataset {name}: {error}") from None
    parts = splits.split(source, cuts)
    card = make_card(name, kind, source, cuts, parts)
    del source  # as large as its splits, which are copies
    samples = {split: part.samples for split, part in parts.items()}
    labels = {f"{split}_labels": part.labels for split, part in parts.items()}
    files.write_arrays(outputs.data, **samples, **labels)
    with files.whole(outputs.examples) as temporary:
        Image.fromarray(_examples(parts["train"])).save(temporary, format="PNG")
    files.write_json(outputs.card, card)


def _source(kind: Kind, dataset: Mapping[str, Any], needs_classes: bool, log: TextIO) -> Source:
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
            channels, resolution, _ = sample_shape(dataset)
            return image_folder(
                dataset["source"], channels, resolution, log, needs_classes=needs_classes
            )
    return points(kind.name)


def _examples(train: Part) -> np.ndarray:
    """A picture of training samples, uint8: images in two rows, ordered by class; or all points."""
    import torch  # noqa: PLC0415 (slow: what fails does so before)

    from ganbench.samples import picture_row, to_float  # noqa: PLC0415 (imports torch)

    rows, columns = EXAMPLES
    if train.samples.ndim == 2:
        return picture_row(torch.from_numpy(train.samples))
    by_class = np.argsort(train.labels, kind="stable")
    chosen = by_class[np.linspace(0, len(by_class) - 1, rows * columns).astype(int)]
    images = to_float(torch.from_numpy(train.samples[chosen]))
    return np.concatenate([picture_row(row) for row in images.split(columns)])

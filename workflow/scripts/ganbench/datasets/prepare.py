"""Prepares a dataset: reads it, splits it, and writes the data, its card and example images."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from PIL import Image

from ganbench.catalogue.datasets import KINDS, Kind, find_sample_shape
from ganbench.datasets.card import make_card
from ganbench.datasets.celeba import read_celeba
from ganbench.datasets.image_folder import read_image_folder
from ganbench.datasets.mnist_cifar10 import read_cifar10, read_mnist
from ganbench.datasets.sources import DatasetError, Part, Source, draw_points, read_digits
from ganbench.datasets.splits import plan_cuts, split_source
from ganbench.datasets.stacked import stack_source
from ganbench.jobs import files
from ganbench.jobs.pictures import draw_histogram, draw_image_row

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
    """Writes the three disjoint splits of one dataset, its card and a picture of examples.

    `dataset` is resolved, from the study. `needs_classes` says that the study's extractor is
    trained to classify the images. Raises DatasetError if the dataset cannot be used or lacks the
    classes that it needs.
    """
    kind = KINDS[dataset["kind"]]
    try:
        source = _read(kind, dataset, needs_classes, log)
        cuts = plan_cuts(source, dataset["extractor_images"])
        parts = split_source(source, cuts)
    except DatasetError as error:
        raise DatasetError(f"dataset {name}: {error}") from None
    card = make_card(name, kind, source, cuts, parts)
    print(*card["decisions"], sep="\n", file=log)
    del source  # frees as much memory as the splits take, which are copies
    samples = {split: part.samples for split, part in parts.items()}
    labels = {f"{split}_labels": part.labels for split, part in parts.items()}
    files.write_arrays(outputs.data, **samples, **labels)
    with files.whole(outputs.examples) as temporary:
        Image.fromarray(_draw_examples(parts["train"])).save(temporary, format="PNG")
    files.write_json(outputs.card, card)


def _read(kind: Kind, dataset: Mapping[str, Any], needs_classes: bool, log: TextIO) -> Source:
    if kind.base:
        return stack_source(kind, _read(KINDS[kind.base], dataset, needs_classes, log))
    match kind.name:
        case "digits":
            return read_digits()
        case "mnist" | "fashion_mnist":
            return read_mnist(kind, dataset["source"], log)
        case "cifar10":
            return read_cifar10(kind, dataset["source"], log)
        case "celeba":
            return read_celeba(kind, dataset["source"], log)
        case "image_folder":
            channels, resolution, _ = find_sample_shape(dataset)
            return read_image_folder(
                dataset["source"],
                channels,
                resolution,
                log,
                layout=dataset["layout"],
                labels=dataset["labels"],
                unread_share=dataset["unread_share"],
                needs_classes=needs_classes,
            )
    return draw_points(kind.name)


def _draw_examples(train: Part) -> np.ndarray:
    """A uint8 picture of training samples: rows of images ordered by class, or all points."""
    rows, columns = EXAMPLES
    if train.samples.ndim == 2:
        return draw_histogram(train.samples.astype(np.float64))
    by_class = np.argsort(train.labels, kind="stable")
    examples = by_class[np.linspace(0, len(by_class) - 1, rows * columns).astype(int)]
    return np.concatenate([draw_image_row(row) for row in np.split(train.samples[examples], rows)])

"""Prepares a dataset: finds it, splits it, and writes the data, its card and a picture of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from PIL import Image

from ganbench import files
from ganbench.datasets.card import card
from ganbench.datasets.celeba import celeba
from ganbench.datasets.image_folder import image_folder
from ganbench.datasets.published import cifar10, mnist_like
from ganbench.datasets.sources import DatasetError, Part, Source, digits, points
from ganbench.datasets.splits import split
from ganbench.kinds import Kind, kinds, shape

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
    where images `needs_classes`, because the study's extractor is trained on them, and have none.
    """
    kind = kinds()[dataset["kind"]]
    try:
        source = _source(kind, dataset, needs_classes, log)
        splits = split(source, dataset["extractor_images"])
    except DatasetError as error:
        raise DatasetError(f"dataset {name}: {error}") from None
    facts = card(name, kind, source, splits)
    del source  # as large as the splits, which are a copy
    files.write_arrays(
        outputs.data,
        **{each: part.samples for each, part in splits.items()},
        **{f"{each}_labels": part.labels for each, part in splits.items()},
    )
    with files.whole(outputs.examples) as temporary:
        Image.fromarray(_examples(splits["train"])).save(temporary, format="PNG")
    files.write_json(outputs.card, facts)


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
            channels, resolution, _ = shape(dataset)
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

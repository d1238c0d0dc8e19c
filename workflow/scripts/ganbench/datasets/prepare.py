"""Splits a source into `train`, `held_out` and `extractor`, and writes the data and its card."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ganbench import files, provenance
from ganbench.datasets.sources import Source, digits, points
from ganbench.densities import DENSITIES

KINDS: dict[str, Callable[[], Source]] = {
    "digits": digits,
    **{kind: partial(points, kind) for kind in DENSITIES},
}
"""Kinds of dataset by the name a study gives."""

SPLITS = ("train", "held_out", "extractor")
SPLIT_SEED = 0
"""The splits are the same in every study: they belong to the dataset, not to a run."""


def prepare(name: str, kind: str, data_file: Path, card_file: Path) -> None:
    """Writes the three disjoint splits of one dataset, and what there is to know of it."""
    source = KINDS[kind]()
    splits = _split(len(source.samples))
    arrays = {split: source.samples[index] for split, index in splits.items()}
    labels = {f"{split}_labels": source.labels[index] for split, index in splits.items()}
    files.write_arrays(data_file, **arrays, **labels)
    files.write_json(card_file, _card(name, kind, source, arrays, labels))


def _split(count: int) -> dict[str, np.ndarray]:
    """Three seeded, disjoint thirds of the indices; what does not divide goes to `train`."""
    third = count // 3
    order = np.random.default_rng(SPLIT_SEED).permutation(count)
    held_out, extractor, train = np.split(order, [third, 2 * third])
    return {"train": train, "held_out": held_out, "extractor": extractor}


def _card(
    name: str,
    kind: str,
    source: Source,
    arrays: dict[str, np.ndarray],
    labels: dict[str, np.ndarray],
) -> dict[str, Any]:
    classes = int(source.labels.max()) + 1
    return {
        "name": name,
        "kind": kind,
        "title": source.title,
        "source": source.origin,
        "sha256": provenance.sha256(source.samples.tobytes() + source.labels.tobytes()),
        "licence": source.licence,
        "citation": source.citation,
        **_shape(source.samples, arrays["train"].astype(np.float64)),
        "sizes": {split: len(arrays[split]) for split in SPLITS},
        "class_counts": {
            split: np.bincount(labels[f"{split}_labels"], minlength=classes).tolist()
            for split in SPLITS
        },
        "split_seed": SPLIT_SEED,
    }


def _shape(samples: np.ndarray, train: np.ndarray) -> dict[str, Any]:
    if samples.ndim == 2:
        return {"dimensions": samples.shape[1]}
    return {
        "channels": samples.shape[1],
        "resolution": samples.shape[2],
        "pixel_mean": round(float(train.mean()), 6),
        "pixel_std": round(float(train.std()), 6),
    }

"""Datasets for tests: prepared in a folder, and files like the published ones with few images."""

import gzip
import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ganbench.catalogue import datasets
from ganbench.datasets.prepare import DatasetFiles, prepare
from PIL import Image

SPLITS = ("train", "held_out", "extractor")
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
KEYS = {"source": "", "resolution": None, "channels": None, "extractor_images": None}
KEYS |= {"layout": "auto", "labels": "folders", "unread_share": 0.01}


def prepare_in(
    folder: Path, kind: str, *, needs_classes: bool = False, **keys: Any
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Prepares a dataset in a folder and returns (data, card)."""
    outputs = DatasetFiles(folder / "data.npz", folder / "card.json", folder / "examples.png")
    dataset = {**KEYS, "kind": kind, **keys}
    prepare(
        name=kind, dataset=dataset, needs_classes=needs_classes, outputs=outputs, log=sys.stdout
    )
    return read_prepared(folder)


def read_prepared(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The (data, card) of a dataset that was prepared in a folder."""
    with np.load(folder / "data.npz") as data:
        return dict(data), json.loads((folder / "card.json").read_text())


def make_kind(name: str, contents: Mapping[str, bytes], **facts: Any) -> datasets.Kind:
    """A kind of dataset whose published files are these."""
    digests = {file: hashlib.sha256(content).hexdigest() for file, content in contents.items()}
    return replace(datasets.KINDS[name], files=digests, **facts)


def make_idx(array: np.ndarray) -> bytes:
    """An array of bytes in MNIST's format."""
    header = np.array([0x0800 + array.ndim, *array.shape], ">u4").tobytes()
    return header + array.astype(np.uint8).tobytes()


def write_files(folder: Path, contents: Mapping[str, bytes], *, compressed: bool = False) -> Path:
    """Writes files into a new folder."""
    folder.mkdir(parents=True)
    for name, content in contents.items():
        if compressed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    return folder


def make_image(seed: int, size: tuple[int, int] = (20, 16), mode: str = "RGB") -> Image.Image:
    """An image of noise with this (width, height)."""
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    return Image.fromarray(noise).convert(mode)

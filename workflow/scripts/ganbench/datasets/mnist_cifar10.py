"""Readers of the published formats: MNIST's idx files and the binary batches of CIFAR-10.

Not torchvision's: they read files of a folder that must be unpacked to, know the archives by MD5,
which Debian's recompressed ones differ in, and unpickle CIFAR-10.
"""

import math
from typing import TextIO

import numpy as np

from ganbench.catalogue.datasets import Kind
from ganbench.datasets.locate import Found, find
from ganbench.datasets.sources import DatasetError, Part, Source

IDX_OF_BYTES = 0x0800
"""An idx file begins with this number and its dimensions: 0x08 says unsigned bytes."""
CIFAR_RECORD = 1 + 3 * 32 * 32
"""Bytes of one image of CIFAR-10: its class, then its three planes of colour."""


def mnist_like(kind: Kind, source: str, log: TextIO) -> Source:
    """MNIST or Fashion-MNIST, from four idx files."""
    found = find(kind, source, log)
    parts = {
        part: Part(
            idx(found, f"{prefix}-images-idx3-ubyte", (kind.parts[part], 28, 28))[:, None],
            idx(found, f"{prefix}-labels-idx1-ubyte", (kind.parts[part],)).astype(np.int64),
        )
        for part, prefix in (("train", "train"), ("test", "t10k"))
    }
    return Source(parts, found.origin, kind.class_names)


def idx(found: Found, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The bytes of an idx file as an array of `shape`, which its header must say too."""
    content = found.contents[name]
    header = np.array([IDX_OF_BYTES + len(shape), *shape], ">u4").tobytes()
    if not content.startswith(header) or len(content) != len(header) + math.prod(shape):
        raise DatasetError(
            f"{name}: not an idx file of bytes in the shape {shape}: it has {len(content):,} bytes "
            f"and begins with {content[: len(header)].hex(' ', 4)}"
        )
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)


def cifar10(kind: Kind, source: str, log: TextIO) -> Source:
    """CIFAR-10, from the binary version, which holds no pickle."""
    found = find(kind, source, log)
    *batches, test = sorted(found.contents)
    parts = {
        "train": cifar_batches([found.contents[name] for name in batches]),
        "test": cifar_batches([found.contents[test]]),
    }
    for name, part in parts.items():
        if len(part.samples) != kind.parts[name]:
            raise DatasetError(f"CIFAR-10: {len(part.samples)} {name} images in its batches")
    return Source(parts, found.origin, kind.class_names)


def cifar_batches(contents: list[bytes]) -> Part:
    """The images and classes of binary batches."""
    records = np.frombuffer(b"".join(contents), np.uint8).reshape(-1, CIFAR_RECORD)
    return Part(records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].astype(np.int64))

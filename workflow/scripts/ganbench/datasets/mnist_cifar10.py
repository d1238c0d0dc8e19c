"""Readers of two published formats: MNIST's idx files and the binary batches of CIFAR-10.

Torchvision's readers do not serve here: they need a folder to unpack to, identify archives by MD5,
which Debian's recompressed files do not match, and unpickle CIFAR-10.
"""

import math
from typing import TextIO

import numpy as np

from ganbench.catalogue.datasets import Kind
from ganbench.datasets.locate import LocatedFiles, find_files
from ganbench.datasets.sources import DatasetError, Part, Source

IDX_OF_BYTES = 0x0800
"""Plus the number of dimensions, the first four bytes of an idx file of unsigned bytes."""
CIFAR_RECORD = 1 + 3 * 32 * 32
"""Bytes of one image of CIFAR-10: its class, then its red, green and blue planes."""


def read_mnist(kind: Kind, source: str, log: TextIO) -> Source:
    """MNIST or Fashion-MNIST, from four idx files."""
    files = find_files(kind, source, log)
    parts = {}
    for part, prefix in (("train", "train"), ("test", "t10k")):
        size = kind.parts[part]
        images = parse_idx(files, f"{prefix}-images-idx3-ubyte", (size, 28, 28))
        labels = parse_idx(files, f"{prefix}-labels-idx1-ubyte", (size,))
        parts[part] = Part(images[:, None], labels.astype(np.int64))
    return Source(parts, files.origin, kind.class_names)


def parse_idx(files: LocatedFiles, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The bytes of an idx file as an array of `shape`.

    Raises DatasetError if its header or its length say another shape.
    """
    content = files.contents[name]
    header = np.array([IDX_OF_BYTES + len(shape), *shape], ">u4").tobytes()
    if not content.startswith(header) or len(content) != len(header) + math.prod(shape):
        raise DatasetError(
            f"{name}: found {len(content):,} bytes that begin with "
            f"{content[: len(header)].hex(' ', 4)}, expected an idx file of unsigned bytes in the "
            f"shape {shape}; replace it with the published file"
        )
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)


def read_cifar10(kind: Kind, source: str, log: TextIO) -> Source:
    """CIFAR-10, from its binary version, which holds no pickle."""
    files = find_files(kind, source, log)
    *batches, test = sorted(files.contents)
    parts = {
        "train": parse_cifar10([files.contents[name] for name in batches]),
        "test": parse_cifar10([files.contents[test]]),
    }
    for name, part in parts.items():
        if len(part.samples) != kind.parts[name]:
            raise DatasetError(
                f"CIFAR-10: found {len(part.samples):,} {name} images in its batches, expected "
                f"{kind.parts[name]:,}; replace them with the published files"
            )
    return Source(parts, files.origin, kind.class_names)


def parse_cifar10(batches: list[bytes]) -> Part:
    """The images and classes of binary batches."""
    records = np.frombuffer(b"".join(batches), np.uint8).reshape(-1, CIFAR_RECORD)
    return Part(records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].astype(np.int64))

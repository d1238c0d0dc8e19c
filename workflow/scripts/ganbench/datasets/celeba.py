"""CelebA, from files that the user has obtained from its authors."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TextIO

import numpy as np

from ganbench.catalogue.datasets import Kind
from ganbench.datasets.image_files import Opener, read_images
from ganbench.datasets.sources import DatasetError, Part, Source
from ganbench.downloads.cache import find_cache_folder
from ganbench.jobs.progress import Progress
from ganbench.jobs.provenance import sha256_file

PARTITION, ATTRIBUTES = "list_eval_partition.txt", "list_attr_celeba.txt"
IMAGES, ARCHIVE = "img_align_celeba", "img_align_celeba.zip"
PARTS = ("train", "extractor", "test")
"""Parts numbered 0, 1 and 2 in the partition list: the validation part trains the extractor."""
CLASSES = ("Male", "Smiling")
"""The two attributes that make four classes: the upper and the lower bit of a label."""
SIZE = (178, 218)
"""Width and height of the aligned images. The central square, 178×178, is used, as in PyTorch's
DCGAN tutorial."""
LOG_SECONDS = 10


def read_celeba(kind: Kind, source: str, log: TextIO) -> Source:
    """CelebA at 64×64: the central square of each aligned image, resized with antialiasing.

    Its authors distribute it under an agreement, so it is never downloaded here. The two lists and
    the archive of images are verified. Unpacked images have no published digest, which the card
    says.
    """
    folder = _find_folder(source)
    is_packed = (folder / ARCHIVE).is_file()
    _verify(kind, folder, [PARTITION, ATTRIBUTES, *([ARCHIVE] if is_packed else [])])
    names, labels, numbers = _read_lists(folder)
    parts = {}
    for number, part in enumerate(PARTS):
        index = np.flatnonzero(numbers == number)
        if len(index) != kind.parts[part]:
            raise DatasetError(
                f"{folder / PARTITION}: found {len(index):,} images of part {number}, expected "
                f"{kind.parts[part]:,}; replace it with the published file"
            )
        part_names = [names[position] for position in index]
        samples = _read_samples(folder, part_names, kind.resolution, part, log)
        parts[part] = Part(samples, labels[index])
    unverified = f"Read unpacked images from {IMAGES}/, which have no published SHA-256 to verify."
    decisions = [] if is_packed else [unverified]
    return Source(parts, f"the folder {folder}", kind.class_names, decisions)


def _find_folder(source: str) -> Path:
    folder = Path(source) if source else find_cache_folder() / "celeba"
    missing = [name for name in (PARTITION, ATTRIBUTES) if not (folder / name).is_file()]
    if not (folder / IMAGES).is_dir() and not (folder / ARCHIVE).is_file():
        missing.append(f"{ARCHIVE} or {IMAGES}/")
    if missing:
        raise DatasetError(
            f"CelebA: {folder} lacks {', '.join(missing)}. Its authors distribute it under an "
            "agreement (search for CelebA, 'Align&Cropped Images', and its two lists). Put the "
            "files there, name their folder as `source` of the dataset, or use another dataset"
        )
    return folder


def _verify(kind: Kind, folder: Path, names: list[str]) -> None:
    for name in names:
        expected = kind.files.get(name)
        if expected and (sha256 := sha256_file(folder / name)) != expected:
            raise DatasetError(
                f"{folder / name} is not the published file: found SHA-256 {sha256}, expected "
                f"{expected}; replace it"
            )


def _read_lists(folder: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    """The names of all images in order, their labels, and the numbers of their parts."""
    parts = {name: int(number) for name, number in _read_rows(folder / PARTITION)}
    rows = _read_rows(folder / ATTRIBUTES)
    next(rows)  # the number of images
    header = next(rows)
    upper, lower = (1 + header.index(name) for name in CLASSES)
    labels = {row[0]: 2 * (row[upper] == "1") + (row[lower] == "1") for row in rows}
    if set(parts) != set(labels):
        raise DatasetError(
            f"{folder}: {PARTITION} and {ATTRIBUTES} name different images; replace both with the "
            "published files"
        )
    names = sorted(parts)
    numbers = np.array([parts[name] for name in names])
    return names, np.array([labels[name] for name in names], dtype=np.int64), numbers


def _read_rows(file: Path) -> Iterator[list[str]]:
    with file.open(encoding="ascii") as lines:
        yield from (line.split() for line in lines if line.strip())


def _read_samples(
    folder: Path, names: list[str], resolution: int, part: str, log: TextIO
) -> np.ndarray:
    samples = np.empty((len(names), 3, resolution, resolution), np.uint8)
    with ExitStack() as stack, Progress(f"CelebA {part}", len(names), log, LOG_SECONDS) as progress:
        openers = _make_openers(folder, names, stack)
        read_images(openers, samples, lambda count: progress.advance(count, ""), SIZE)
    return samples


def _make_openers(folder: Path, names: list[str], stack: ExitStack) -> list[tuple[str, Opener]]:
    if not (folder / ARCHIVE).is_file():
        return [(name, partial(Path, folder, IMAGES, name)) for name in names]
    archive = stack.enter_context(zipfile.ZipFile(folder / ARCHIVE))
    members = set(archive.namelist())

    def read_member(name: str) -> io.BytesIO:
        if name not in members:
            raise FileNotFoundError(name)
        return io.BytesIO(archive.read(name))

    return [(name, partial(read_member, f"{IMAGES}/{name}")) for name in names]

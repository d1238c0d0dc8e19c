"""Any folder of images, whose sub-folders, if there are any, are its classes."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TextIO

import numpy as np

from ganbench.datasets.image_files import count_files, make_printable, read_images
from ganbench.datasets.sources import DatasetError, Part, Source
from ganbench.jobs.progress import Progress

SUFFIXES = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif", ".bmp", ".gif"}
SUFFIXES |= {".tif", ".tiff", ".ppm", ".pgm", ".pbm"}
MINIMUM_IMAGES = 150
"""Images that a folder needs: fifty for each split."""
LOG_SECONDS = 10


def read_image_folder(
    source: str, channels: int, resolution: int, log: TextIO, *, needs_classes: bool = False
) -> Source:
    """The images below the folder `source`, in the order of their names.

    Raises DatasetError, which names the files, if images cannot be used; and, before it reads any,
    if there are too few images, or fewer than two classes with `needs_classes`.
    """
    folder = Path(source)
    if not folder.is_dir():
        raise DatasetError(f"source: there is no folder {source}")
    names, skipped = _list_images(folder)
    classes = _list_classes(folder, names)
    if len(names) < MINIMUM_IMAGES:
        raise DatasetError(
            f"source: {source} holds {len(names)} images, expected at least {MINIMUM_IMAGES}, "
            "fifty for each of the three splits"
        )
    if needs_classes and len(classes) < 2:
        raise DatasetError(
            f"source: {source} has {'one class' if classes else 'no classes'}, but the extractor "
            "`classifier` is trained to tell classes apart. Put the images into one sub-folder for "
            "each class, or choose another extractor: `evaluation: {extractor: vgg16}`, "
            "inception-v3-compat or dinov2-vit-s-14"
        )
    samples = np.empty((len(names), channels, resolution, resolution), np.uint8)
    openers = [(name, partial(Path, folder, name)) for name in names]
    with Progress("images read", len(names), log, LOG_SECONDS) as progress:
        conversions = read_images(openers, samples, lambda count: progress.advance(count, ""))
    part = Part(samples, _label(names, classes))
    origin = f"the folder {make_printable(source)}"
    return Source({"all": part}, origin, list(map(make_printable, classes)), skipped + conversions)


def _list_images(folder: Path) -> tuple[list[str], list[str]]:
    """Every image file below a folder, sorted, and sentences on the files that were skipped."""
    images, hidden, others = [], [], []
    for name in sorted(_walk(folder)):
        if any(part.startswith(".") for part in name.split("/")):
            hidden.append(name)
        elif os.path.splitext(name)[1].lower() in SUFFIXES:
            images.append(name)
        else:
            others.append(name)
    skipped = (("hidden file", hidden), ("non-image file", others))
    return images, [f"Skipped {count_files(names, noun)}." for noun, names in skipped if names]


def _walk(folder: Path) -> Iterator[str]:
    """Paths of all files below a folder; follows links, but visits no folder within itself."""
    visited = set()
    for parent, folders, files in os.walk(folder, followlinks=True, onerror=_refuse_folder):
        visited.add(os.path.realpath(parent))
        folders[:] = sorted(  # the disk's order would decide which of two links is followed
            name for name in folders if os.path.realpath(os.path.join(parent, name)) not in visited
        )
        yield from (Path(parent, name).relative_to(folder).as_posix() for name in files)


def _refuse_folder(error: OSError) -> None:
    raise DatasetError(
        f"source: cannot read {error.filename}: {error.strerror}; make it readable or remove it"
    ) from None


def _list_classes(folder: Path, names: list[str]) -> list[str]:
    """The names of the sub-folders, sorted; raises DatasetError if images lie outside of them."""
    classes = sorted(
        path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
    )
    if not classes:
        return []
    if outside := [name for name in names if "/" not in name]:
        raise DatasetError(
            f"source: {folder} has sub-folders and, beside them, {count_files(outside, 'image')}. "
            "Sub-folders are classes: move every image into one, or remove the sub-folders"
        )
    filled = {name.split("/")[0] for name in names}
    if empty := [name for name in classes if name not in filled]:
        raise DatasetError(
            f"source: {folder} has {count_files(empty, 'sub-folder')} without an image. "
            "Sub-folders are classes: fill or remove them"
        )
    return classes


def _label(names: list[str], classes: list[str]) -> np.ndarray:
    numbers = {name: number for number, name in enumerate(classes)}
    labels = [numbers[name.split("/")[0]] if classes else 0 for name in names]
    return np.array(labels, dtype=np.int64)

"""Any folder of images: its sub-folders are classes, or there are none."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TextIO

import numpy as np

from ganbench.datasets.image_files import printable, read_pictures, shown
from ganbench.datasets.sources import DatasetError, Part, Source
from ganbench.jobs.progress import Progress

SUFFIXES = {
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif", ".bmp", ".gif"),
    *(".tif", ".tiff", ".ppm", ".pgm", ".pbm"),
}
LEAST = 150
"""Images of a folder: fifty for each split."""
LOG_SECONDS = 10


def image_folder(
    source: str, channels: int, resolution: int, log: TextIO, *, needs_classes: bool = False
) -> Source:
    """The images below the folder `source`, in the order of their names.

    Raises DatasetError, naming the files, where images cannot be used, and before reading any where
    there are too few, or no classes though something `needs_classes`.
    """
    folder = Path(source)
    if not folder.is_dir():
        raise DatasetError(f"source: there is no folder {source}")
    names, passed_over = _names(folder)
    classes = _classes(folder, names)
    if len(names) < LEAST:
        raise DatasetError(
            f"{source} holds {len(names)} images, expected at least {LEAST}: each of the three "
            "splits needs fifty"
        )
    if needs_classes and len(classes) < 2:
        raise DatasetError(
            f"{source} has {'one class' if classes else 'no classes'}, and the classifier is "
            "trained to tell classes apart. Put the images into one sub-folder for each class, or "
            "choose another extractor, which needs none: `evaluation: {extractor: vgg16}`, "
            "inception-v3-compat or dinov2-vit-s-14"
        )
    samples = np.empty((len(names), channels, resolution, resolution), np.uint8)
    files = [(name, partial(Path, folder, name)) for name in names]
    progress = Progress("images read", len(files), log, LOG_SECONDS)
    decisions = read_pictures(files, samples, lambda count: progress.advance(count, ""))
    progress.close()
    number = {name: index for index, name in enumerate(classes)}
    labels = [number[name.split("/")[0]] if classes else 0 for name in names]
    part = Part(samples, np.array(labels, dtype=np.int64))
    origin = f"the folder {printable(source)}"
    return Source({"all": part}, origin, list(map(printable, classes)), passed_over + decisions)


def _names(folder: Path) -> tuple[list[str], list[str]]:
    """Every image file below a folder, sorted, and in words what was passed over."""
    images, hidden, others = [], [], []
    for name in sorted(_every_file(folder)):
        if any(part.startswith(".") for part in name.split("/")):
            hidden.append(name)
        elif os.path.splitext(name)[1].lower() in SUFFIXES:
            images.append(name)
        else:
            others.append(name)
    said = [("hidden files passed over", hidden), ("files that are no images passed over", others)]
    return images, [f"{what}: {shown(names)}" for what, names in said if names]


def _every_file(folder: Path) -> Iterator[str]:
    """Paths below a folder, also behind links, but not round in circles."""
    seen = set()
    for inside, folders, files in os.walk(folder, followlinks=True, onerror=_cannot_be_read):
        seen.add(os.path.realpath(inside))
        folders[:] = sorted(  # in an order of their own, or `seen` would follow the disk's
            name for name in folders if os.path.realpath(os.path.join(inside, name)) not in seen
        )
        yield from (Path(inside, name).relative_to(folder).as_posix() for name in files)


def _cannot_be_read(error: OSError) -> None:
    raise DatasetError(f"{error.filename}: {error.strerror}") from None


def _classes(folder: Path, names: list[str]) -> list[str]:
    """The names of the sub-folders, where all images lie in some."""
    folders = sorted(
        path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
    )
    if not folders:
        return []
    if above := [name for name in names if "/" not in name]:
        raise DatasetError(
            f"{folder} has images beside its sub-folders: {shown(above)}. Sub-folders are classes: "
            "put every image into one, or have no sub-folders"
        )
    filled = {name.split("/")[0] for name in names}
    if empty := [name for name in folders if name not in filled]:
        raise DatasetError(f"classes without an image: {shown(empty)}. Fill or remove the folders")
    return folders

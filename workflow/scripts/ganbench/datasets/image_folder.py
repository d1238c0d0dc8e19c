"""Any folder of images: its sub-folders are classes, or there are none."""

from functools import partial
from pathlib import Path
from typing import TextIO

import numpy as np

from ganbench.datasets.pictures import read_pictures, shown
from ganbench.datasets.sources import DatasetError, Part, Source
from ganbench.progress import Progress

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"}
LEAST = 150
"""Images of a folder: fifty for each split."""
LOG_SECONDS = 10


def image_folder(source: str, channels: int, resolution: int, log: TextIO) -> Source:
    """The images below the folder `source`, in the order of their names.

    Raises DatasetError, naming the files, where images cannot be used.
    """
    folder = Path(source)
    if not folder.is_dir():
        raise DatasetError(f"source: there is no folder {source}")
    files, passed_over = _files(folder)
    classes = _classes(folder, files)
    if len(files) < LEAST:
        raise DatasetError(
            f"{source} holds {len(files)} images, expected at least {LEAST}: each of the three "
            "splits needs fifty"
        )
    samples = np.empty((len(files), channels, resolution, resolution), np.uint8)
    progress = Progress("images read", len(files), log, LOG_SECONDS)
    named = [(file.relative_to(folder).as_posix(), partial(Path, file)) for file in files]
    decisions = read_pictures(named, samples, lambda count: progress.advance(count, ""))
    progress.close()
    labels = [classes.index(file.relative_to(folder).parts[0]) if classes else 0 for file in files]
    part = Part(samples, np.array(labels, dtype=np.int64))
    return Source({"all": part}, f"the folder {source}", classes, passed_over + decisions)


def _files(folder: Path) -> tuple[list[Path], list[str]]:
    """Every image file below a folder by name, and in words what was passed over."""
    images, hidden, others = [], [], []
    for file in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        if not file.is_file():
            continue
        parts = file.relative_to(folder).parts
        if any(part.startswith(".") for part in parts):
            hidden.append("/".join(parts))
        elif file.suffix.lower() in SUFFIXES:
            images.append(file)
        else:
            others.append("/".join(parts))
    said = [("hidden files passed over", hidden), ("files that are no images passed over", others)]
    return images, [f"{what}: {shown(names)}" for what, names in said if names]


def _classes(folder: Path, files: list[Path]) -> list[str]:
    """The names of the sub-folders, where all images lie in some."""
    folders = sorted(
        path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
    )
    above = [file.name for file in files if file.parent == folder]
    if not folders:
        return []
    if above:
        raise DatasetError(
            f"{folder} has images beside its sub-folders: {shown(above)}. Sub-folders are classes: "
            "put every image into one, or have no sub-folders"
        )
    filled = {file.relative_to(folder).parts[0] for file in files}
    if empty := [name for name in folders if name not in filled]:
        raise DatasetError(f"classes without an image: {shown(empty)}. Fill or remove the folders")
    return folders

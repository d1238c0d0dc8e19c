"""CelebA from the files that its authors give out by hand."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TextIO

import numpy as np

from ganbench.catalogue.datasets import Kind
from ganbench.datasets.image_files import Opener, read_pictures
from ganbench.datasets.sources import DatasetError, Part, Source
from ganbench.downloads.cache import cache_folder
from ganbench.jobs.progress import Progress
from ganbench.jobs.provenance import sha256_file

PARTITION, ATTRIBUTES = "list_eval_partition.txt", "list_attr_celeba.txt"
IMAGES = "img_align_celeba"
PARTS = ("train", "extractor", "test")
"""What 0, 1 and 2 in the partition list mean here: the validation part trains the extractor."""
CLASSES = ("Male", "Smiling")
"""The two attributes that make four classes: the upper and the lower bit of a label."""
SIZE = (178, 218)
"""Width and height of the aligned images; of each the square at the centre is used, 178×178, as in
PyTorch's DCGAN tutorial."""
LOG_SECONDS = 10


def celeba(kind: Kind, source: str, log: TextIO) -> Source:
    """CelebA at 64×64: the centre square of each aligned image, antialiased.

    The authors give it out under an agreement, so it is never downloaded from here. The lists and
    the archive of images are verified; images that were unpacked have no published digest, which
    the card says.
    """
    folder = _folder(source)
    images = [IMAGES] if not (folder / f"{IMAGES}.zip").is_file() else [f"{IMAGES}.zip"]
    _verify(kind, folder, [PARTITION, ATTRIBUTES, *images])
    names, labels, numbers = _lists(folder)
    found = {}
    for number, part in enumerate(PARTS):
        index = np.flatnonzero(numbers == number)
        if len(index) != kind.parts[part]:
            raise DatasetError(f"{folder / PARTITION}: {len(index)} images of part {number}")
        chosen = [names[each] for each in index]
        found[part] = Part(_images(folder, chosen, kind.resolution, part, log), labels[index])
    unverified = f"{IMAGES}/ was read, which has no published digest; the two lists were verified"
    decisions = [unverified] if images == [IMAGES] else []
    return Source(found, f"the folder {folder}", kind.class_names, decisions)


def _folder(source: str) -> Path:
    folder = Path(source) if source else cache_folder() / "celeba"
    lacking = [name for name in (PARTITION, ATTRIBUTES) if not (folder / name).is_file()]
    if not (folder / IMAGES).is_dir() and not (folder / f"{IMAGES}.zip").is_file():
        lacking.append(f"{IMAGES}.zip or {IMAGES}/")
    if lacking:
        raise DatasetError(
            f"CelebA: {folder} lacks {', '.join(lacking)}. Its authors give it out under an "
            "agreement (search for CelebA, 'Align&Cropped Images', and its two lists). Ways out: "
            "put the files there; name their folder as `source` of the dataset; or use another "
            "dataset"
        )
    return folder


def _verify(kind: Kind, folder: Path, names: list[str]) -> None:
    for name in names:
        if name not in kind.files:
            continue
        found = sha256_file(folder / name)
        if found != kind.files[name]:
            raise DatasetError(
                f"{folder / name} is not the published one: its SHA-256 is {found}, expected "
                f"{kind.files[name]}; replace it"
            )


def _lists(folder: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names of all images in order, their labels and the numbers of their parts."""
    parts = {name: int(number) for name, number in _rows(folder / PARTITION)}
    rows = _rows(folder / ATTRIBUTES)
    next(rows)  # how many there are
    header = next(rows)
    first, second = (1 + header.index(name) for name in CLASSES)
    labels = {row[0]: 2 * (row[first] == "1") + (row[second] == "1") for row in rows}
    if set(parts) != set(labels):
        raise DatasetError(f"{folder}: {PARTITION} and {ATTRIBUTES} do not name the same images")
    names = sorted(parts)
    numbers = np.array([parts[name] for name in names])
    return names, np.array([labels[name] for name in names], dtype=np.int64), numbers


def _rows(file: Path) -> Iterator[list[str]]:
    with file.open(encoding="ascii") as lines:
        yield from (line.split() for line in lines if line.strip())


def _images(folder: Path, names: list[str], resolution: int, part: str, log: TextIO) -> np.ndarray:
    into = np.empty((len(names), 3, resolution, resolution), np.uint8)
    progress = Progress(f"CelebA {part}", len(names), log, LOG_SECONDS)
    with ExitStack() as open_files:
        openers = _openers(folder, names, open_files)
        read_pictures(openers, into, lambda count: progress.advance(count, ""), SIZE)
    progress.close()
    return into


def _openers(folder: Path, names: list[str], open_files: ExitStack) -> list[tuple[str, Opener]]:
    archive = folder / f"{IMAGES}.zip"
    if not archive.is_file():
        return [(name, partial(Path, folder, IMAGES, name)) for name in names]
    opened = open_files.enter_context(zipfile.ZipFile(archive))
    inside = set(opened.namelist())

    def member(name: str) -> io.BytesIO:
        if name not in inside:
            raise FileNotFoundError(name)
        return io.BytesIO(opened.read(name))

    return [(name, partial(member, f"{IMAGES}/{name}")) for name in names]

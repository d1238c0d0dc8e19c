"""CelebA from the files that its authors give out by hand."""

import zipfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TextIO

import numpy as np
from PIL import Image

from ganbench.datasets.pictures import read_pictures
from ganbench.datasets.sources import DatasetError, Part, Source
from ganbench.downloads import cache_folder
from ganbench.kinds import Kind
from ganbench.progress import Progress

PARTITION, ATTRIBUTES = "list_eval_partition.txt", "list_attr_celeba.txt"
IMAGES = "img_align_celeba"
PARTS = ("train", "extractor", "test")
"""What 0, 1 and 2 in the partition list mean here: the validation part trains the extractor."""
CROP = 178
"""The width of the aligned images, which are 178×218: the square at their centre is used."""
LOG_SECONDS = 10


def celeba(kind: Kind, source: str, log: TextIO) -> Source:
    """CelebA at 64×64: the centre square of each aligned image, antialiased.

    Its classes are two attributes together, male and smiling. The authors give it out under an
    agreement, so it is never downloaded from here. The lists are checked for their counts; the
    published archive has no digest to check the images against.
    """
    folder = _folder(source)
    names, parts = _columns(folder / PARTITION, skip=0, columns=(1,))
    if [int((parts[:, 0] == number).sum()) for number in (0, 1, 2)] != [
        kind.parts[part] for part in PARTS
    ]:
        raise DatasetError(f"{folder / PARTITION}: not the published counts {dict(kind.parts)}")
    header = (folder / ATTRIBUTES).read_text(encoding="ascii").splitlines()[1].split()
    wanted = tuple(1 + header.index(name) for name in ("Male", "Smiling"))
    attributed, attributes = _columns(folder / ATTRIBUTES, skip=2, columns=wanted)
    if attributed != names:
        raise DatasetError(f"{folder}: the two lists do not name the same images")
    labels = 2 * (attributes[:, 0] == 1) + (attributes[:, 1] == 1)
    found = {}
    for number, part in enumerate(PARTS):
        index = np.flatnonzero(parts[:, 0] == number)
        chosen = [names[each] for each in index]
        found[part] = Part(
            _images(folder, chosen, kind.resolution, part, log), labels[index].astype(np.int64)
        )
    return Source(found, f"the folder {folder}", kind.class_names)


def _folder(source: str) -> Path:
    folder = Path(source) if source else cache_folder() / "celeba"
    lacking = [name for name in (PARTITION, ATTRIBUTES) if not (folder / name).is_file()]
    if not (folder / IMAGES).is_dir() and not (folder / f"{IMAGES}.zip").is_file():
        lacking.append(f"{IMAGES}/ or {IMAGES}.zip")
    if lacking:
        raise DatasetError(
            f"CelebA: {folder} lacks {', '.join(lacking)}. Its authors give it out under an "
            "agreement (search for CelebA, 'Align&Cropped Images', and its two lists); put the "
            "files there, or name their folder as `source` of the dataset; or use another dataset"
        )
    return folder


def _columns(file: Path, *, skip: int, columns: tuple[int, ...]) -> tuple[list[str], np.ndarray]:
    """The first column of a list, file names, and some of the others as numbers."""
    rows = [line.split() for line in file.read_text(encoding="ascii").splitlines()[skip:]]
    rows = sorted(row for row in rows if row)
    values = [[int(row[column]) for column in columns] for row in rows]
    return [row[0] for row in rows], np.array(values)


def _images(folder: Path, names: list[str], resolution: int, part: str, log: TextIO) -> np.ndarray:
    into = np.empty((len(names), 3, resolution, resolution), np.uint8)
    progress = Progress(f"CelebA {part}", len(names), log, LOG_SECONDS)

    def square(image: Image.Image) -> Image.Image:
        left, top = (image.width - CROP) // 2, (image.height - CROP) // 2
        return image.crop((left, top, left + CROP, top + CROP))

    with ExitStack() as open_files:
        if (folder / IMAGES).is_dir():
            openers = [partial(Path, folder / IMAGES / name) for name in names]
        else:
            archive = open_files.enter_context(zipfile.ZipFile(folder / f"{IMAGES}.zip"))
            openers = [partial(archive.open, f"{IMAGES}/{name}") for name in names]
        files = list(zip(names, openers, strict=True))
        read_pictures(files, into, lambda count: progress.advance(count, ""), square)
    progress.close()
    return into

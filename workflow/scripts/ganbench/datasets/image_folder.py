"""Any folder of images, whose sub-folders, if there are any, are its classes or its splits."""

from functools import partial
from pathlib import Path
from typing import TextIO

import numpy as np

from ganbench.catalogue.extractors import PRETRAINED
from ganbench.datasets.duplicates import describe_copies, keep_once, number_contents
from ganbench.datasets.file_names import count_files, make_printable
from ganbench.datasets.folder_files import FolderListing, list_folder
from ganbench.datasets.folder_layout import arrange
from ganbench.datasets.image_files import read_images
from ganbench.datasets.image_tree import Arrangement, ImageTree
from ganbench.datasets.sources import DatasetError, Part, Source
from ganbench.datasets.unread_files import check_unread, sort_files
from ganbench.jobs.progress import Progress

MINIMUM_IMAGES = 150
"""Images that a folder needs: fifty for each split."""
MINIMUM_PART = 50
MINIMUM_TRAIN = 100
"""The same for official parts. Without one for the extractor, it shares that of training."""
LOG_SECONDS = 10


def read_image_folder(
    source: str,
    channels: int,
    resolution: int,
    log: TextIO,
    *,
    layout: str = "auto",
    labels: str = "folders",
    unread_share: float = 0.01,
    needs_classes: bool = False,
) -> Source:
    """The images below the folder `source`, in the order of their names.

    `layout`, `labels` and `unread_share` are the study's. Raises DatasetError, which names the
    files, if images cannot be used; and, before it reads any, if there are too few images, or fewer
    than two classes with `needs_classes`.
    """
    folder = Path(source)
    if not folder.is_dir():
        raise DatasetError(f"source: there is no folder {source}")
    listing = list_folder(folder, _refuse_folder)
    images, texts, unread = sort_files(listing.files)
    tree = ImageTree(source, images, listing.folders, unread)
    arrangement = arrange(tree, layout, labels)
    decisions = describe_skipped(listing, texts) + arrangement.notes
    decisions += check_unread(unread, images, arrangement.find_class_folder, unread_share)
    _check_images(source, arrangement)
    if needs_classes:
        _check_classes(source, arrangement.classes)
    names = [name for part in arrangement.parts.values() for name in part]
    samples = np.empty((len(names), channels, resolution, resolution), np.uint8)
    openers = [(name, partial(Path, folder, name)) for name in names]
    with Progress("images read", len(names), log, LOG_SECONDS) as progress:
        decisions += read_images(openers, samples, lambda count: progress.advance(count, ""))
    return _make_source(source, arrangement, samples, decisions)


def _refuse_folder(error: OSError) -> None:
    raise DatasetError(
        f"source: cannot read {error.filename}: {error.strerror}; make it readable or remove it"
    ) from None


def describe_skipped(listing: FolderListing, texts: list[str]) -> list[str]:
    """A sentence for each kind of file that is no image: hidden, of a system, or `texts`."""
    skipped = {
        "hidden file": listing.hidden,
        "system helper": listing.helpers,
        "non-image file": texts,
    }
    return [f"Skipped {count_files(names, noun)}." for noun, names in skipped.items() if names]


def _check_images(source: str, arrangement: Arrangement) -> None:
    """Refuses a folder, or splits, with too few images to score."""
    sizes = {part: len(names) for part, names in arrangement.parts.items()}
    minimum = {"all": MINIMUM_IMAGES, "train": MINIMUM_TRAIN if len(sizes) == 2 else MINIMUM_PART}
    for part, size in sizes.items():
        least = minimum.get(part, MINIMUM_PART)
        if size >= least:
            continue
        if part == "all":
            raise DatasetError(
                f"source: {source} holds {size} images, expected at least {least}, fifty for each "
                "of the three splits"
            )
        raise DatasetError(
            f"source: {source} holds {size} {part} images, expected at least {least}; add images, "
            "or let the workflow make the splits by another `layout`"
        )


def _check_classes(source: str, classes: list[str]) -> None:
    if len(classes) >= 2:
        return
    raise DatasetError(
        f"source: {source} has {'one class' if classes else 'no classes'}, but the extractor "
        "`classifier` is trained to tell classes apart. Put the images into one sub-folder for "
        f"each class, or choose another extractor as `evaluation: {{extractor: {PRETRAINED[0]}}}`: "
        f"{', '.join(PRETRAINED)}"
    )


def _make_source(
    source: str, arrangement: Arrangement, samples: np.ndarray, decisions: list[str]
) -> Source:
    """The official parts, each without the images that another part keeps."""
    names = [name for part in arrangement.parts.values() for name in part]
    labels = np.array([arrangement.labels.get(name, 0) for name in names], dtype=np.int64)
    contents = number_contents(samples)
    part_names = [part for part, members in arrangement.parts.items() for _ in members]
    kept = keep_once(part_names, contents)
    parts, part_contents, start = {}, {}, 0
    for part, members in arrangement.parts.items():
        rows = slice(start, start + len(members))
        start = rows.stop
        is_whole = kept[rows].all()
        select = rows if is_whole else start - len(members) + np.flatnonzero(kept[rows])
        parts[part] = Part(samples[select], labels[select])
        part_contents[part] = contents[select]
    decisions = decisions + describe_copies(names, contents, labels, kept)
    return Source(
        parts,
        f"the folder {make_printable(source)}",
        list(map(make_printable, arrangement.classes)),
        decisions,
        part_contents,
    )

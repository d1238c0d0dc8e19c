"""Folders that hold the splits of a dataset, as in train/ and test/, or trainA/ and trainB/."""

import re
from typing import NamedTuple

from ganbench.datasets.file_names import count_files
from ganbench.datasets.image_tree import Arrangement, ImageTree
from ganbench.datasets.sources import DatasetError

WORDS = {
    "train": ("train", "training"),
    "test": ("test", "testing", "eval", "evaluation", "heldout", "held_out", "holdout"),
    "validation": ("val", "valid", "validation", "dev"),
}
"""The splits that datasets come with, and the usual names of their folders."""

_NAME = re.compile(
    rf"({'|'.join(word for words in WORDS.values() for word in words)})[ _-]?([a-d]|[0-9]{{1,4}})?",
    re.IGNORECASE,
)


class NamedPart(NamedTuple):
    """What a folder's name says: `train2017` is train, `trainA` the class A of train."""

    name: str
    label: str


def find_part(folder: str) -> NamedPart | None:
    """The split that a folder is named after, if it is."""
    match = _NAME.fullmatch(folder)
    if not match:
        return None
    word, ending = match[1].lower(), (match[2] or "").upper()
    name = next(name for name, words in WORDS.items() if word in words)
    return NamedPart(name, "" if ending.isdigit() else ending)


def arrange_splits(tree: ImageTree, prefix: str, labels: str, notes: list[str]) -> Arrangement:
    """Takes the folders below `prefix` as official parts, and the folders in them as classes.

    Raises DatasetError if there are others, if parts are missing, or if only some have classes.
    """
    named = _find_parts(tree, prefix)
    part_names = _choose_part_names({part.name for part in named.values()})
    folders = {name: name.removeprefix(prefix).split("/")[0] for name in tree.images}
    parts: dict[str, list[str]] = {name: [] for name in part_names.values()}
    for name in tree.images:
        parts[part_names[named[folders[name]].name]].append(name)
    for folder in sorted(named):
        notes = [*notes, f"Took {prefix}{folder}/ for {part_names[named[folder].name]} images."]
    if labels == "none":
        return Arrangement(parts, notes=notes)
    if any(part.label for part in named.values()):
        depth = prefix.count("/") + 1
        classes_of = {name: named[folders[name]].label for name in tree.images}
    else:
        depth = prefix.count("/") + 2
        classes_of = _find_inner_classes(tree, depth)
    if not classes_of:
        return Arrangement(parts, notes=notes)
    classes = sorted(set(classes_of.values()))
    numbers = {name: classes.index(label) for name, label in classes_of.items()}
    return Arrangement(parts, classes, numbers, depth, notes + tree.note_nested(depth))


def _find_parts(tree: ImageTree, prefix: str) -> dict[str, NamedPart]:
    """The part of every folder below `prefix`; raises DatasetError if these are no splits."""
    children, outside = tree.list_children(prefix), tree.list_outside(prefix)
    named = {name: part for name in children if (part := find_part(name))}
    names = {part.name for part in named.values()}
    have_labels = {bool(part.label) for part in named.values()}
    is_complete = "train" in names and len(names) > 1 and len(have_labels) == 1
    if is_complete and len(named) == len(children) and not outside:
        return named
    content = [count_files(children, "sub-folder")] if children else []
    content += [count_files(outside, "image")] if outside else []
    raise DatasetError(
        f"layout: found {' and '.join(content) or 'nothing'} in {tree.source}, expected for "
        "`splits` the sub-folders train and test, or train and val, or all three, or trainA, "
        "trainB, testA and testB, and nothing else. Move the rest elsewhere, or use "
        "`layout: classes` or `labels: none`"
    )


def _choose_part_names(names: set[str]) -> dict[str, str]:
    """The official part of each named one.

    Validation images train the extractor; without test images they take their place.
    """
    validation = "extractor" if "test" in names else "test"
    official = {"train": "train", "test": "test", "validation": validation}
    return {name: official[name] for name in WORDS if name in names}


def _find_inner_classes(tree: ImageTree, depth: int) -> dict[str, str]:
    """The class of every image, which is its folder in its split; empty if no split has folders."""
    inner = {name: name.split("/")[depth - 1] for name in tree.images if name.count("/") >= depth}
    outside = [name for name in tree.images if name not in inner]
    if inner and outside:
        raise DatasetError(
            f"layout: in {tree.source} some images lie in a sub-folder of their split, which is "
            f"their class, but {count_files(outside, 'image')} in none. Move every image into a "
            "class, or use all without classes by `labels: none`"
        )
    return inner

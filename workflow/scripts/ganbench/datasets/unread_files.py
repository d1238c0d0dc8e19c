"""Files in a folder of images that are not read: counted for each class, and refused if many."""

import os
from collections import Counter
from collections.abc import Callable, Iterable

from ganbench.datasets.file_names import CONVERT_HEIC, SUFFIXES, make_printable
from ganbench.datasets.sources import DatasetError

TEXT_SUFFIXES = {
    ".txt",
    ".caption",
    ".md",
    ".rst",
    ".html",
    ".htm",
    ".pdf",
    ".doc",
    ".docx",
    ".log",
    ".bib",
    ".json",
    ".jsonl",
    ".xml",
    ".csv",
    ".tsv",
    ".yaml",
    ".yml",
    ".toml",
    ".ini",
    ".cfg",
    ".xls",
    ".xlsx",
    ".db",
    ".sqlite",
    ".parquet",
    ".py",
    ".ipynb",
    ".sh",
    ".bat",
    ".xmp",
    ".aae",
    ".url",
    ".lnk",
    ".md5",
    ".sha1",
    ".sha256",
}
"""Files that stand beside images and hold text, tables or programs, not images."""
TEXT_NAMES = {"readme", "license", "licence", "copying", "authors", "changelog", "makefile"}

MOST_CLASSES = 5
"""Classes that a message names."""


def sort_files(names: Iterable[str]) -> tuple[list[str], list[str], list[str]]:
    """Files by their names: (images that are read, files without an image, unread files)."""
    images, texts, unread = [], [], []
    for name in names:
        stem, suffix = os.path.splitext(name.rsplit("/", 1)[-1].lower())
        if suffix in SUFFIXES:
            images.append(name)
        elif suffix in TEXT_SUFFIXES or (not suffix and stem in TEXT_NAMES):
            texts.append(name)
        else:
            unread.append(name)
    return images, texts, unread


def check_unread(
    unread: list[str],
    images: Iterable[str],
    find_class: Callable[[str], str],
    largest_share: float,
) -> list[str]:
    """Counts the unread files of each class, in a sentence; no sentence if there are none.

    Raises DatasetError if they are more than `largest_share` of the files of a class.
    """
    if not unread:
        return []
    read_counts = Counter(map(find_class, images))
    counts = Counter(map(find_class, unread))
    shares = {name: count / (count + read_counts[name]) for name, count in counts.items()}
    worst = sorted(shares, key=lambda name: (-shares[name], name))
    lines = [
        f"{make_printable(name)}: {counts[name]:,} of {counts[name] + read_counts[name]:,} "
        f"({_list_endings(other for other in unread if find_class(other) == name)})"
        for name in worst[:MOST_CLASSES]
    ]
    lines += [f"{len(worst) - MOST_CLASSES} more classes"] if len(worst) > MOST_CLASSES else []
    noun = "file" if len(unread) == 1 else "files"
    description = f"{len(unread):,} {noun} that cannot be read as images ({'; '.join(lines)})"
    if shares[worst[0]] <= largest_share:
        return [f"Left out {description}."]
    allowed = -(-shares[worst[0]] * 100 // 1) / 100
    raise DatasetError(
        f"source: found {description}, expected at most {largest_share:.4g} of the files of each "
        f"class. Convert them to PNG (HEIC {CONVERT_HEIC}), give files without an ending "
        "the right one, move away what is no image, or leave them out knowingly with "
        f"`unread_share: {allowed:.4g}` of the dataset"
    )


def _list_endings(names: Iterable[str]) -> str:
    endings = {os.path.splitext(name.rsplit("/", 1)[-1])[1].lower() for name in names}
    return ", ".join(make_printable(ending) or "no ending" for ending in sorted(endings))

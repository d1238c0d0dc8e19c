"""Images with equal content: counted, and kept in one split."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from ganbench.datasets.file_names import count_files

SPLIT_ORDER = ("all", "test", "extractor", "train")
"""An image in two official parts stays in the first of these."""


def number_contents(samples: np.ndarray) -> np.ndarray:
    """A number for each sample, the same for equal ones: the index of the first of them."""
    first: dict[bytes, int] = {}
    numbers = np.empty(len(samples), np.int64)
    for index, sample in enumerate(samples):
        digest = hashlib.blake2b(np.ascontiguousarray(sample), digest_size=16).digest()
        numbers[index] = first.setdefault(digest, index)
    return numbers


def keep_once(parts: Sequence[str], contents: np.ndarray) -> np.ndarray:
    """Whether each sample stays in its official part: not if a part before it has its content.

    `parts` names the part of each sample; their order is SPLIT_ORDER. Copies within a part stay.
    """
    ranks = np.array([SPLIT_ORDER.index(part) for part in parts])
    owners = np.full(len(contents), len(SPLIT_ORDER))
    np.minimum.at(owners, contents, ranks)
    return ranks == owners[contents]


def describe_copies(
    names: Sequence[str], contents: np.ndarray, labels: np.ndarray, kept: np.ndarray
) -> list[str]:
    """Sentences on the images whose content an earlier one has too."""

    def count(selection: np.ndarray) -> str:
        return count_files([names[index] for index in np.flatnonzero(selection)], "copy", "copies")

    is_copy = (contents != np.arange(len(contents))) & kept
    is_other_class = labels != labels[contents]
    sentences = []
    if is_copy.any():
        sentences.append(f"Kept {count(is_copy)} in one split with the image of equal content.")
    if not kept.all():
        sentences.append(f"Left out {count(~kept)} of images in another official part.")
    if is_other_class.any():
        sentences.append(f"Found {count(is_other_class)} of images of another class.")
    return sentences


def fill_splits(
    order: Sequence[int], contents: np.ndarray, sizes: Mapping[str, int]
) -> dict[str, np.ndarray]:
    """Cuts a shuffled part into splits of at most these sizes, with copies in one split.

    Each split takes, in the shuffled order, what fits as a whole; the last takes the rest. Without
    copies, this cuts at the sizes.
    """
    members = defaultdict(list)
    for index in order:
        members[contents[index]].append(index)
    groups = list(members.values())
    splits = {}
    *first, last = sizes
    for name in first:
        taken, rest, room = [], [], sizes[name]
        for group in groups:
            if len(group) <= room:
                taken += group
                room -= len(group)
            else:
                rest.append(group)
        splits[name], groups = taken, rest
    splits[last] = [index for group in groups for index in group]
    return {name: np.array(index, dtype=np.int64) for name, index in splits.items()}

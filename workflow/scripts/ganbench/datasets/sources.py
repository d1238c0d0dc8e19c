"""A dataset before it is split, and the two sources that need no file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ganbench.catalogue.datasets import KINDS
from ganbench.jobs.errors import ActionableError

POINTS = 150_000
"""Points drawn from a known density."""
POINTS_SEED = 0
"""Every study draws the same points: they belong to the dataset, not to a run."""


class DatasetError(ActionableError):
    """A dataset that cannot be used; the message names the files and says what to do."""


@dataclass(frozen=True)
class Part:
    """Samples with their classes.

    `samples` is uint8 `(count, channels, height, width)` or, for points, float32
    `(count, dimensions)`; `labels` is int64 `(count,)`, all zero for data without classes.
    """

    samples: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Source:
    """A dataset as it was read: its official parts, or a single part named `all`.

    `origin` says where the files were. `decisions` are sentences about files that were skipped and
    images that were converted. `contents` numbers the samples of each part, with one number for
    equal ones that must stay in one split; it is empty where splits are fixed. `part_texts` says
    what each part is, where the literature has no name for it.
    """

    parts: Mapping[str, Part]
    origin: str
    class_names: list[str] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)
    contents: Mapping[str, np.ndarray] = field(default_factory=dict)
    part_texts: Mapping[str, str] = field(default_factory=dict)


def read_digits() -> Source:
    """1,797 handwritten digits, 8×8 grey, which scikit-learn ships.

    Their 17 levels of grey (0 to 16) are scaled to 0 to 255.
    """
    from sklearn.datasets import load_digits  # noqa: PLC0415 (slow, and for this kind alone)

    digits = load_digits()
    images = np.round(digits.images * (255 / 16)).astype(np.uint8)[:, None]
    part = Part(images, digits.target.astype(np.int64))
    return Source({"all": part}, "bundled with scikit-learn", KINDS["digits"].class_names)


def draw_points(kind: str) -> Source:
    """Points of a known density, labelled with the mode that each was drawn from."""
    from ganbench.densities.mixtures import DENSITIES  # noqa: PLC0415 (slow, and for these kinds alone)

    samples, modes = DENSITIES[kind].sample(POINTS, np.random.default_rng(POINTS_SEED))
    part = Part(samples.astype(np.float32), modes.astype(np.int64))
    names = [f"mode {mode}" for mode in range(int(modes.max()) + 1)]
    return Source({"all": part}, f"drawn from its density, seed {POINTS_SEED}", names)

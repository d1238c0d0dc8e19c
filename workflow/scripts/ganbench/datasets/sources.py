"""What a dataset is before it is split, and the sources that need no file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ganbench.catalogue.datasets import KINDS
from ganbench.jobs.errors import ActionableError

POINTS = 150_000
"""How many points are drawn from a known density."""
POINTS_SEED = 0
"""The same points in every study: they belong to the dataset, not to a run."""


class DatasetError(ActionableError):
    """A dataset that cannot be used; the message names the files and what to do."""


@dataclass(frozen=True)
class Part:
    """Samples with their classes.

    `samples` is uint8 `(count, channels, height, width)` or, for points, float32
    `(count, dimensions)`; `labels` int64 `(count,)`, zeros where there are no classes.
    """

    samples: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Source:
    """A dataset as found: its official parts, or one part `all`.

    `origin` says where it was found, `decisions` what was done with images out of the ordinary.
    """

    parts: Mapping[str, Part]
    origin: str
    class_names: list[str] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)


def digits() -> Source:
    """1,797 handwritten digits, 8×8 grey, that scikit-learn ships: nothing to download.

    Their 17 levels of grey (0 to 16) are spread over 0 to 255.
    """
    from sklearn.datasets import load_digits  # noqa: PLC0415 (slow, and for this kind alone)

    found = load_digits()
    images = np.round(found.images * (255 / 16)).astype(np.uint8)[:, None]
    part = Part(images, found.target.astype(np.int64))
    return Source({"all": part}, "bundled with scikit-learn", KINDS["digits"].class_names)


def points(kind: str) -> Source:
    """Points drawn from a known density; a point's label is the mode it was drawn from."""
    from ganbench.densities.mixtures import DENSITIES  # noqa: PLC0415 (slow, and for these kinds alone)

    density = DENSITIES[kind]
    samples, modes = density.sample(POINTS, np.random.default_rng(POINTS_SEED))
    part = Part(samples.astype(np.float32), modes.astype(np.int64))
    names = [f"mode {mode}" for mode in range(int(modes.max()) + 1)]
    return Source({"all": part}, f"drawn from its density, seed {POINTS_SEED}", names)

"""Where samples come from: one function for each kind of dataset."""

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_digits

from ganbench.densities import DENSITIES

POINTS = 150_000
"""How many points are drawn from a known density."""
POINTS_SEED = 0
"""The same points in every study: they belong to the dataset, not to a run."""


@dataclass(frozen=True)
class Source:
    """Samples as found, before they are split.

    `samples` is uint8 `(count, channels, height, width)` or, for points, float32
    `(count, dimensions)`; `labels` int64 `(count,)`.
    """

    samples: np.ndarray
    labels: np.ndarray
    title: str
    origin: str
    licence: str
    citation: str


def digits() -> Source:
    """1,797 handwritten digits, 8×8 grey, that scikit-learn ships: nothing to download.

    Their 17 levels of grey (0 to 16) are spread over 0 to 255.
    """
    found = load_digits()
    images = np.round(found.images * (255 / 16)).astype(np.uint8)[:, None]
    return Source(
        samples=images,
        labels=found.target.astype(np.int64),
        title="Optical recognition of handwritten digits (test part)",
        origin="bundled with scikit-learn",
        licence="CC BY 4.0",
        citation="Alpaydin and Kaynak 1998, UCI Machine Learning Repository, doi:10.24432/C50P49",
    )


def points(kind: str) -> Source:
    """Points drawn from a known density; a point's label is the mode it was drawn from."""
    density = DENSITIES[kind]
    samples, modes = density.sample(POINTS, np.random.default_rng(POINTS_SEED))
    return Source(
        samples=samples.astype(np.float32),
        labels=modes.astype(np.int64),
        title=density.title,
        origin=f"drawn from its density, seed {POINTS_SEED}",
        licence="none needed",
        citation="",
    )

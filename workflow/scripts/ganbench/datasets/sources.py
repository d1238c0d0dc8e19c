"""Where images come from: one function for each kind of dataset."""

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_digits


@dataclass(frozen=True)
class Source:
    """Images as found, before they are split.

    `images` is uint8 `(count, channels, height, width)`, `labels` int64 `(count,)`.
    """

    images: np.ndarray
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
        images=images,
        labels=found.target.astype(np.int64),
        title="Optical recognition of handwritten digits (test part)",
        origin="bundled with scikit-learn",
        licence="CC BY 4.0",
        citation="Alpaydin and Kaynak 1998, UCI Machine Learning Repository, doi:10.24432/C50P49",
    )

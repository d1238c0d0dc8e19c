"""Summaries of a set of images: all that metrics need of one set, computed once."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ganbench.evaluation.distances import neighbour_radii
from ganbench.evaluation.kernel_distance import mean_embedding, mean_kernel_within


class Gaussian(NamedTuple):
    """The Gaussian fitted to features: its mean `(size,)`, and the factor R of Σ = RᵀR."""

    mean: Tensor
    factor: Tensor


@dataclass(frozen=True)
class FeatureSet:
    """The features `(count, size)` of a set of images, and their summaries.

    `mean` `(size,)` and `factor`, the upper triangular R with Σ = RᵀR, describe the fitted
    Gaussian; `radii` `(count, 2)` are squared distances to neighbours; `kernel` is the mean kernel
    over all pairs of two different images, and `embedding` the set's mean embedding.
    """

    features: Tensor
    mean: Tensor
    factor: Tensor
    radii: Tensor
    kernel: Tensor
    embedding: Tensor


SUMMARIES = tuple(field.name for field in fields(FeatureSet) if field.name != "features")
"""The fields that are saved beside the features, each as an array of its own."""


SMALL_MATRIX = 256
"""The longest features whose covariance is decomposed on the CPU on every device."""


def summarise_features(features: Tensor, scale: float) -> FeatureSet:
    """Summarises `features` `(count, size)`; `scale` is that of the kernel.

    Raises ValueError where a feature is not finite, or where there are too few images.
    """
    if not torch.isfinite(features).all():
        raise ValueError("the extractor computed features that are not finite")
    mean, factor = fit_gaussian(features)
    embedding = mean_embedding(features, scale)
    return FeatureSet(
        features=features,
        mean=mean,
        factor=factor,
        radii=neighbour_radii(features),
        kernel=mean_kernel_within(features, scale, embedding),
        embedding=embedding,
    )


def fit_gaussian(features: Tensor) -> Gaussian:
    """The mean and the upper triangular R with RᵀR the covariance, both float64."""
    values = to_algebra(features).double()
    mean = values.mean(0)
    centred = (values - mean) / (len(values) - 1) ** 0.5
    factor = torch.linalg.qr(centred, mode="r").R
    return Gaussian(mean.to(features.device), factor.to(features.device))


def to_algebra(features: Tensor) -> Tensor:
    """`features` `(…, size)` on the device where matrices of this size are decomposed fastest.

    A GPU's library of decompositions takes longer to load than a CPU to decompose small matrices.
    """
    return features.cpu() if features.shape[-1] <= SMALL_MATRIX else features


def to_arrays(name: str, images: FeatureSet) -> dict[str, np.ndarray]:
    """The summaries of a set as arrays, keyed `{name}_{field}`."""
    return {f"{name}_{field}": getattr(images, field).cpu().numpy() for field in SUMMARIES}


def from_arrays(name: str, features: Tensor, arrays: Mapping[str, np.ndarray]) -> FeatureSet:
    """Restores the set that `to_arrays` saved, on the device of its features."""
    summaries = {
        field: torch.from_numpy(arrays[f"{name}_{field}"]).to(features.device)
        for field in SUMMARIES
    }
    return FeatureSet(features, **summaries)

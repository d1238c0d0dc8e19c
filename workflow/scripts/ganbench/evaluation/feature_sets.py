"""A set of images as metrics see it: features, and what is computed from them only once."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from ganbench.evaluation.distances import neighbour_radii
from ganbench.evaluation.kernel_distance import embedding, mean_within


@dataclass(frozen=True)
class FeatureSet:
    """Features `(count, size)` of a set of images and its own part of every metric.

    `mean` `(size,)` and the triangular `factor` R with Σ = RᵀR describe the fitted Gaussian;
    `radii` `(count, 2)` are squared distances to neighbours; `kernel` is the mean of the kernel
    over all pairs of two different images, and `embedding` the images' mean in the kernel's own
    features.
    """

    features: Tensor
    mean: Tensor
    factor: Tensor
    radii: Tensor
    kernel: Tensor
    embedding: Tensor


STATISTICS = tuple(field.name for field in fields(FeatureSet) if field.name != "features")
"""What a file keeps of a set beside its features."""


def describe(features: Tensor, scale: float) -> FeatureSet:
    """The set of `features` `(count, size)`; `scale` is the kernel's.

    Raises ValueError where a feature is not finite, or there are too few images.
    """
    if not torch.isfinite(features).all():
        raise ValueError("the extractor made features that are not finite")
    mean, factor = gaussian(features)
    radii = neighbour_radii(features)
    embedded = embedding(features, scale)
    kernel = mean_within(features, scale, embedded)
    return FeatureSet(features, mean, factor, radii, kernel, embedded)


def gaussian(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean `(size,)` and upper triangular R with RᵀR the covariance of `features`, in double."""
    mean = features.double().mean(0)
    centred = (features.double() - mean) / (len(features) - 1) ** 0.5
    return mean, torch.linalg.qr(centred, mode="r").R


def to_arrays(name: str, found: FeatureSet) -> dict[str, np.ndarray]:
    """Named arrays of a set's statistics, to be kept beside its features."""
    return {f"{name}_{part}": getattr(found, part).cpu().numpy() for part in STATISTICS}


def from_arrays(name: str, features: Tensor, arrays: Mapping[str, np.ndarray]) -> FeatureSet:
    """The set that `to_arrays` kept, on the device of its features."""
    kept = {
        part: torch.from_numpy(arrays[f"{name}_{part}"]).to(features.device) for part in STATISTICS
    }
    return FeatureSet(features, **kept)

"""A set of images as metrics see it: features, and what is computed from them only once."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from ganbench.evaluation.distances import BLOCK, neighbour_radii


@dataclass(frozen=True)
class FeatureSet:
    """Features `(count, size)` of a set of images and its own part of every metric.

    `mean` `(size,)` and the triangular `factor` R with Σ = RᵀR describe the fitted Gaussian;
    `radii` `(count, 2)` are squared distances to neighbours; `kernel` is the mean of the kernel
    over all pairs of two different images.
    """

    features: Tensor
    mean: Tensor
    factor: Tensor
    radii: Tensor
    kernel: Tensor


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
    return FeatureSet(features, mean, factor, radii, kernel_within(features, scale))


def gaussian(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean `(size,)` and upper triangular R with RᵀR the covariance of `features`, in double."""
    mean = features.double().mean(0)
    centred = (features.double() - mean) / (len(features) - 1) ** 0.5
    return mean, torch.linalg.qr(centred, mode="r").R


def kernel_sum(first: Tensor, second: Tensor, scale: float) -> Tensor:
    """Sum of (s²xᵀy/d + 1)³ over all pairs (Bińkowski et al. 2018, Section 4), s the scale."""
    unit = scale / first.shape[1] ** 0.5
    total = torch.zeros((), dtype=torch.float64, device=first.device)
    one = torch.ones((), dtype=torch.float64, device=first.device)
    for columns in second.split(BLOCK):
        scaled = columns.double().T * unit
        for rows in first.split(BLOCK):
            base = torch.addmm(one, rows.double() * unit, scaled)
            total += torch.dot(base.square().flatten(), base.flatten())
    return total


def kernel_within(features: Tensor, scale: float) -> Tensor:
    """Mean of the kernel over all pairs of two different images."""
    norms = features.double().square().sum(1) * scale**2 / features.shape[1]
    count = len(features)
    return (kernel_sum(features, features, scale) - ((norms + 1) ** 3).sum()) / (count**2 - count)


def to_arrays(name: str, found: FeatureSet) -> dict[str, np.ndarray]:
    """Named arrays of a set's statistics, to be kept beside its features."""
    return {f"{name}_{part}": getattr(found, part).cpu().numpy() for part in STATISTICS}


def from_arrays(name: str, features: Tensor, arrays: Mapping[str, np.ndarray]) -> FeatureSet:
    """The set that `to_arrays` kept, on the device of its features."""
    kept = {
        part: torch.from_numpy(arrays[f"{name}_{part}"]).to(features.device) for part in STATISTICS
    }
    return FeatureSet(features, **kept)

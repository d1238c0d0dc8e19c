"""The Fréchet distance, and what it tends to with more and more generated images.

From n generated images, the distance is biased upwards by about a/n, with an a of each generator's
own. So it is measured on all of them, on halves and on quarters, and the straight line in 1/n is
followed to 0 (Chong & Forsyth 2020, Effectively unbiased FID and inception score, Section 4).

Between Gaussians with moments (μ₁, Σ₁) and (μ₂, Σ₂), the distance has the derivative 2(μ₁ − μ₂) by
μ₁ and I − T by Σ₁, where T is the optimal transport from the first to the second. An image x moves
it by 1/n of its influence (Hampel 1974, The influence curve and its role in robust estimation)

    2(μ₁ − μ₂)ᵀ(x − μ₁) + (x − μ₁)ᵀ(I − T)(x − μ₁) + constant,

so the standard error is the standard deviation of the influence over √n.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ganbench.evaluation.feature_sets import (
    SMALL_MATRIX,
    FeatureSet,
    Gaussian,
    fit_gaussian,
    to_algebra,
)

PARTS = (1, 2, 4)
"""Into how many equal parts the images are divided."""

FEW_PARTS = (1, 2)
"""The same for features longer than `SMALL_MATRIX`, whose decompositions take long."""


def frechet_distance(generated: FeatureSet | Gaussian, real: FeatureSet | Gaussian) -> float:
    """The Fréchet distance between the fitted Gaussians (Heusel et al. 2017, Eq. 6).

    With Σᵢ = RᵢᵀRᵢ, the trace of (Σ₁Σ₂)^½ is the sum of the singular values of R₁R₂ᵀ. This avoids
    the square root of a nearly singular product.
    """
    shift = (generated.mean - real.mean).square().sum()
    spread = generated.factor.square().sum() + real.factor.square().sum()
    factors = to_algebra(generated.factor), to_algebra(real.factor)
    common = torch.linalg.svdvals(factors[0] @ factors[1].T).sum()
    return float((shift + spread).cpu() - 2 * common.cpu())


def fit_parts(features: Tensor) -> list[list[Gaussian]]:
    """The Gaussians of halves, of quarters, …: `features` `(count, size)` in equal parts.

    Every k-th image belongs to the same of k parts; parts of one image or none are left out.
    """
    numbers = PARTS if features.shape[1] <= SMALL_MATRIX else FEW_PARTS
    return [
        [fit_gaussian(features[start::parts]) for start in range(parts)]
        for parts in numbers[1:]
        if len(features) >= 2 * parts
    ]


def extrapolate_distance(
    generated: FeatureSet, parts: Sequence[Sequence[Gaussian]], real: FeatureSet
) -> float:
    """FD∞, the Fréchet distance to `real` extrapolated to infinitely many generated images.

    `parts` are those of `fit_parts`.
    """
    sizes = [1, *map(len, parts)]  # 1/n in units of 1/count
    distances = [frechet_distance(generated, real)]
    distances += [np.mean([frechet_distance(part, real) for part in equal]) for equal in parts]
    return float(np.polynomial.Polynomial.fit(sizes, distances, 1)(0))


def standard_error(generated: FeatureSet, real: FeatureSet) -> float:
    """The standard error of the Fréchet distance over samples of as many generated images.

    With R₁R₂ᵀ = USVᵀ, xᵀTx is |S^-½VᵀR₂x|²; V and S² are eigenvectors and eigenvalues.
    """
    ours, theirs = to_algebra(generated.factor), to_algebra(real.factor)
    common = ours @ theirs.T
    squares, vectors = torch.linalg.eigh(common.T @ common)
    rounding = torch.finfo(squares.dtype).eps * len(squares) * squares.max()
    kept = squares > rounding
    directions = (theirs.T @ vectors[:, kept] / squares[kept] ** 0.25).to(generated.mean.device)
    images = generated.features.double() - generated.mean
    transported = (images @ directions).square().sum(1)
    shift = 2 * images @ (generated.mean - real.mean)
    influence = shift + images.square().sum(1) - transported
    return float(influence.std() / len(images) ** 0.5)

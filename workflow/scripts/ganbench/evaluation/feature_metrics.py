"""Metrics of generated images, computed from features and logits that were extracted before."""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ganbench.catalogue import metrics
from ganbench.evaluation.batches import block_size
from ganbench.evaluation.distances import mean_distance, nearest_distances
from ganbench.evaluation.extractor import Features
from ganbench.evaluation.feature_sets import FeatureSet, Gaussian, summarise_features
from ganbench.evaluation.frechet import (
    extrapolate_distance,
    fit_parts,
    frechet_distance,
    standard_error,
)
from ganbench.evaluation.gaussian_kernel import mean_gaussian_between, mean_gaussian_within
from ganbench.evaluation.kernel_distance import mean_kernel_between
from ganbench.evaluation.mode_coverage import is_stacked, join_logits
from ganbench.evaluation.neighbourhoods import Neighbourhoods, compare_neighbourhoods


@dataclass(frozen=True)
class RealImages:
    """The real images that generated ones are compared with.

    `references` are equally large sets by the name of their split. `train` `(count, size)` are the
    features of all training images, the first of which form the reference `train`. `scale` is that
    of the kernel, and `held_out_distance` the mean distance from a held-out image to its nearest
    training image. At most `copy_distance` (squared) away, an image counts as a copy. `bandwidth`
    is that of the Gaussian kernel, and `kernels` has its mean over the pairs of each reference.
    """

    references: Mapping[str, FeatureSet]
    train: Tensor
    scale: float
    held_out_distance: float
    copy_distance: float
    bandwidth: float
    kernels: Mapping[str, float]

    @property
    def count(self) -> int:
        """The number of images in each reference."""
        return min(len(images.features) for images in self.references.values())


def kernel_scale(train: Tensor, extractor: str) -> float:
    """What features are multiplied by before the kernel: 1 for Inception-v3, as published.

    For others √size over the mean norm of the training features, so that xᵀy/d is about 1.
    """
    if extractor == metrics.INCEPTION:
        return 1.0
    blocks = train.split(block_size(train.device))
    norms = torch.cat([block.double().norm(dim=1) for block in blocks])
    return math.sqrt(train.shape[1]) / float(norms.mean())


def kernel_distance(generated: FeatureSet, real: FeatureSet, scale: float) -> float:
    """The unbiased kernel distance over all pairs (Bińkowski et al. 2018, Section 4)."""
    embeddings = (generated.embedding, real.embedding)
    between = mean_kernel_between(generated.features, real.features, scale, embeddings)
    return float(generated.kernel + real.kernel - 2 * between)


def inception_score(logits: Tensor) -> float:
    """The inception score of class logits `(count, classes)` over 10 splits (Salimans et al. 2016).

    The images are shuffled in the order that torch-fidelity uses.
    """
    order = np.random.RandomState(2020).permutation(len(logits))
    logits = logits.cpu().double()[order]
    edges = np.arange(metrics.INCEPTION_SCORE_SPLITS + 1) * len(logits)
    scores = []
    for start, end in itertools.pairwise(edges // metrics.INCEPTION_SCORE_SPLITS):
        log_classes = logits[start:end].log_softmax(1)
        classes = log_classes.exp()
        divergence = (classes * (log_classes - classes.mean(0).log())).sum(1).mean()
        scores.append(float(divergence.exp()))
    return float(np.mean(scores))


def score_features(
    generated: Features, real: RealImages, extractor: str
) -> Iterator[tuple[str, str, float]]:
    """Yields (reference, metric, value) for every metric and every reference.

    Raises ValueError where a metric needs more images, or where features are not finite.
    """
    minimum = metrics.minimum_samples(extractor)
    if len(generated.features) < minimum:
        raise ValueError(
            f"evaluation.samples: found {len(generated.features)}, expected at least {minimum}, "
            f"which the metrics over {extractor} need"
        )
    images = summarise_features(generated.features, real.scale)
    parts = fit_parts(generated.features)
    kernel = mean_gaussian_within(generated.features, real.bandwidth)
    for reference in real.references:
        comparison = Comparison(images, real, reference, parts, kernel)
        for name, score in OF_COMPARISONS.items():
            if reference == "train" or name not in AGAINST_TRAINING_ONLY:
                value = _check_finite(name, score(comparison))
                yield reference, metrics.qualify(name, extractor), value
    if generated.logits is not None:
        value = _score_logits(generated.logits)
        yield "none", metrics.qualify("IS", extractor), _check_finite("IS", value)


def _score_logits(logits: Tensor) -> float:
    return inception_score(join_logits(logits) if is_stacked(logits) else logits)


def score_one(name: str, generated: Features, real: RealImages, reference: str) -> float:
    """One metric of `metrics.BY_FEATURES`, without the work of all others."""
    if name == "IS":
        if generated.logits is None:
            raise ValueError("IS needs an extractor that knows classes")
        return _score_logits(generated.logits)
    features = generated.features
    parts = fit_parts(features) if name == "FD_infinity" else []
    kernel = mean_gaussian_within(features, real.bandwidth) if name == "MMD2" else math.nan
    images = summarise_features(features, real.scale)
    return OF_COMPARISONS[name](Comparison(images, real, reference, parts, kernel))


@dataclass(frozen=True)
class Comparison:
    """Generated images beside one reference, with what several metrics share.

    `parts` are the Gaussians of parts of the generated images, and `kernel` is the mean Gaussian
    kernel over pairs of them.
    """

    generated: FeatureSet
    real: RealImages
    reference: str
    parts: list[list[Gaussian]]
    kernel: float

    @property
    def images(self) -> FeatureSet:
        """The real images of the reference."""
        return self.real.references[self.reference]

    @cached_property
    def neighbours(self) -> Neighbourhoods:
        """Which images lie in whose neighbourhoods."""
        return compare_neighbourhoods(self.generated, self.images)

    @cached_property
    def nearest(self) -> Tensor:
        """Squared distances `(count,)` to the nearest of all training images."""
        other_images = self.real.train[len(self.images.features) :]
        to_others = nearest_distances(self.generated.features, other_images)
        return torch.minimum(self.neighbours.nearest_distances(), to_others)


def memorisation(comparison: Comparison) -> float:
    """The mean distance to the nearest training image, over that of held-out images."""
    return mean_distance(comparison.nearest) / comparison.real.held_out_distance


def share_of_copies(comparison: Comparison) -> float:
    """The share of images that are as near to a training image as a copy."""
    return float((comparison.nearest <= comparison.real.copy_distance).double().mean())


def squared_discrepancy(comparison: Comparison) -> float:
    """The unbiased squared maximum mean discrepancy with a Gaussian kernel."""
    real, features = comparison.real, comparison.images.features
    between = mean_gaussian_between(comparison.generated.features, features, real.bandwidth)
    return comparison.kernel + real.kernels[comparison.reference] - 2 * between


OF_COMPARISONS: dict[str, Callable[[Comparison], float]] = {
    "FD": lambda pair: frechet_distance(pair.generated, pair.images),
    "KID": lambda pair: kernel_distance(pair.generated, pair.images, pair.real.scale),
    "precision": lambda pair: pair.neighbours.precision,
    "recall": lambda pair: pair.neighbours.recall,
    "density": lambda pair: pair.neighbours.density,
    "coverage": lambda pair: pair.neighbours.coverage,
    "memorisation": memorisation,
    "copies": share_of_copies,
    "FD_infinity": lambda pair: extrapolate_distance(pair.generated, pair.parts, pair.images),
    "FD_infinity_error": lambda pair: standard_error(pair.generated, pair.images),
    "MMD2": squared_discrepancy,
}
"""The metrics that compare features with a reference, by their names in the catalogue."""

AGAINST_TRAINING_ONLY = ("memorisation", "copies")
"""Those that say nothing about held-out images."""


def _check_finite(name: str, value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{name} is {value}: the features are not finite")
    return value

"""Metrics of generated images, computed from features and logits that were extracted before."""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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
from ganbench.evaluation.neighbourhoods import compare_neighbourhoods


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
        scores = itertools.chain(
            _compare(images, real, reference),
            _compare_without_bias(images, parts, kernel, real, reference),
        )
        for name, value in scores:
            yield reference, metrics.qualify(name, extractor), _check_finite(name, value)
    if generated.logits is not None:
        logits = generated.logits
        value = inception_score(join_logits(logits) if is_stacked(logits) else logits)
        yield "none", metrics.qualify("IS", extractor), _check_finite("IS", value)


def _compare(
    generated: FeatureSet, real: RealImages, reference: str
) -> Iterator[tuple[str, float]]:
    """Yields (base name, value) of every metric that compares with `reference`."""
    images = real.references[reference]
    neighbours = compare_neighbourhoods(generated, images)
    yield "FD", frechet_distance(generated, images)
    yield "KID", kernel_distance(generated, images, real.scale)
    yield "precision", neighbours.precision
    yield "recall", neighbours.recall
    yield "density", neighbours.density
    yield "coverage", neighbours.coverage
    if reference == "train":
        other_images = real.train[len(images.features) :]
        to_others = nearest_distances(generated.features, other_images)
        nearest = torch.minimum(neighbours.nearest_distances(), to_others)
        yield "memorisation", mean_distance(nearest) / real.held_out_distance
        yield "copies", float((nearest <= real.copy_distance).double().mean())


def _compare_without_bias(
    generated: FeatureSet,
    parts: list[list[Gaussian]],
    kernel: float,
    real: RealImages,
    reference: str,
) -> Iterator[tuple[str, float]]:
    """Yields (base name, value) of the metrics whose expectation does not depend on the count.

    `parts` are the Gaussians of parts of the generated images, and `kernel` is the mean Gaussian
    kernel over pairs of them.
    """
    images = real.references[reference]
    yield "FD_infinity", extrapolate_distance(generated, parts, images)
    yield "FD_infinity_error", standard_error(generated, images)
    between = mean_gaussian_between(generated.features, images.features, real.bandwidth)
    yield "MMD2", kernel + real.kernels[reference] - 2 * between


def _check_finite(name: str, value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{name} is {value}: the features are not finite")
    return value

"""Metrics over features that were extracted once: nothing is cached, nothing downloaded."""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganbench.catalogue import metrics
from ganbench.evaluation.distances import mean_distance, nearest_distances
from ganbench.evaluation.extractor import Features
from ganbench.evaluation.feature_sets import FeatureSet, describe
from ganbench.evaluation.kernel_distance import mean_across
from ganbench.evaluation.neighbourhoods import neighbourhoods


@dataclass(frozen=True)
class RealImages:
    """What generated images are held against.

    `sets` are the references, of equal size; `train` `(count, size)` features of all training
    images, of which the first are the set of that name; `scale` the kernel's; `held_out_distance`
    the mean distance of held-out images to their nearest training image.
    """

    sets: Mapping[str, FeatureSet]
    train: Tensor
    scale: float
    held_out_distance: float

    @property
    def count(self) -> int:
        """Images in each reference."""
        return min(len(each.features) for each in self.sets.values())


def kernel_scale(train: Tensor) -> float:
    """√size over the mean norm of the train features: makes the kernel's xᵀy/size about 1."""
    return math.sqrt(train.shape[1]) / float(train.double().norm(dim=1).mean())


def frechet_distance(generated: FeatureSet, real: FeatureSet) -> float:
    """Distance of the fitted Gaussians (Heusel et al. 2017, Eq. 6).

    With Σᵢ = RᵢᵀRᵢ, the trace of (Σ₁Σ₂)^½ is the sum of the singular values of R₁R₂ᵀ: no square
    root of a nearly singular product is taken.
    """
    shift = (generated.mean - real.mean).square().sum()
    spread = generated.factor.square().sum() + real.factor.square().sum()
    common = torch.linalg.svdvals(generated.factor @ real.factor.T).sum()
    return float(shift + spread - 2 * common)


def kernel_distance(generated: FeatureSet, real: FeatureSet, scale: float) -> float:
    """Unbiased kernel distance over all pairs (Bińkowski et al. 2018, Section 4)."""
    embeddings = (generated.embedding, real.embedding)
    across = mean_across(generated.features, real.features, scale, embeddings)
    return float(generated.kernel + real.kernel - 2 * across)


def inception_score(logits: Tensor) -> float:
    """Inception score over 10 splits of class logits `(count, classes)` (Salimans et al. 2016).

    The images are shuffled as torch-fidelity does, whose code takes seconds to import.
    """
    order = np.random.RandomState(2020).permutation(len(logits))
    logits = logits.cpu().double()[order]
    splits = np.arange(metrics.INCEPTION_SCORE_SPLITS + 1) * len(logits)
    scores = []
    for start, end in itertools.pairwise(splits // metrics.INCEPTION_SCORE_SPLITS):
        log_classes = logits[start:end].log_softmax(1)
        classes = log_classes.exp()
        divergence = (classes * (log_classes - classes.mean(0).log())).sum(1).mean()
        scores.append(float(divergence.exp()))
    return float(np.mean(scores))


def score(
    generated: Features, real: RealImages, extractor: str
) -> Iterator[tuple[str, str, float]]:
    """(reference, metric, value) of every metric, against every set of `real`.

    Raises ValueError where there are too few images for a metric, or features are not finite.
    """
    least = metrics.minimum_samples(extractor)
    if len(generated.features) < least:
        raise ValueError(
            f"evaluation.samples: found {len(generated.features)}, expected at least {least}, "
            f"which the metrics over {extractor} need"
        )
    images = describe(generated.features, real.scale)
    for reference in real.sets:
        for name, value in _against(images, real, reference):
            yield reference, metrics.qualify(name, extractor), _finite(name, value)
    if generated.logits is not None:
        value = inception_score(generated.logits)
        yield "none", metrics.qualify("IS", extractor), _finite("IS", value)


def _against(
    generated: FeatureSet, real: RealImages, reference: str
) -> Iterator[tuple[str, float]]:
    images = real.sets[reference]
    found = neighbourhoods(generated, images)
    yield "FD", frechet_distance(generated, images)
    yield "KID", kernel_distance(generated, images, real.scale)
    yield "precision", found.precision
    yield "recall", found.recall
    yield "density", found.density
    yield "coverage", found.coverage
    if reference == "train":
        others = nearest_distances(generated.features, real.train[len(images.features) :])
        distance = mean_distance(torch.minimum(found.nearest(), others))
        yield "memorisation", distance / real.held_out_distance


def _finite(name: str, value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{name} is {value}: the features are not finite")
    return value

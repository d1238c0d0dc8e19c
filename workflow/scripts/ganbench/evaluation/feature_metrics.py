"""Metrics over features, from torch-fidelity's functions: nothing is cached, nothing downloaded."""

import math
from collections.abc import Iterator, Mapping

import numpy as np
from torch import Tensor
from torch_fidelity.metric_fid import (
    KEY_METRIC_FID,
    fid_features_to_statistics,
    fid_statistics_to_metric,
)
from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, isc_features_to_metric
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric
from torch_fidelity.metric_prc import (
    KEY_METRIC_PRECISION,
    KEY_METRIC_RECALL,
    prc_features_to_metric,
)

from ganbench import metrics
from ganbench.evaluation.extractors import Features

KID_SUBSET_SIZE = 1000
KID_SUBSETS = 100
INCEPTION_SCORE_SPLITS = 10


def frechet_distance(generated: Tensor, real: Tensor) -> float:
    """Distance of Gaussians fitted to features `(count, size)` (Heusel et al. 2017, Eq. 6)."""
    statistics = [fid_features_to_statistics(features) for features in (generated, real)]
    return fid_statistics_to_metric(*statistics, verbose=False)[KEY_METRIC_FID]


def kernel_distance(generated: Tensor, real: Tensor, scale: float) -> float:
    """Kernel distance of features times `scale` (Bińkowski et al. 2018, Section 4).

    Over 100 subsets of 1000; where there are not more images than that, once over all of them.
    """
    smaller = min(len(generated), len(real))
    whole = smaller <= KID_SUBSET_SIZE
    return kid_features_to_metric(
        generated * scale,
        real * scale,
        kid_subsets=1 if whole else KID_SUBSETS,
        kid_subset_size=smaller if whole else KID_SUBSET_SIZE,
        verbose=False,
    )[KEY_METRIC_KID_MEAN]


def kernel_scale(train: Tensor) -> float:
    """√size over the mean norm of the train features: makes the kernel's xᵀy/size about 1."""
    return math.sqrt(train.shape[1]) / float(train.norm(dim=1).mean())


def precision_recall(generated: Tensor, real: Tensor) -> tuple[float, float]:
    """Precision and recall with k = 3 (Kynkäänniemi et al. 2019)."""
    found = prc_features_to_metric(generated, real, verbose=False)
    return found[KEY_METRIC_PRECISION], found[KEY_METRIC_RECALL]


def inception_score(logits: Tensor) -> float:
    """Inception score over 10 splits of class logits `(count, classes)` (Salimans et al. 2016)."""
    return isc_features_to_metric(logits, splits=INCEPTION_SCORE_SPLITS)[KEY_METRIC_ISC_MEAN]


def score(
    generated: Features, real: Mapping[str, Features], scale: float, extractor: str
) -> Iterator[tuple[str, str, float]]:
    """(reference, metric, value) of every metric, against every split of `real`."""
    for reference, images in real.items():
        precision, recall = precision_recall(generated.features, images.features)
        values = {
            "FD": frechet_distance(generated.features, images.features),
            "KID": kernel_distance(generated.features, images.features, scale),
            "precision": precision,
            "recall": recall,
        }
        for name, value in values.items():
            yield reference, metrics.qualified(name, extractor), _finite(name, value)
    name = metrics.qualified("IS", extractor)
    yield "none", name, _finite("IS", inception_score(generated.logits))


def _finite(name: str, value: float) -> float:
    if not np.isfinite(value):
        raise ValueError(f"{name} is {value}: the features hold non-finite or too few values")
    return value

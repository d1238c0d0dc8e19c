"""Exact squared distances between images in feature space, without a full distance matrix.

Float32 distances with an error bound (see `float32_distances`) select the pairs that can matter,
and only these are computed in float64. That is three times as fast as float64 for all pairs.
"""

import torch
from torch import Tensor

from ganbench.catalogue import metrics
from ganbench.evaluation.batches import block_size
from ganbench.evaluation.float32_distances import Float32Distances, block_minima, find_candidates

TIE = 1e-13
"""More than the rounding of a squared distance, as a share of the features' variance."""

CENTRING = (8 * torch.finfo(torch.float64).eps) ** 2
"""More than what the rounding of centring adds, as a share of the features' mean squared norm."""

KS = (metrics.NEIGHBOURS["precision"], metrics.NEIGHBOURS["density"])
"""The neighbour k that defines a ball: first for precision and recall, then for density and
coverage."""

EDGES = (1, -1)
"""Whether an image on the edge of a ball counts as inside (1) or outside (−1), for each of `KS`.

As in the authors' code: precision and recall compare by ≤ (kynkaat/improved-precision-and-recall-
metric), density and coverage by < (clovaai/generative-evaluation-prdc).
"""


def squared_distances(first: Tensor, second: Tensor) -> Tensor:
    """|x − y|² of features `(rows, size)` and `(columns, size)`, float64 `(rows, columns)`.

    Both are centred first: norms that are large beside the distances would round them away.
    """
    centre = second.double().mean(0)
    first, second = first.double() - centre, second.double() - centre
    products = torch.addmm(second.square().sum(1), first, second.T, alpha=-2)
    return products.add_(first.square().sum(1, keepdim=True))


def neighbour_radii(features: Tensor) -> Tensor:
    """The squared distance from each image to its k-th nearest other image, `(count, 2)`.

    The columns are for k = 3, as in precision and recall, and for k = 5, as in density and
    coverage. Raises ValueError where there are 5 images or fewer.
    """
    if len(features) <= max(KS):
        raise ValueError(f"found {len(features)} images, expected at least {max(KS) + 1}")
    radii = torch.empty(len(features), len(KS), dtype=torch.float64, device=features.device)
    undecided = torch.ones(len(features), dtype=torch.bool, device=features.device)
    for rows, candidates, bound in find_candidates(features):
        differences = features[candidates].double() - features[rows].double()[:, None]
        nearest = differences.square().sum(2).sort(dim=1).values
        radii[rows] = nearest[:, list(KS)]  # index 0 is the image itself
        undecided[rows] = ~(nearest[:, max(KS)] <= bound)  # negated, so that NaN is undecided
    undecided = undecided.nonzero().squeeze(1)
    radii[undecided] = _exact_radii(features[undecided], features)
    return radii + torch.tensor(EDGES, device=features.device) * tie(features)


def tie(features: Tensor) -> Tensor:
    """How much squared radii change, so that `EDGES` decides ties and not the last bits."""
    return TIE * variance(features) + CENTRING * features.double().square().sum(1).mean()


def variance(features: Tensor) -> Tensor:
    """The mean squared distance of `features` `(count, size)` from their mean, a float64 scalar."""
    return features.double().var(0, correction=0).sum()


def _exact_radii(some: Tensor, features: Tensor) -> Tensor:
    """The radii of `some` of the images, from their float64 distances to all `features`."""
    size = block_size(features.device)
    radii = [torch.empty(0, len(KS), dtype=torch.float64, device=features.device)]
    for rows in some.split(size) if len(some) else ():
        nearest = torch.empty(len(rows), 0, dtype=torch.float64, device=features.device)
        for columns in features.split(size):
            nearest = torch.cat([nearest, squared_distances(rows, columns)], dim=1)
            count = min(max(KS) + 1, nearest.shape[1])
            nearest = nearest.topk(count, largest=False).values
        radii.append(nearest.sort(dim=1).values[:, list(KS)])
    return torch.cat(radii)


def nearest_distances(features: Tensor, others: Tensor) -> Tensor:
    """The squared distance from each image to its nearest of `others`, `(count,)`.

    Infinite where `others` is empty.
    """
    if not len(others):
        return torch.full((len(features),), torch.inf, dtype=torch.float64, device=features.device)
    pairs = Float32Distances(features, others)
    return refine_nearest(pairs, block_minima(pairs))


def refine_nearest(pairs: Float32Distances, minima: Tensor) -> Tensor:
    """The exact squared distance from each row of `pairs` to its nearest column, `(rows,)`.

    `minima` `(rows, blocks)` are the least float32 distances to each block of columns. Only blocks
    that can contain the nearest column are computed again.
    """
    rows, columns = pairs.features
    size = block_size(rows.device)
    nearest = torch.full((len(rows),), torch.inf, dtype=torch.float64, device=rows.device)
    limit = minima.amin(1) + 2 * pairs.row_error
    for block, block_minimum in zip(columns.split(size), minima.unbind(1), strict=True):
        close = (~(block_minimum > limit)).nonzero().squeeze(1)
        for indices in close.split(size) if len(close) else ():
            distances = squared_distances(rows[indices], block).amin(1)
            nearest[indices] = torch.minimum(nearest[indices], distances)
    return nearest


def mean_distance(squared: Tensor) -> float:
    """The mean distance, from squared distances that rounding may have left below zero."""
    return float(squared.clamp(min=0).sqrt().mean())

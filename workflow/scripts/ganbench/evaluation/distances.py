"""Squared distances between images in feature space, block by block: no full matrix is held.

What is returned is exact to double precision. |x − y|² is taken as |x|² + |y|² − 2xᵀy, which loses
half of the digits; so `single` finds in single precision, three times as fast, which few pairs can
matter, and only these are looked at here.
"""

import torch
from torch import Tensor

from ganbench.catalogue import metrics
from ganbench.evaluation.float32_distances import BLOCK, Pairs, least_of_blocks, nearest_candidates

TIE = 1e-13
"""A ball's squared radius is enlarged by this share of the features' mean squared norm.

An image exactly on a ball's edge, such as a copy of the neighbour that the ball reaches to, then
counts as inside however the last bits were rounded.
"""

KS = (metrics.NEIGHBOURS["precision"], metrics.NEIGHBOURS["density"])
"""Neighbours that balls reach to: the first k for precision and recall, the second for density and
coverage."""


def squared_distances(first: Tensor, second: Tensor) -> Tensor:
    """|x − y|² of features `(rows, size)` and `(columns, size)`, `(rows, columns)`, in double."""
    first, second = first.double(), second.double()
    products = torch.addmm(second.square().sum(1), first, second.T, alpha=-2)
    return products.add_(first.square().sum(1, keepdim=True))


def neighbour_radii(features: Tensor) -> Tensor:
    """Squared distances of each image to its k-th nearest other one, `(count, 2)`.

    k is 3 in the first column, for precision and recall, and 5 in the second, for density and
    coverage. Raises ValueError where there are not more images than that.
    """
    if len(features) <= max(KS):
        raise ValueError(f"found {len(features)} images, expected at least {max(KS) + 1}")
    radii = torch.empty(len(features), len(KS), dtype=torch.float64, device=features.device)
    doubtful = torch.ones(len(features), dtype=torch.bool, device=features.device)
    for rows, candidates, floor in nearest_candidates(features):
        near = features[candidates].double() - features[rows].double()[:, None]
        near = near.square().sum(2).sort(dim=1).values
        radii[rows] = near[:, list(KS)]  # the image itself is its nearest
        doubtful[rows] = ~(near[:, max(KS)] <= floor)  # so that NaN is in doubt
    doubtful = doubtful.nonzero().squeeze(1)
    radii[doubtful] = _radii_of(features[doubtful], features)
    return radii + TIE * features.double().square().sum(1).mean()


def _radii_of(some: Tensor, features: Tensor) -> Tensor:
    """The same of `some` of the images, from their distances to all of them."""
    radii = [torch.empty(0, len(KS), dtype=torch.float64, device=features.device)]
    for rows in some.split(BLOCK) if len(some) else ():
        nearest = torch.empty(len(rows), 0, dtype=torch.float64, device=features.device)
        for columns in features.split(BLOCK):
            nearest = torch.cat([nearest, squared_distances(rows, columns)], dim=1)
            kept = min(max(KS) + 1, nearest.shape[1])
            nearest = nearest.topk(kept, largest=False).values
        radii.append(nearest.sort(dim=1).values[:, list(KS)])
    return torch.cat(radii)


def nearest_distances(features: Tensor, others: Tensor) -> Tensor:
    """Squared distance of each image to its nearest of `others`, `(count,)`; inf where none is."""
    if not len(others):
        return torch.full((len(features),), torch.inf, dtype=torch.float64, device=features.device)
    pairs = Pairs(features, others)
    return nearest_in_blocks(pairs, least_of_blocks(pairs))


def nearest_in_blocks(pairs: Pairs, least: Tensor) -> Tensor:
    """Squared distance of each row of `pairs` to its nearest column, `(rows,)`.

    `least` `(rows, blocks)` are the least distances to each block of columns in single precision:
    only blocks that can hold the nearest are looked at.
    """
    rows, columns = pairs.features
    nearest = torch.full((len(rows),), torch.inf, dtype=torch.float64, device=rows.device)
    reach = least.amin(1) + 2 * pairs.row_slack
    for block, of_block in zip(columns.split(BLOCK), least.unbind(1), strict=True):
        near = (~(of_block > reach)).nonzero().squeeze(1)
        for some in near.split(BLOCK) if len(near) else ():
            found = squared_distances(rows[some], block).amin(1)
            nearest[some] = torch.minimum(nearest[some], found)
    return nearest


def mean_distance(squared: Tensor) -> float:
    """Mean of distances that are given squared; rounding may have left some below zero."""
    return float(squared.clamp(min=0).sqrt().mean())

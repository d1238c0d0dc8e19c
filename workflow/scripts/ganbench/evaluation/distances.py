"""Distances between images in feature space, block by block, so that no full matrix is held.

All in double precision: |x − y|² is taken as |x|² + |y|² − 2xᵀy, which loses half of the digits.
"""

import torch
from torch import Tensor

from ganbench import metrics

BLOCK = 1000
"""Images in a block of rows or of columns. Changes no result, only speed and memory."""

TIE = 1e-13
"""A ball's squared radius is enlarged by this share of the features' mean squared norm.

An image exactly on a ball's edge, such as a copy of the neighbour that the ball reaches to, then
counts as inside however the last bits were rounded.
"""


def squared_distances(first: Tensor, second: Tensor) -> Tensor:
    """|x − y|² of features `(rows, size)` and `(columns, size)`, `(rows, columns)`."""
    first, second = first.double(), second.double()
    products = torch.addmm(second.square().sum(1), first, second.T, alpha=-2)
    return products.add_(first.square().sum(1, keepdim=True))


def neighbour_radii(features: Tensor) -> Tensor:
    """Squared distances of each image to its k-th nearest other one, `(count, 2)`.

    k is 3 in the first column, for precision and recall, and 5 in the second, for density and
    coverage. Raises ValueError where there are not more images than that.
    """
    ks = torch.tensor([metrics.NEIGHBOURS["precision"], metrics.NEIGHBOURS["density"]])
    largest = int(ks.max()) + 1  # the image itself is its nearest
    if len(features) < largest:
        raise ValueError(f"found {len(features)} images, expected at least {largest}")
    radii = []
    for rows in features.split(BLOCK):
        nearest = torch.empty(len(rows), 0, dtype=torch.float64, device=features.device)
        for columns in features.split(BLOCK):
            nearest = torch.cat([nearest, squared_distances(rows, columns)], dim=1)
            nearest = nearest.topk(min(largest, nearest.shape[1]), largest=False).values
        radii.append(nearest.sort(dim=1).values[:, ks.to(nearest.device)])
    return torch.cat(radii) + TIE * features.double().square().sum(1).mean()


def nearest_distances(features: Tensor, others: Tensor) -> Tensor:
    """Squared distance of each image to its nearest of `others`, `(count,)`; inf where none is."""
    nearest = torch.full((len(features),), torch.inf, dtype=torch.float64, device=features.device)
    for columns in others.split(BLOCK) if len(others) else ():
        found = [squared_distances(rows, columns).amin(1) for rows in features.split(BLOCK)]
        nearest = torch.minimum(nearest, torch.cat(found))
    return nearest


def mean_distance(squared: Tensor) -> float:
    """Mean of distances that are given squared; rounding may have left some below zero."""
    return float(squared.clamp(min=0).sqrt().mean())

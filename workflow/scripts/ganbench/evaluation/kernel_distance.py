"""Mean of the kernel (s²xᵀy/d + 1)³ over pairs of images (Bińkowski et al. 2018, Section 4).

With z the features, scaled, and a one beside them, the kernel is (zᵀz')³: the scalar product of
all products of three entries of z with those of z'. Its mean over all pairs of two sets is thus the
scalar product of the means of such products, the sets' embeddings. For features as short as the
classifier's that takes a tenth of the time of going through the pairs, or less where one set is
looked at before, and equals it but for rounding.
"""

import torch
from torch import Tensor

from ganbench.evaluation.float32_distances import BLOCK

EXPLICIT = 128
"""The longest features whose embedding is made: it has about size³/3 entries."""


def embedding(features: Tensor, scale: float) -> Tensor:
    """Mean of the kernel's own features over `features` `(count, size)`, in double precision.

    Each product of three entries of z stands in it once or twice, times the root of its share in
    (zᵀz')³. Empty where features are too long for it.
    """
    size = features.shape[1] + 1
    if size > EXPLICIT:
        return torch.empty(0, dtype=torch.float64, device=features.device)
    parts = [0.0] * size
    for block in features.split(BLOCK):
        entries = _scaled(block, scale)
        for first in range(size):  # two others, none before it
            rest = entries[:, first:]
            parts[first] = parts[first] + (rest * rest[:, :1]).T @ rest
    return torch.cat([(_shares(part) * part).flatten() for part in parts]) / len(features)


def _shares(part: Tensor) -> Tensor:
    """Roots of how often each of these products stands in (zᵀz')³, shared by its two places.

    Three different entries have 6 orders and 2 places; abb has 3 and 1; aab 3 and 2; aaa 1 and 1.
    """
    shares = torch.full_like(part, 3.0)
    shares[0] = shares[:, 0] = 1.5
    shares[0, 0] = 1.0
    return shares.sqrt()


def mean_across(
    first: Tensor, second: Tensor, scale: float, embeddings: tuple[Tensor, Tensor]
) -> Tensor:
    """Mean over all pairs of an image of `first` and one of `second`; by embeddings if given."""
    if len(embeddings[0]):
        return torch.dot(*embeddings)
    return _sum(first, second, scale) / (len(first) * len(second))


def mean_within(features: Tensor, scale: float, embedded: Tensor) -> Tensor:
    """Mean over all pairs of two different images, by the set's embedding if there is one."""
    count = len(features)
    total = count**2 * mean_across(features, features, scale, (embedded, embedded))
    of_itself = (_scaled(features, scale).square().sum(1) ** 3).sum()
    return (total - of_itself) / (count**2 - count)


def _scaled(features: Tensor, scale: float) -> Tensor:
    """z `(count, size + 1)` of features, in double precision."""
    one = torch.ones(len(features), 1, dtype=torch.float64, device=features.device)
    return torch.cat([features.double() * (scale / features.shape[1] ** 0.5), one], dim=1)


def _sum(first: Tensor, second: Tensor, scale: float) -> Tensor:
    """Sum over all pairs, block by block."""
    total = torch.zeros((), dtype=torch.float64, device=first.device)
    for columns in second.split(BLOCK):
        transposed = _scaled(columns, scale).T
        for rows in first.split(BLOCK):
            base = _scaled(rows, scale) @ transposed
            total += torch.dot(base.square().flatten(), base.flatten())
    return total

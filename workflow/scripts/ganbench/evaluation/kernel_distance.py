"""The mean of the polynomial kernel over pairs of images (Bińkowski et al. 2018, Section 4).

The kernel of two features x and y of d entries is k(x, y) = (s²xᵀy/d + 1)³, with a scale s that
all features share. With z = (s x/√d, 1) and z' = (s y/√d, 1), of d + 1 entries each,

    k(x, y) = (zᵀz')³ = Σᵢⱼₗ (zᵢzⱼzₗ)(z'ᵢz'ⱼz'ₗ),

an inner product of all cubic monomials of z and z'. By linearity, the mean of k over all pairs of
two sets is the inner product of the sets' mean embeddings, their mean vectors of monomials.

This takes O(n d³/3) operations for n images instead of O(n² d) over all pairs, and an embedding is
reused. For the classifier's 64 features it takes a tenth of the time; the results differ by
rounding only.
"""

from functools import cache

import torch
from torch import Tensor

from ganbench.evaluation.batches import block_size

EMBEDDED_SIZE = 128
"""The longest z that is embedded; an embedding has about size³/3 entries."""


def mean_embedding(features: Tensor, scale: float) -> Tensor:
    """The mean embedding of `features` `(count, size)`, float64 `(entries,)`.

    Equal monomials share a weight, √(number of orders / number of entries), so that inner products
    of embeddings are means of the kernel. Empty where features are too long.
    """
    size = features.shape[1] + 1
    if size > EMBEDDED_SIZE:
        return torch.empty(0, dtype=torch.float64, device=features.device)
    sums = [0.0] * size
    for block in features.split(block_size(features.device)):
        entries = _augment(block, scale)
        for first in range(size):  # monomials whose smallest index is `first`
            rest = entries[:, first:]
            sums[first] = sums[first] + (rest * rest[:, :1]).T @ rest
    totals = torch.cat([part.flatten() for part in sums])
    return _weights(size, features.device) * totals / len(features)


@cache
def _weights(size: int, device: torch.device) -> Tensor:
    """The weights of an embedding's entries, for z of `size` entries.

    These are the monomials zᵢzⱼzₗ with the same smallest i, a matrix over j, l ≥ i, for one i after
    the other. The sum over all i, j, l holds a monomial in 6, 3 or 1 orders, and the matrix in 2 or
    1 entries: i < j < l has 6 orders in 2 entries; i < j = l has 3 in 1; i = j < l has 3 in 2;
    i = j = l has 1 in 1.
    """
    parts = []
    for rest in range(size, 0, -1):
        shares = torch.full((rest, rest), 3.0, dtype=torch.float64)
        shares[0] = shares[:, 0] = 1.5
        shares[0, 0] = 1.0
        parts.append(shares.sqrt().flatten())
    return torch.cat(parts).to(device)


def mean_kernel_between(
    first: Tensor, second: Tensor, scale: float, embeddings: tuple[Tensor, Tensor]
) -> Tensor:
    """The mean kernel over all pairs of an image of `first` and one of `second`, a scalar.

    Uses their `embeddings`, unless these are empty.
    """
    if len(embeddings[0]):
        return torch.dot(*embeddings)
    return _sum_pairs(first, second, scale) / (len(first) * len(second))


def mean_kernel_within(features: Tensor, scale: float, embedding: Tensor) -> Tensor:
    """The mean kernel over all pairs of two different images, a scalar."""
    count = len(features)
    total = count**2 * mean_kernel_between(features, features, scale, (embedding, embedding))
    diagonal = (_augment(features, scale).square().sum(1) ** 3).sum()
    return (total - diagonal) / (count**2 - count)


def _augment(features: Tensor, scale: float) -> Tensor:
    """z of each feature, float64 `(count, size + 1)`."""
    one = torch.ones(len(features), 1, dtype=torch.float64, device=features.device)
    return torch.cat([features.double() * (scale / features.shape[1] ** 0.5), one], dim=1)


def _sum_pairs(first: Tensor, second: Tensor, scale: float) -> Tensor:
    """The sum of the kernel over all pairs, block by block."""
    total = torch.zeros((), dtype=torch.float64, device=first.device)
    block = block_size(first.device)
    for columns in second.split(block):
        transposed = _augment(columns, scale).T
        for rows in first.split(block):
            base = _augment(rows, scale) @ transposed
            total += torch.dot(base.square().flatten(), base.flatten())
    return total

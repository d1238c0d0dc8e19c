"""Squared distances in float32, with a bound on their error.

A float32 matrix product is more than twice as fast as a float64 one, and its error can be bounded.
So float32 decides nearly every comparison of distances for certain; callers repeat in float64 the
few that it leaves open.

Let x and y be two features of d entries, both minus the mean of the columns, which changes no
distance but makes the norms small. With n = d + 2, their squared distance is an inner product:

    |x − y|² = aᵀb,   a = (−2x, |x|², 1),   b = (y, 1, |y|²).

In whatever order the n products are summed, with unit roundoff u = 2⁻²⁴ (Higham 2002, Accuracy and
stability of numerical algorithms, Section 3.1):

    |fl(aᵀb) − aᵀb| ≤ γₙ |a|ᵀ|b|,   γₙ = nu / (1 − nu).

Here |a|ᵀ|b| ≤ 2|x||y| + |x|² + |y|² ≤ 2(|x|² + |y|²). The entries of a and b are rounded too.
Each rounding adds a factor 1 + δ, |δ| ≤ u, to a product: two for xₖyₖ, from centring; four for
|x|², from centring, squaring and rounding the sum. Rounding a radius and subtracting it add two
more. So γₙ₊₆ bounds the error, and it is at most (n + 10)u for d up to 8,000:

    |error| ≤ 2 (d + 12) u (|x|² + |y|²).

Overflow gives an infinity or NaN, which callers treat as undecided.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from ganbench.evaluation.batches import block_size

UNIT = torch.finfo(torch.float32).eps / 2
"""The unit roundoff u of float32."""

CANDIDATES = 8
"""Nearest images kept by float32: enough to contain the exact sixth nearest almost always."""

GROUP = 16
"""Images per group in the search for the nearest: groups are ranked by their nearest member."""


class Float32Distances:
    """Squared distances between `rows` and `columns`, features `(count, size)`, in float32.

    `row_error` `(rows,)` bounds the error of every distance of a row, and `column_error`
    `(columns,)` that of every distance of a column.
    """

    def __init__(self, rows: Tensor, columns: Tensor) -> None:
        self.features = (rows, columns)
        centre = columns.mean(0)
        x, y = (rows - centre).float(), (columns - centre).float()
        x_norms, y_norms = _squared_norms(x), _squared_norms(y)
        self._rows = torch.cat([-2 * x, x_norms, torch.ones_like(x_norms)], dim=1)
        self._columns = torch.cat([y, torch.ones_like(y_norms), y_norms], dim=1)
        terms = x.shape[1] + 12
        x_error, y_error = (2 * terms * UNIT * norms.squeeze(1) for norms in (x_norms, y_norms))
        self.row_error = x_error + y_error.max()
        self.column_error = y_error + x_error.max()

    def of_block(self, rows: slice, columns: slice, out: Tensor | None = None) -> Tensor:
        """The distances of a block, `(rows, columns)`, written to `out` if its shape fits."""
        first, second = self._rows[rows], self._columns[columns]
        if out is not None and out.shape != (len(first), len(second)):
            out = None
        return torch.mm(first, second.T, out=out)

    def blocks(self) -> tuple[list[slice], list[slice]]:
        """Blocks of rows and blocks of columns."""
        size = block_size(self._rows.device)
        return split_range(len(self._rows), size), split_range(len(self._columns), size)


def _squared_norms(features: Tensor) -> Tensor:
    """|x|² of each row, `(count, 1)`: float32 squares, summed in float64."""
    return features.square().sum(1, keepdim=True, dtype=torch.float64).float()


def split_range(count: int, size: int) -> list[slice]:
    """Consecutive slices of at most `size` indices that cover `range(count)`."""
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def block_minima(pairs: Float32Distances) -> Tensor:
    """The least distance from each row to each block of columns, `(rows, blocks)`."""
    row_blocks, column_blocks = pairs.blocks()
    minima, out = [], None
    for columns in column_blocks:
        parts = []
        for rows in row_blocks:
            out = pairs.of_block(rows, columns, out)
            parts.append(out.amin(1))
        minima.append(torch.cat(parts))
    return torch.stack(minima, dim=1)


def find_candidates(features: Tensor) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Yields the candidates for each image's nearest neighbours, block by block of images.

    A block is its rows, the indices `(rows, CANDIDATES)` of the nearest images in float32, the
    image itself among them, and a lower bound `(rows,)` on the exact squared distance to any other
    image. Yields nothing where there are too few images to choose from.
    """
    groups = len(features) // GROUP
    if groups < 2 * CANDIDATES:
        return
    pairs, out = Float32Distances(features, features), None
    grouped = groups * GROUP  # image i belongs to group i % groups; the last few to none
    members = torch.arange(0, grouped, groups, device=features.device)
    ungrouped = torch.arange(grouped, len(features), device=features.device)
    for rows in split_range(len(features), max(block_size(features.device) // 4, 1)):
        out = pairs.of_block(rows, slice(0, len(features)), out)
        # the CANDIDATES nearest images are in the CANDIDATES groups with the nearest members
        group_minima = out[:, :grouped].unflatten(1, (GROUP, groups)).amin(1)
        nearest_groups = group_minima.topk(CANDIDATES, dim=1, largest=False, sorted=False).indices
        indices = (nearest_groups[:, :, None] + members).flatten(1)
        indices = torch.cat([indices, ungrouped.expand(len(indices), -1)], dim=1)
        nearest = out.gather(1, indices).topk(CANDIDATES, dim=1, largest=False)
        bound = nearest.values[:, -1] - pairs.row_error[rows]
        yield rows, indices.gather(1, nearest.indices), bound

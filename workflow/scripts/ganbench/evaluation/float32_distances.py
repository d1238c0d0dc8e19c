"""Squared distances in single precision, and how far they may be from the exact ones.

A matrix product in single precision is more than twice as fast as one in double. Its error has a
bound (Higham 2002, Accuracy and stability of numerical algorithms, Section 3.1): a sum of n
products is off by at most nu/(1 − nu) times the sum of their magnitudes, in whatever order it is
taken. So it decides nearly all comparisons for certain; the few others are made again in double.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

BLOCK = 1000
"""Images in a block of rows or of columns. Changes no result, only speed and memory."""

UNIT = torch.finfo(torch.float32).eps / 2
"""The unit roundoff u of single precision."""

CANDIDATES = 8
"""Nearest images in single precision among which the exact sixth nearest nearly always is."""

MEMBERS = 16
"""Columns whose least distance stands for all of them in the search for the nearest."""


class Pairs:
    """Distances between `rows` and `columns`, two sets of features `(count, size)`.

    `row_slack` `(rows,)` and `column_slack` `(columns,)` bound the errors of the distances of a row
    to all columns, and of a column to all rows.
    """

    def __init__(self, rows: Tensor, columns: Tensor) -> None:
        self.features = (rows, columns)
        centre = columns.mean(0)  # distances stay what they are, norms and so errors get smaller
        first, second = ((each - centre).float() for each in self.features)
        norms = [
            each.square().sum(1, keepdim=True, dtype=torch.float64).float()
            for each in (first, second)
        ]
        ones = [torch.ones_like(each) for each in norms]
        self._rows = torch.cat([-2 * first, norms[0], ones[0]], dim=1)
        self._columns = torch.cat([second, ones[1], norms[1]], dim=1)
        # |x|² + |y|² + 2|x||y| ≤ 2|x|² + 2|y|²; 2 products more than features, and 10 for the
        # roundings of centred features, norms, radii that are compared with, and differences
        terms = first.shape[1] + 12
        slack = [2 * terms * UNIT * each.squeeze(1) for each in norms]
        self.row_slack = slack[0] + slack[1].max()
        self.column_slack = slack[1] + slack[0].max()

    def distances(self, rows: slice, columns: slice, out: Tensor | None = None) -> Tensor:
        """|x − y|² of a block, `(rows, columns)`; into the memory of `out` where it fits."""
        first, second = self._rows[rows], self._columns[columns]
        if out is not None and out.shape != (len(first), len(second)):
            out = None
        return torch.mm(first, second.T, out=out)

    def blocks(self) -> tuple[list[slice], list[slice]]:
        """Blocks of rows and of columns."""
        return blocks(len(self._rows)), blocks(len(self._columns))


def blocks(count: int, size: int | None = None) -> list[slice]:
    """Consecutive slices of at most `size`, or BLOCK, that cover `count`."""
    size = size or BLOCK
    return [slice(at, min(at + size, count)) for at in range(0, count, size)]


def least_of_blocks(pairs: Pairs) -> Tensor:
    """The least distance of each row to each block of columns, `(rows, blocks)`."""
    of_rows, of_columns = pairs.blocks()
    least, out = [], None
    for columns in of_columns:
        parts = []
        for rows in of_rows:
            out = pairs.distances(rows, columns, out)
            parts.append(out.amin(1))
        least.append(torch.cat(parts))
    return torch.stack(least, dim=1)


def nearest_candidates(features: Tensor) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Blocks of images with their nearest ones, themselves among them.

    Yields rows, the indices of CANDIDATES images for each, `(rows, CANDIDATES)`, and a bound that
    no other image's exact distance is below, `(rows,)`. Nothing where there are too few images.
    """
    width = len(features) // MEMBERS
    if width < 2 * CANDIDATES:
        return
    pairs, out = Pairs(features, features), None
    whole, rest = slice(0, width * MEMBERS), slice(width * MEMBERS, len(features))
    for rows in blocks(len(features), max(BLOCK // 4, 1)):
        out = pairs.distances(rows, slice(0, len(features)), out)
        # the nearest images are all in the groups, or the rest, with the nearest members
        groups = out[:, whole].unflatten(1, (MEMBERS, width)).amin(1)
        groups = groups.topk(CANDIDATES, dim=1, largest=False, sorted=False).indices
        places = torch.arange(0, width * MEMBERS, width, device=features.device)
        places = (groups[:, :, None] + places).flatten(1)
        others = torch.arange(rest.start, rest.stop, device=features.device)
        places = torch.cat([places, others.expand(len(places), -1)], dim=1)
        found = out.gather(1, places).topk(CANDIDATES, dim=1, largest=False)
        floor = found.values[:, -1] - pairs.row_slack[rows]
        yield rows, places.gather(1, found.indices), floor

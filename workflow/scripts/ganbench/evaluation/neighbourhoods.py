"""Precision, recall, density and coverage: which images lie in which balls, in one pass over pairs.

The ball of an image reaches to its k-th nearest neighbour of the same set.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench.catalogue import metrics
from ganbench.evaluation.batches import block_size
from ganbench.evaluation.distances import refine_nearest, squared_distances
from ganbench.evaluation.feature_sets import FeatureSet
from ganbench.evaluation.float32_distances import Float32Distances


@dataclass(frozen=True)
class Neighbourhoods:
    """How generated and real images lie among each other.

    `minima` `(generated images, blocks of real ones)` are least float32 distances.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    pairs: Float32Distances
    minima: Tensor

    def nearest_distances(self) -> Tensor:
        """The squared distance from each generated image to its nearest real one, `(count,)`."""
        return refine_nearest(self.pairs, self.minima)


def compare_neighbourhoods(generated: FeatureSet, real: FeatureSet) -> Neighbourhoods:
    """Computes precision and recall (Kynkäänniemi et al. 2019, Eq. 1–3), density and coverage
    (Naeem et al. 2020, Section 3) of `generated` against `real`.
    """
    scan = _PairScan(generated, real)
    scan.run()
    in_real_balls, ball_counts = scan.decide_generated()
    in_generated_balls, covered = scan.decide_real()
    k = metrics.NEIGHBOURS["density"]
    return Neighbourhoods(
        precision=_share(in_real_balls),
        recall=_share(in_generated_balls),
        density=float(ball_counts.sum()) / (k * len(generated.features)),
        coverage=_share(covered),
        pairs=scan.pairs,
        minima=torch.stack(scan.minima, dim=1),
    )


class _PairScan:
    """One pass over all float32 distances, and the exact decisions that follow from it.

    A margin is the least distance minus the squared radius of a ball, hence at most zero in a ball.
    For each generated image: `real_margin` over the real balls of k = 3, and between how many real
    balls of k = 5 it lies in, `fewest_balls` and `most_balls`. For each real image:
    `generated_margin` over the generated balls of k = 3, and `nearest`, the least distance to a
    generated image.
    """

    def __init__(self, generated: FeatureSet, real: FeatureSet) -> None:
        self.generated, self.real = generated, real
        self.pairs = Float32Distances(generated.features, real.features)
        rows = real.radii.new_zeros(len(generated.features), dtype=torch.float32)
        columns = real.radii.new_zeros(len(real.features), dtype=torch.float32)
        self.real_margin = torch.full_like(rows, torch.inf)
        self.fewest_balls, self.most_balls = torch.zeros_like(rows), torch.zeros_like(rows)
        self.generated_margin = torch.full_like(columns, torch.inf)
        self.nearest = torch.full_like(columns, torch.inf)
        self.minima: list[Tensor] = []
        self._distances: Tensor | None = None
        self._scratch: Tensor | None = None

    def run(self) -> None:
        """Scans all pairs, block by block."""
        row_blocks, column_blocks = self.pairs.blocks()
        for columns in column_blocks:
            self.minima.append(torch.cat([self._scan(rows, columns) for rows in row_blocks]))

    def _scan(self, rows: slice, columns: slice) -> Tensor:
        """Scans one block and returns the least distance of each row."""
        distances = self.pairs.of_block(rows, columns, self._distances)
        if self._scratch is None or self._scratch.shape != distances.shape:
            self._scratch = torch.empty_like(distances)
        self._distances, scratch = distances, self._scratch
        radii_3, radii_5 = self.real.radii[columns].float().unbind(1)
        generated_radii_3 = self.generated.radii[rows, :1].float()
        _lower(self.real_margin[rows], torch.sub(distances, radii_3, out=scratch).amin(1))
        margins = torch.sub(distances, generated_radii_3, out=scratch).amin(0)
        _lower(self.generated_margin[columns], margins)
        _lower(self.nearest[columns], distances.amin(0))
        error = self.pairs.row_error[rows].max()
        # comparisons written as floats: summing booleans takes ten times as long
        self.fewest_balls[rows] += torch.le(distances, radii_5 - error, out=scratch).sum(1)
        self.most_balls[rows] += torch.le(distances, radii_5 + error, out=scratch).sum(1)
        return distances.amin(1)

    def decide_generated(self) -> tuple[Tensor, Tensor]:
        """Whether each generated image lies in a real ball of k = 3, and in how many of k = 5.

        Both are `(count,)`; pairs that float32 leaves undecided are computed again.
        """
        inside, balls = self.real_margin <= 0, self.fewest_balls
        undecided = _is_undecided(self.real_margin, self.pairs.row_error)
        undecided |= self.fewest_balls != self.most_balls
        for indices in _index_blocks(undecided):
            distances = squared_distances(self.generated.features[indices], self.real.features)
            inside[indices] = (distances <= self.real.radii[:, 0]).any(1)
            balls[indices] = (distances <= self.real.radii[:, 1]).sum(1).float()
        return inside, balls.double()

    def decide_real(self) -> tuple[Tensor, Tensor]:
        """Whether each real image lies in a generated ball of k = 3, and whether its own ball of
        k = 5 contains a generated image, both `(count,)`.
        """
        inside = self.generated_margin <= 0
        cover_margin = self.nearest - self.real.radii[:, 1]
        covered, error = cover_margin <= 0, self.pairs.column_error
        undecided = _is_undecided(self.generated_margin, error)
        undecided |= _is_undecided(cover_margin, error)
        for indices in _index_blocks(undecided):
            distances = squared_distances(self.real.features[indices], self.generated.features)
            inside[indices] = (distances <= self.generated.radii[:, 0]).any(1)
            covered[indices] = (distances <= self.real.radii[indices, 1:]).any(1)
        return inside, covered


def _lower(minimum: Tensor, values: Tensor) -> None:
    torch.minimum(minimum, values, out=minimum)


def _is_undecided(margin: Tensor, error: Tensor) -> Tensor:
    """Whether the sign of a margin may be wrong; true for NaN."""
    return ~(margin.abs() > error)


def _index_blocks(mask: Tensor) -> tuple[Tensor, ...]:
    """The indices where `mask` is true, in blocks."""
    indices = mask.nonzero().squeeze(1)
    return indices.split(max(block_size(mask.device) // 10, 1)) if len(indices) else ()


def _share(mask: Tensor) -> float:
    return float(mask.double().mean())

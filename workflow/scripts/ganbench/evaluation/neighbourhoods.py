"""Precision, recall, density and coverage: who lies in whose ball, in one pass over pairs."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench.catalogue import metrics
from ganbench.evaluation.distances import nearest_in_blocks, squared_distances
from ganbench.evaluation.feature_sets import FeatureSet
from ganbench.evaluation.float32_distances import BLOCK, Pairs


@dataclass(frozen=True)
class Neighbourhoods:
    """How generated and real images lie among each other.

    `least` `(generated images, blocks of real ones)` are least distances in single precision.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    pairs: Pairs
    least: Tensor

    def nearest(self) -> Tensor:
        """Squared distance of each generated image to its nearest real one, `(count,)`."""
        return nearest_in_blocks(self.pairs, self.least)


def neighbourhoods(generated: FeatureSet, real: FeatureSet) -> Neighbourhoods:
    """Precision and recall (Kynkäänniemi et al. 2019, Eq. 1–3), density and coverage (Naeem et al.
    2020, Section 3) of `generated` against `real`.
    """
    seen = _Seen(generated, real)
    seen.look()
    accepted, balls = seen.of_generated()
    recalled, covered = seen.of_real()
    return Neighbourhoods(
        precision=_share(accepted),
        recall=_share(recalled),
        density=float(balls.sum()) / (metrics.NEIGHBOURS["density"] * len(generated.features)),
        coverage=_share(covered),
        pairs=seen.pairs,
        least=torch.stack(seen.least, dim=1),
    )


class _Seen:
    """What distances in single precision have shown, for each generated and for each real image.

    `accepting` and `covering` are the least distances to a real ball's edge, as seen from the
    generated image (k = 3) and from the real one (k = 5), `recalling` that to a generated ball's
    edge (k = 3): below zero for an image within. `surely` and `perhaps` count the balls of k = 5
    that a generated image lies in.
    """

    def __init__(self, generated: FeatureSet, real: FeatureSet) -> None:
        self.generated, self.real = generated, real
        self.pairs = Pairs(generated.features, real.features)
        counts = len(generated.features), len(real.features)
        self.accepting, self.surely, self.perhaps = self.generated.radii.new_zeros(
            3, counts[0], dtype=torch.float32
        )
        self.recalling, self.covering = self.accepting.new_full((2, counts[1]), torch.inf)
        self.accepting += torch.inf
        self.least: list[Tensor] = []

    def look(self) -> None:
        """Takes all pairs into account, block by block."""
        of_rows, of_columns = self.pairs.blocks()
        buffers: list[Tensor | None] = [None, None]
        for columns in of_columns:
            least = [self._look_at(rows, columns, buffers) for rows in of_rows]
            self.least.append(torch.cat(least))

    def _look_at(self, rows: slice, columns: slice, buffers: list[Tensor | None]) -> Tensor:
        """Takes one block into account; returns each row's least distance."""
        distances = self.pairs.distances(rows, columns, buffers[0])
        if buffers[1] is None or buffers[1].shape != distances.shape:
            buffers[1] = torch.empty_like(distances)
        buffers[0], scratch = distances, buffers[1]
        accepted, held = self.real.radii[columns].float().unbind(1)
        _lower(self.accepting[rows], torch.sub(distances, accepted, out=scratch).amin(1))
        recalled = self.generated.radii[rows, :1].float()
        _lower(self.recalling[columns], torch.sub(distances, recalled, out=scratch).amin(0))
        _lower(self.covering[columns], distances.amin(0))
        slack = self.pairs.row_slack[rows].max()
        # comparisons into numbers, not truth values, which take ten times as long
        self.surely[rows] += torch.le(distances, held - slack, out=scratch).sum(1)
        self.perhaps[rows] += torch.le(distances, held + slack, out=scratch).sum(1)
        return distances.amin(1)

    def of_generated(self) -> tuple[Tensor, Tensor]:
        """Whether each lies in a ball of k = 3, and in how many of k = 5, `(count,)` both."""
        accepted, balls = self.accepting <= 0, self.surely
        doubtful = _close(self.accepting, self.pairs.row_slack) | (self.surely != self.perhaps)
        for some in _blocks(doubtful):
            distances = squared_distances(self.generated.features[some], self.real.features)
            accepted[some] = (distances <= self.real.radii[:, 0]).any(1)
            balls[some] = (distances <= self.real.radii[:, 1]).sum(1).float()
        return accepted, balls.double()

    def of_real(self) -> tuple[Tensor, Tensor]:
        """Whether each lies in a generated ball of k = 3, and its own of k = 5 holds one."""
        recalled = self.recalling <= 0
        covering = self.covering - self.real.radii[:, 1]
        covered, slack = covering <= 0, self.pairs.column_slack
        for some in _blocks(_close(self.recalling, slack) | _close(covering, slack)):
            distances = squared_distances(self.real.features[some], self.generated.features)
            recalled[some] = (distances <= self.generated.radii[:, 0]).any(1)
            covered[some] = (distances <= self.real.radii[some, 1:]).any(1)
        return recalled, covered


def _lower(least: Tensor, found: Tensor) -> None:
    torch.minimum(least, found, out=least)


def _close(distance: Tensor, slack: Tensor) -> Tensor:
    """Whether a distance to an edge may have the other sign; so may one that is no number."""
    return ~(distance.abs() > slack)


def _blocks(chosen: Tensor) -> tuple[Tensor, ...]:
    """Indices of the images that are chosen, in blocks."""
    indices = chosen.nonzero().squeeze(1)
    return indices.split(max(BLOCK // 10, 1)) if len(indices) else ()


def _share(chosen: Tensor) -> float:
    return float(chosen.double().mean())

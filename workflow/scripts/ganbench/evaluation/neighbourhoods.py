"""Precision, recall, density and coverage: who lies in whose ball, in one pass over pairs."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench import metrics
from ganbench.evaluation.distances import BLOCK, squared_distances
from ganbench.evaluation.feature_sets import FeatureSet


@dataclass(frozen=True)
class Neighbourhoods:
    """How generated and real images lie among each other.

    `nearest` `(generated images,)` is the squared distance of each to its nearest real one.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    nearest: Tensor


@dataclass
class _Seen:
    """What blocks of pairs have shown so far, for each generated and for each real image.

    Balls of k = 3 decide `accepted` and `recalled`, balls of k = 5 `balls` and `covered`.
    """

    accepted: Tensor
    recalled: Tensor
    covered: Tensor
    nearest: Tensor
    balls: int = 0

    def look(self, generated: FeatureSet, rows: slice, real: FeatureSet, columns: slice) -> None:
        """Takes one block of pairs into account."""
        distances = squared_distances(generated.features[rows], real.features[columns])
        real_radii = real.radii[columns]
        self.accepted[rows] |= (distances <= real_radii[:, 0]).any(1)
        self.recalled[columns] |= (distances <= generated.radii[rows, :1]).any(0)
        held = distances <= real_radii[:, 1]
        self.covered[columns] |= held.any(0)
        self.balls += int(held.count_nonzero())
        self.nearest[rows] = torch.minimum(self.nearest[rows], distances.amin(1))


def neighbourhoods(generated: FeatureSet, real: FeatureSet) -> Neighbourhoods:
    """Precision and recall (Kynkäänniemi et al. 2019, Eq. 1–3), density and coverage (Naeem et al.
    2020, Section 3) of `generated` against `real`.
    """
    seen = _nothing_yet(len(generated.features), len(real.features), real.features.device)
    for columns in _blocks(real):
        for rows in _blocks(generated):
            seen.look(generated, rows, real, columns)
    return Neighbourhoods(
        precision=_share(seen.accepted),
        recall=_share(seen.recalled),
        density=seen.balls / (metrics.NEIGHBOURS["density"] * len(generated.features)),
        coverage=_share(seen.covered),
        nearest=seen.nearest,
    )


def _nothing_yet(generated: int, real: int, device: torch.device) -> _Seen:
    def none(count: int) -> Tensor:
        return torch.zeros(count, dtype=torch.bool, device=device)

    nearest = torch.full((generated,), torch.inf, dtype=torch.float64, device=device)
    return _Seen(none(generated), none(real), none(real), nearest)


def _blocks(images: FeatureSet) -> Iterator[slice]:
    return (slice(at, at + BLOCK) for at in range(0, len(images.features), BLOCK))


def _share(chosen: Tensor) -> float:
    return float(chosen.double().mean())

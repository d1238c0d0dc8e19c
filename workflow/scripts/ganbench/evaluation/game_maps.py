"""Maps of a game on points of a known density: p_g, D and D* on the grid, at one moment."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganbench.densities import point_metrics
from ganbench.duality_gap import Value
from ganbench.evaluation.batch_norm import Moments
from ganbench.evaluation.snapshots import (
    count_points,
    generate_points,
    load_discriminators,
    load_generators,
)
from ganbench.formula.pointwise import PointwiseGame

MAPS = ("generated", "discriminator", "optimal")
"""Arrays of `maps.npz` that change in training."""

FRAME_POINTS = 50_000
"""Points from which p_g is estimated between snapshots, where nothing is scored."""


@dataclass(frozen=True)
class ObjectiveGame:
    """An objective's optimal discriminator and own value V = −L_D, each None if it has none."""

    pointwise: PointwiseGame | None
    value: Value | None


def map_frames(
    grid: point_metrics.Grid,
    frames: dict[str, Any],
    latents: Tensor,
    *,
    game: ObjectiveGame,
    moments: Moments,
) -> dict[int, dict[str, np.ndarray]]:
    """The maps of a run's `frames_of`, by step; p_g is estimated from some of `latents`."""
    latents = latents[:FRAME_POINTS]
    players = zip(
        load_generators(frames, latents.device, moments=moments),
        load_discriminators(frames, latents.device),
        strict=True,
    )
    return {
        step: map_moment(
            grid,
            grid.masses(generate_points(generator, latents).numpy()),
            len(latents),
            as_function(discriminator, latents.device),
            game,
        )
        for (step, generator), discriminator in players
    }


def map_moment(
    grid: point_metrics.Grid,
    masses: np.ndarray,
    count: int,
    logits: point_metrics.Discriminator,
    game: ObjectiveGame,
) -> dict[str, np.ndarray]:
    """p_g, D and D* in every cell inside the box, with p_g as `masses` of `count` points."""
    optimal = np.full(len(masses), np.nan)
    if game.pointwise:
        optimal = point_metrics.optimal_discriminator(grid.data, masses, count, game.pointwise)
    with np.errstate(over="ignore"):  # logits of an optimum at infinity
        discriminator = 1 / (1 + np.exp(-logits(grid.centers)))
    values = (masses[:-1] / grid.cell_size, discriminator, optimal[:-1])
    return dict(zip(MAPS, values, strict=True))


def as_function(network: nn.Module, device: torch.device) -> point_metrics.Discriminator:
    """The discriminator as a function of NumPy arrays, evaluated in float32."""

    @torch.no_grad()
    def logits(points: np.ndarray) -> np.ndarray:
        tensor = torch.from_numpy(np.ascontiguousarray(points, dtype=np.float32))
        batches = tensor.split(count_points(device))
        return torch.cat([network(batch.to(device)).cpu().double() for batch in batches]).numpy()

    return logits

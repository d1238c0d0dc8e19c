"""Scores every snapshot of a run on points of a known density."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ganbench import randomness
from ganbench.catalogue.metrics import METRICS
from ganbench.catalogue.objectives import read_objective
from ganbench.densities import point_metrics
from ganbench.densities.mixtures import DENSITIES, Mixture
from ganbench.duality_gap import AdversaryBudget, duality_gap, minimax_value, own_value
from ganbench.evaluation.batch_norm import choose_moments
from ganbench.evaluation.game_maps import MAPS, ObjectiveGame, as_function, map_frames, map_moment
from ganbench.evaluation.own_metrics import score_points
from ganbench.evaluation.snapshots import (
    ScoreTable,
    frames_of,
    generate_points,
    load_discriminators,
    load_generators,
    load_run,
)
from ganbench.formula.pointwise import find_pointwise_game
from ganbench.jobs import files
from ganbench.jobs.gpus.devices import choose_device
from ganbench.randomness import Stream
from ganbench.samples import sample_latents

POINT_BUDGET = AdversaryBudget()

REAL_POINTS = 100_000
"""Real points in the expectation of V(D, G)."""


@dataclass(frozen=True)
class _Samples:
    """The random samples of one repeat: two sets of latents, and samplers for more.

    Densities are estimated from `estimate`, and expectations are taken over `expectation`.
    """

    estimate: Tensor
    expectation: Tensor
    sample_real: Callable[[int], Tensor]
    sample_latent: Callable[[int], Tensor]


def score_density_run(
    *,
    dataset: str,
    kind: str,
    variant: str,
    seed: int,
    snapshots_file: Path,
    scores_file: Path,
    maps_file: Path,
    repeats: int = 1,
    batch_norm: str = "running",
) -> None:
    """Writes `scores.csv`, and `maps.npz` with p_data, p_g, D and D* on the grid.

    The last snapshot is scored `repeats` times, each from other samples; maps come from the first
    time. `maps.npz` holds `steps (moments,)`, those of snapshots and of the frames between them,
    `centers (cells, dimensions)`, `data (cells,)`, and `generated`, `discriminator` and `optimal`,
    each `(moments, cells)`. Densities are per unit of length or area. D* is that of the run's
    objective, NaN if it has none. `batch_norm` is one of the kinds of `Moments`.
    """
    randomness.use_deterministic_kernels(threads=1)
    run, density = load_run(snapshots_file), DENSITIES[kind]
    definition = run["parameters"]["objective"]
    loss = read_objective(definition["name"], definition).discriminator
    game = ObjectiveGame(find_pointwise_game(loss), own_value(definition))
    device, grid = choose_device(run["parameters"]["device"]), point_metrics.make_grid(density)
    table = ScoreTable(dataset, variant, seed, run)
    moments = choose_moments(batch_norm, run, dataset, seed, device)
    maps: dict[int, dict[str, np.ndarray]] = {}
    for repeat in range(repeats):
        samples = _draw_samples(
            dataset,
            seed,
            repeat,
            density=density,
            latent=run["parameters"]["latent"],
            device=device,
        )
        last_only = repeat > 0
        generators = load_generators(run, device, last_only, moments)
        discriminators = load_discriminators(run, device, last_only)
        for (step, generator), discriminator in zip(generators, discriminators, strict=True):
            scores, snapshot_maps = _score(
                density, grid, generator, discriminator, samples, game=game
            )
            for metric, value in scores.items():
                table.add(step, "none", metric, value, repeat)
            if repeat == 0:
                maps[step] = snapshot_maps
        if repeat == 0:
            maps |= map_frames(grid, frames_of(run), samples.estimate, game=game, moments=moments)
    table.write(scores_file)
    steps = sorted(maps)
    files.write_arrays(
        maps_file,
        steps=np.array(steps),
        centers=grid.centers,
        data=grid.data[:-1] / grid.cell_size,
        **{name: np.float32([maps[step][name] for step in steps]) for name in MAPS},
    )


def _draw_samples(
    dataset: str, seed: int, repeat: int, *, density: Mixture, latent: dict, device: torch.device
) -> _Samples:
    noise = randomness.generator(dataset, seed, Stream.EVALUATION_NOISE.repeat(repeat), device)
    rng = randomness.numpy_generator(dataset, seed, Stream.EVALUATION_DATA.repeat(repeat))
    count = point_metrics.POINT_COUNTS[density.dimensions]

    def sample_real(size: int) -> Tensor:
        points, _ = density.sample(size, rng)
        return torch.from_numpy(points.astype(np.float32)).to(device)

    return _Samples(
        estimate=sample_latents(latent, count, noise),
        expectation=sample_latents(latent, count, noise),
        sample_real=sample_real,
        sample_latent=lambda size: sample_latents(latent, size, noise),
    )


def _score(
    density: Mixture,
    grid: point_metrics.Grid,
    generator: nn.Module,
    discriminator: nn.Module,
    samples: _Samples,
    *,
    game: ObjectiveGame,
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Every metric of one snapshot, and its maps."""
    estimate = generate_points(generator, samples.estimate).numpy()
    expectation = generate_points(generator, samples.expectation).numpy()
    logits = as_function(discriminator, next(generator.parameters()).device)
    sample = point_metrics.PointSample(density, grid, estimate, expectation)
    masses = sample.masses
    real = samples.sample_real(REAL_POINTS).cpu().numpy()
    scores = point_metrics.score_sample(sample)
    scores["value"] = _value(logits(real), logits(expectation))
    scores |= score_points(estimate, real)
    if game.pointwise:
        scores["discriminator_distance"] = point_metrics.discriminator_distance(
            grid, logits, estimate, game.pointwise
        )
    if game.value:
        best, worst = duality_gap(
            discriminator,
            generator,
            samples.sample_real,
            samples.sample_latent,
            POINT_BUDGET,
            value=game.value,
        )
        scores["duality_gap"] = best - worst
    ordered = {name: scores[name] for name in METRICS if name in scores}
    return ordered, map_moment(grid, masses, len(estimate), logits, game)


def _value(real: np.ndarray, fake: np.ndarray) -> float:
    """V(D, G) from float64 logits `(count,)` on real and on generated points."""
    return float(minimax_value(torch.from_numpy(real), torch.from_numpy(fake)))

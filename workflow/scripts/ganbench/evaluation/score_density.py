"""Scores every snapshot of a run on points whose density is known."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ganbench import randomness
from ganbench.densities import point_metrics as metrics
from ganbench.densities.mixtures import DENSITIES, Mixture
from ganbench.duality_gap import Budget, duality_gap, minimax_value
from ganbench.evaluation.density_floor import SAMPLES
from ganbench.evaluation.snapshots import (
    ScoreTable,
    discriminators,
    generate_points,
    generators,
    load_run,
)
from ganbench.jobs import files
from ganbench.jobs.devices import choose_device
from ganbench.randomness import Stream
from ganbench.samples import sample_latents


@dataclass(frozen=True)
class _Draws:
    """Where the samples of one repeat come from: latents at once, real points as asked for."""

    real: Callable[[int], Tensor]
    latents: dict[str, Tensor]
    more_latents: Callable[[int], Tensor]


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
) -> None:
    """Writes `scores.csv`, and `maps.npz` with p_data, p_g, D and D* on the grid.

    The last snapshot is scored `repeats` times, each from other samples. `maps.npz`, of the first
    time, holds `steps (snapshots,)`, `centers (cells, dimensions)`, `data (cells,)`, and
    `generated`, `discriminator`, `optimal`, each `(snapshots, cells)`; the densities are per unit
    of length or area.
    """
    randomness.use_deterministic_kernels(threads=1)
    run, density = load_run(snapshots_file), DENSITIES[kind]
    device, grid = choose_device(run["parameters"]["device"]), metrics.make_grid(density)
    table = ScoreTable(dataset, variant, seed, run)
    maps: dict[str, list[np.ndarray]] = {"generated": [], "discriminator": [], "optimal": []}
    for repeat in range(repeats):
        draws = _draws(
            dataset,
            seed,
            repeat,
            density=density,
            latent=run["parameters"]["latent"],
            device=device,
        )
        again = repeat > 0
        for (step, generator), network in zip(
            generators(run, device, last=again),
            discriminators(run, device, last=again),
            strict=True,
        ):
            found, drawn = _score(density, grid, generator, network, draws)
            for metric, value in found.items():
                table.add(step, "none", metric, value, repeat)
            for name, values in drawn.items() if not again else ():
                maps[name].append(values)
    table.write(scores_file)
    files.write_arrays(
        maps_file,
        steps=np.array(run["steps"]),
        centers=grid.centers,
        data=grid.data[:-1] / grid.cell_size,
        **{name: np.array(each) for name, each in maps.items()},
    )


def _draws(
    dataset: str, seed: int, repeat: int, *, density: Mixture, latent: dict, device: torch.device
) -> _Draws:
    noise = randomness.generator(dataset, seed, Stream.EVALUATION_NOISE.repeat(repeat), device)
    return _Draws(
        real=_sampler(
            density,
            randomness.numpy_generator(dataset, seed, Stream.EVALUATION_DATA.repeat(repeat)),
            device,
        ),
        latents={
            name: sample_latents(latent, SAMPLES[density.dimensions], noise)
            for name in ("estimate", "expectation")
        },
        more_latents=lambda count: sample_latents(latent, count, noise),
    )


def _score(
    density: Mixture, grid: metrics.Grid, generator: nn.Module, network: nn.Module, draws: _Draws
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Every metric of one snapshot, and its maps."""
    points = {
        name: generate_points(generator, each).numpy() for name, each in draws.latents.items()
    }
    logits = _logits(network, next(generator.parameters()).device)
    masses = grid.masses(points["estimate"])
    found = {
        "JSD": metrics.jensen_shannon(grid.data, masses),
        "modes": metrics.modes_covered(density, points["estimate"]),
        "high_quality": metrics.high_quality_share(density, points["estimate"]),
        "value": _value(logits, draws.real(100_000).cpu().numpy(), points["expectation"]),
        "optimal_value": metrics.optimal_value(grid, **points),
        "discriminator_distance": metrics.discriminator_distance(grid, logits, points["estimate"]),
    }
    best, worst = duality_gap(network, generator, draws.real, draws.more_latents, Budget())
    found["duality_gap"] = best - worst
    optimal = metrics.optimal_discriminator(grid.data, masses, len(points["estimate"]))
    return found, {
        "generated": masses[:-1] / grid.cell_size,
        "discriminator": 1 / (1 + np.exp(-logits(grid.centers))),
        "optimal": optimal[:-1],
    }


def _value(discriminator: metrics.Discriminator, real: np.ndarray, fake: np.ndarray) -> float:
    """V(D, G) by samples, in double precision."""
    logits = (torch.from_numpy(discriminator(points)) for points in (real, fake))
    return float(minimax_value(*logits))


def _sampler(
    density: Mixture, rng: np.random.Generator, device: torch.device
) -> Callable[[int], Tensor]:
    def sample(count: int) -> Tensor:
        points, _ = density.sample(count, rng)
        return torch.from_numpy(points.astype(np.float32)).to(device)

    return sample


def _logits(network: nn.Module, device: torch.device) -> metrics.Discriminator:
    @torch.no_grad()
    def logits(points: np.ndarray) -> np.ndarray:
        tensor = torch.from_numpy(np.ascontiguousarray(points, dtype=np.float32)).to(device)
        return network(tensor).cpu().double().numpy()

    return logits

"""Scores every snapshot of a run on points whose density is known."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from ganbench import density_metrics as metrics
from ganbench import files, randomness
from ganbench.densities import DENSITIES, Mixture
from ganbench.devices import choose_device
from ganbench.duality_gap import Budget, duality_gap
from ganbench.evaluation.snapshots import (
    ScoreTable,
    discriminators,
    generate_points,
    generators,
    load_run,
)
from ganbench.latents import sample_latents

SAMPLES = {1: 1_000_000, 2: 200_000}
"""Points per snapshot, by the number of dimensions."""


def score_density_run(
    *,
    dataset: str,
    kind: str,
    variant: str,
    seed: int,
    snapshots_file: Path,
    scores_file: Path,
    maps_file: Path,
) -> None:
    """Writes `scores.csv`, and `maps.npz` with p_data, p_g, D and D* on the grid.

    `maps.npz` holds `steps (snapshots,)`, `centers (cells, dimensions)`, `data (cells,)`, and
    `generated`, `discriminator`, `optimal`, each `(snapshots, cells)`; the densities are per unit
    of length or area.
    """
    randomness.use_deterministic_kernels(threads=1)
    run, density = load_run(snapshots_file), DENSITIES[kind]
    device, grid = choose_device(run["parameters"]["device"]), metrics.make_grid(density)
    noise = randomness.generator(dataset, seed, "evaluation noise", device)
    real = _sampler(density, randomness.numpy_generator(dataset, seed, "evaluation data"), device)
    latents = {
        name: sample_latents(run["parameters"]["latent"], SAMPLES[density.dimensions], noise)
        for name in ("estimate", "expectation")
    }
    table = ScoreTable(dataset, variant, seed, run)
    maps: dict[str, list[np.ndarray]] = {"generated": [], "discriminator": [], "optimal": []}
    for (step, generator), network in zip(
        generators(run, device), discriminators(run, device), strict=True
    ):
        points = {name: generate_points(generator, each).numpy() for name, each in latents.items()}
        logits = _logits(network, device)
        masses = grid.masses(points["estimate"])
        found = {
            "JSD": metrics.jensen_shannon(grid.data, masses),
            "modes": metrics.modes_covered(density, points["estimate"]),
            "high_quality": metrics.high_quality_share(density, points["estimate"]),
            "value": metrics.value(logits, real(100_000).cpu().numpy(), points["expectation"]),
            "optimal_value": metrics.optimal_value(grid, **points),
            "discriminator_distance": metrics.discriminator_distance(
                grid, logits, points["estimate"]
            ),
        }
        best, worst = duality_gap(
            network,
            generator,
            real,
            lambda count: sample_latents(run["parameters"]["latent"], count, noise),
            Budget(),
        )
        found["duality_gap"] = best - worst
        for metric, value in found.items():
            table.add(step, "none", metric, value)
        maps["generated"].append(masses[:-1] / grid.cell_size)
        maps["discriminator"].append(1 / (1 + np.exp(-logits(grid.centers))))
        size = len(points["estimate"])
        maps["optimal"].append(metrics.optimal_discriminator(grid.data, masses, size)[:-1])
    table.write(scores_file)
    files.write_arrays(
        maps_file,
        steps=np.array(run["steps"]),
        centers=grid.centers,
        data=grid.data[:-1] / grid.cell_size,
        **{name: np.array(each) for name, each in maps.items()},
    )


def make_density_floor(dataset: str, kind: str, floor_file: Path) -> None:
    """Writes what real points of the same count score: `dataset, reference, metric, n, value`."""
    density, grid = DENSITIES[kind], metrics.make_grid(DENSITIES[kind])
    count = SAMPLES[density.dimensions]
    rng = randomness.numpy_generator(dataset, 0, "floor")
    estimate, points = (density.sample(count, rng)[0] for _ in range(2))
    found = {
        "JSD": metrics.jensen_shannon(grid.data, grid.masses(estimate)),
        "modes": metrics.modes_covered(density, estimate),
        "high_quality": metrics.high_quality_share(density, estimate),
        "optimal_value": metrics.optimal_value(grid, estimate, points),
    }
    rows = [(dataset, "none", metric, count, value) for metric, value in found.items()]
    with files.whole(floor_file) as temporary:
        columns = ["dataset", "reference", "metric", "n", "value"]
        pd.DataFrame(rows, columns=columns).to_csv(temporary, index=False)


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

"""Scores every snapshot of a run on images."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganbench import randomness
from ganbench.devices import choose_device
from ganbench.duality_gap import Budget, duality_gap
from ganbench.evaluation.extractors import extract, load_classifier
from ganbench.evaluation.feature_metrics import kernel_scale, score
from ganbench.evaluation.reference import load_features
from ganbench.evaluation.snapshots import (
    ScoreTable,
    discriminators,
    generate_images,
    generators,
    load_run,
)
from ganbench.latents import sample_latents
from ganbench.samples import to_float


def score_run(
    *,
    dataset: str,
    variant: str,
    seed: int,
    extractor: str,
    samples: int,
    snapshots_file: Path,
    network_file: Path,
    features_file: Path,
    data_file: Path,
    gap: bool,
    scores_file: Path,
) -> None:
    """Writes `scores.csv`: every metric of every snapshot, from `samples` generated images.

    All snapshots, and all variants with this seed, are scored on the same latents. A run that
    diverged has scores for the snapshots it reached. With `gap` each gets its duality gap too, on
    the `held_out` images of `data_file`.
    """
    randomness.use_deterministic_kernels(threads=1)
    run = load_run(snapshots_file)
    device = choose_device(run["parameters"]["device"])
    network = load_classifier(torch.load(network_file, weights_only=True)).to(device)
    real = load_features(features_file)
    scale = kernel_scale(real["train"].features)
    noise = randomness.generator(dataset, seed, "evaluation noise", device)
    latents = sample_latents(run["parameters"]["latent"], samples, noise)
    table = ScoreTable(dataset, variant, seed, run)
    for step, generator in generators(run, device):
        features = extract(network, generate_images(generator, latents))
        for reference, metric, value in score(features, real, scale, extractor):
            table.add(step, reference, metric, value)
    if gap:
        noise = randomness.generator(dataset, seed, "duality gap noise", device)
        _add_duality_gaps(table, run, noise, data_file)
    table.write(scores_file)


def _add_duality_gaps(
    table: ScoreTable, run: dict[str, Any], noise: torch.Generator, data_file: Path
) -> None:
    device = noise.device
    with np.load(data_file) as data:
        images = torch.from_numpy(data["held_out"]).to(device)

    def real(count: int) -> Tensor:
        index = torch.randint(len(images), (count,), generator=noise, device=device)
        return to_float(images[index])

    def latent(count: int) -> Tensor:
        return sample_latents(run["parameters"]["latent"], count, noise)

    players = zip(generators(run, device), discriminators(run, device), strict=True)
    for (step, generator), discriminator in players:
        best, worst = duality_gap(discriminator, generator, real, latent, Budget(samples=5_000))
        table.add(step, "none", "duality_gap", best - worst)

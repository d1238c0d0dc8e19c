"""Scores every snapshot of a run on images."""

from pathlib import Path

import torch

from ganbench import randomness
from ganbench.devices import choose_device
from ganbench.evaluation.extractors import extract, load_classifier
from ganbench.evaluation.feature_metrics import kernel_scale, score
from ganbench.evaluation.reference import load_features
from ganbench.evaluation.snapshots import ScoreTable, generate_images, generators, load_run
from ganbench.latents import sample_latents


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
    scores_file: Path,
) -> None:
    """Writes `scores.csv`: every metric of every snapshot, from `samples` generated images.

    All snapshots, and all variants with this seed, are scored on the same latents. A run that
    diverged has scores for the snapshots it reached.
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
    table.write(scores_file)

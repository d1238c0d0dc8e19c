"""Scores every snapshot of a run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from ganbench import files, networks, randomness
from ganbench.budget import images_per_step
from ganbench.devices import choose_device
from ganbench.evaluation.extractors import extract, load_classifier
from ganbench.evaluation.feature_metrics import kernel_scale, score
from ganbench.evaluation.reference import load_features
from ganbench.images import to_uint8
from ganbench.latents import sample_latents

COLUMNS = ("dataset", "variant", "seed", "step", "images", "reference", "metric", "value")


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
    run = torch.load(snapshots_file, weights_only=True)
    parameters = run["parameters"]
    device = choose_device(parameters["device"])
    network = load_classifier(torch.load(network_file, weights_only=True)).to(device)
    real = load_features(features_file)
    scale = kernel_scale(real["train"].features)
    noise = randomness.generator(dataset, seed, "evaluation noise", device)
    latents = sample_latents(parameters["latent"], samples, noise)
    rows = []
    for step, generator in generators(run, device):
        found = score(extract(network, generate(generator, latents)), real, scale, extractor)
        images = step * images_per_step(parameters)
        rows += [(dataset, variant, seed, step, images, *each) for each in found]
    with files.whole(scores_file) as temporary:
        pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(temporary, index=False)


def generators(run: dict[str, Any], device: torch.device) -> Iterator[tuple[int, nn.Module]]:
    """Each snapshot's step and generator, ready to generate."""
    generator = networks.build_generator(run["parameters"], tuple(run["shape"])).to(device).eval()
    for step, state in zip(run["steps"], run["generators"], strict=True):
        generator.load_state_dict(state)
        yield step, generator


@torch.no_grad()
def generate(generator: nn.Module, latents: Tensor, batch_size: int = 500) -> Tensor:
    """uint8 images of `latents` `(count, latent)`, as a file would hold them."""
    return torch.cat([to_uint8(generator(batch)) for batch in latents.split(batch_size)])

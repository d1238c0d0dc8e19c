"""A picture of the training images nearest to a run's last samples, to show copying."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from ganbench import randomness
from ganbench.evaluation.batch_norm import Moments
from ganbench.evaluation.batches import block_size
from ganbench.evaluation.distances import squared_distances
from ganbench.evaluation.extractor import extract
from ganbench.evaluation.snapshots import generate_images, load_generators
from ganbench.jobs import files
from ganbench.jobs.arrays import map_array
from ganbench.jobs.pictures import draw_image_row
from ganbench.randomness import Stream
from ganbench.samples import SAMPLES_PER_ROW, sample_latents


def draw_nearest(
    *,
    run: dict[str, Any],
    moments: Moments,
    dataset: str,
    seed: int,
    network: nn.Module,
    train_features: torch.Tensor,
    data_file: Path,
    picture_file: Path,
) -> None:
    """Writes `nearest.png`: for each sample of the last snapshot, the nearest training image.

    The samples are those in the last row of `samples.png`, normalised by `moments`. Distances are
    between features; `train_features` `(count, size)` are those of all training images. The picture
    is one black pixel where the run has no snapshot.
    """
    device = train_features.device
    picture = np.zeros((1, 1), dtype=np.uint8)
    for _step, generator in load_generators(run, device, True, moments):
        noise = randomness.generator(dataset, seed, Stream.SAMPLE_LATENTS, device)
        latents = sample_latents(run["parameters"]["latent"], SAMPLES_PER_ROW["images"], noise)
        features = extract(network, generate_images(generator, latents, run["shape"])).features
        nearest = _find_nearest(features, train_features).cpu().numpy()
        picture = draw_image_row(map_array(data_file, "train")[nearest])
    with files.whole(picture_file) as temporary:
        Image.fromarray(picture).save(temporary, format="PNG")


def _find_nearest(features: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """The index among `others` of the image nearest to each of `features`, `(count,)`."""
    blocks = others.split(block_size(others.device))
    distances = [squared_distances(features, block) for block in blocks]
    return torch.cat(distances, dim=1).argmin(1)

"""The training images nearest to a run's last samples, as a picture and a table: is it copying?"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from ganbench import randomness
from ganbench.evaluation.batch_norm import Moments
from ganbench.evaluation.batches import block_size
from ganbench.evaluation.distances import nearest_distances, squared_distances
from ganbench.evaluation.extractor import extract
from ganbench.evaluation.feature_metrics import RealImages
from ganbench.evaluation.snapshots import generate_images, load_generators
from ganbench.jobs import files
from ganbench.jobs.arrays import map_array
from ganbench.jobs.csv_tables import write_table
from ganbench.jobs.pictures import draw_image_row
from ganbench.randomness import Stream
from ganbench.samples import SAMPLES_PER_ROW, sample_latents

COLUMNS = ("samples", "sample", "train_image", "distance", "copy_distance")
"""Columns of `nearest.csv`: which samples, the index among them, and the nearest training image.

`samples` is `samples.png`, whose last row `sample` counts, or `scored`: those of the last snapshot
that were scored first, and of them only the copies. Those at most `copy_distance` away are copies.
"""

Row = tuple[str, int, int, float, float]


def write_nearest(
    *,
    run: dict[str, Any],
    moments: Moments,
    dataset: str,
    seed: int,
    network: nn.Module,
    real: RealImages,
    scored: torch.Tensor,
    data_file: Path,
    picture_file: Path,
    table_file: Path,
) -> None:
    """Writes `nearest.png`: for each sample of the last snapshot, the nearest training image.

    The samples are those in the last row of `samples.png`, normalised by `moments`. `nearest.csv`
    names these images by their index in the split `train` of `data_file`, and those copied in
    `scored`, the features `(count, size)` of the last snapshot's scored images. Distances are
    between features. The picture is one black pixel where the run has no snapshot.
    """
    device = real.train.device
    picture = np.zeros((1, 1), dtype=np.uint8)
    rows: list[Row] = []
    for _step, generator in load_generators(run, device, True, moments):
        noise = randomness.generator(dataset, seed, Stream.SAMPLE_LATENTS, device)
        latents = sample_latents(run["parameters"]["latent"], SAMPLES_PER_ROW["images"], noise)
        features = extract(network, generate_images(generator, latents, run["shape"])).features
        rows += _list_rows("samples.png", features, torch.arange(len(features)), real)
        picture = draw_image_row(map_array(data_file, "train")[[row[2] for row in rows]])
        copies = (nearest_distances(scored, real.train) <= real.copy_distance).nonzero().squeeze(1)
        rows += _list_rows("scored", scored, copies, real)
    write_table(table_file, COLUMNS, rows)
    with files.whole(picture_file) as temporary:
        Image.fromarray(picture).save(temporary, format="PNG")


def _list_rows(
    samples: str, features: torch.Tensor, indices: torch.Tensor, real: RealImages
) -> Iterator[Row]:
    """The rows of the samples with these `indices`."""
    limit = real.copy_distance**0.5
    for some in indices.to(features.device).split(block_size(features.device)):
        images = features[some]
        nearest = _find_nearest(images, real.train)
        distances = (images.double() - real.train[nearest].double()).norm(dim=1)
        columns = (values.tolist() for values in (some, nearest, distances))
        yield from ((samples, *row, limit) for row in zip(*columns, strict=True))


def _find_nearest(features: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """The index among `others` of the image nearest to each of `features`, `(count,)`."""
    blocks = others.split(block_size(others.device))
    distances = [squared_distances(features, block) for block in blocks]
    return torch.cat(distances, dim=1).argmin(1)

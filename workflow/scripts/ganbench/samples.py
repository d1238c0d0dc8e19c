"""Samples as files, networks and pictures hold them: images as pixels, points as they are.

Images are uint8 in files and floats in [-1, 1] in networks; points are floats everywhere.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


def sample_latents(latent: Mapping[str, Any], count: int, generator: torch.Generator) -> Tensor:
    """`(count, latent["size"])` latents on the generator's device.

    `prior` is `normal`, N(0, 1), or `uniform`, U(-1, 1), for each dimension on its own.
    """
    shape, device = (count, latent["size"]), generator.device
    if latent["prior"] == "normal":
        return torch.randn(shape, generator=generator, device=device)
    return torch.rand(shape, generator=generator, device=device) * 2 - 1


SHOWN = {"images": 16, "points": 4096}
"""Samples in a row of `samples.png`."""
GAP = 70
"""The grey between two images of a picture."""
POINTS_BOX = 3.0
"""Pictures of points show the square, or the line, from minus this to plus this."""


def to_float(samples: Tensor) -> Tensor:
    """Samples of a file as networks take them: pixels to [-1, 1]; points stay what they are."""
    return samples.float() / 127.5 - 1 if samples.dtype == torch.uint8 else samples


def to_uint8(images: Tensor) -> Tensor:
    """Floats in [-1, 1] to the nearest uint8 pixels."""
    return (images * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8)


def picture_row(samples: Tensor) -> np.ndarray:
    """Samples as a network makes them, as one row of a picture, uint8 `(height, width[, 3])`.

    Images `(count, channels, height, width)` stand side by side, a grey pixel apart; points
    `(count, dimensions)` become a histogram, brighter or higher where there are more.
    """
    if samples.dim() == 2:
        return _histogram(samples.cpu().double().numpy())
    cells = functional.pad(to_uint8(samples), (0, 1, 0, 1), value=GAP)
    count, channels, height, width = cells.shape
    row = cells.permute(2, 0, 3, 1).reshape(height, count * width, channels)
    return (row.squeeze(2) if channels == 1 else row).cpu().numpy()


def _histogram(points: np.ndarray) -> np.ndarray:
    box = [(-POINTS_BOX, POINTS_BOX)] * points.shape[1]
    if points.shape[1] == 1:
        counts, _ = np.histogramdd(points, bins=128, range=box)
        heights = counts / max(counts.max(), 1) * 64
        return np.where(np.arange(64)[::-1, None] < heights, 255, 0).astype(np.uint8)
    counts, _ = np.histogramdd(points[:, :2], bins=96, range=box[:2])
    brightness = np.sqrt(counts / max(counts.max(), 1))
    return (brightness.T[::-1] * 255).round().astype(np.uint8)

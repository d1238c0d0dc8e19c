"""Latents for generators, and conversions between samples in networks, files and pictures.

Images are floats in [-1, 1] in networks and uint8 in files; points are floats in both.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

SAMPLES_PER_ROW = {"images": 16, "points": 4096}
"""Samples in one row of `samples.png`."""
GAP_GREY = 70
"""The grey value of the gap between two images of a picture."""
POINTS_LIMIT = 3.0
"""Pictures of points show coordinates from minus this to plus this."""


def sample_latents(latent: Mapping[str, Any], count: int, generator: torch.Generator) -> Tensor:
    """Draws latents `(count, latent["size"])` on the random generator's device.

    Their dimensions are independent, and follow N(0, 1) if `latent["prior"]` is `normal`, and
    U(-1, 1) if it is `uniform`.
    """
    shape, device = (count, latent["size"]), generator.device
    if latent["prior"] == "normal":
        return torch.randn(shape, generator=generator, device=device)
    return torch.rand(shape, generator=generator, device=device) * 2 - 1


def to_float(samples: Tensor) -> Tensor:
    """Samples of a file as networks take them: uint8 pixels become floats in [-1, 1]."""
    return samples / 127.5 - 1 if samples.dtype == torch.uint8 else samples


def to_uint8(images: Tensor) -> Tensor:
    """Rounds floats in [-1, 1] to uint8 pixels."""
    return (images * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8)


def picture_row(samples: Tensor) -> np.ndarray:
    """Draws a generator's samples as one row of a picture, uint8 `(height, width[, 3])`.

    Images `(count, channels, height, width)` stand side by side, separated by a grey line. Points
    `(count, dimensions)` become a histogram: bars in one dimension, brightness in two.
    """
    if samples.dim() == 2:
        return _histogram(samples.cpu().double().numpy())
    cells = functional.pad(to_uint8(samples), (0, 1, 0, 1), value=GAP_GREY)
    count, channels, height, width = cells.shape
    row = cells.permute(2, 0, 3, 1).reshape(height, count * width, channels)
    return (row.squeeze(2) if channels == 1 else row).cpu().numpy()


def _histogram(points: np.ndarray) -> np.ndarray:
    box = [(-POINTS_LIMIT, POINTS_LIMIT)] * points.shape[1]
    if points.shape[1] == 1:
        counts, _ = np.histogramdd(points, bins=128, range=box)
        heights = counts / max(counts.max(), 1) * 64
        return np.where(np.arange(64)[::-1, None] < heights, 255, 0).astype(np.uint8)
    counts, _ = np.histogramdd(points[:, :2], bins=96, range=box[:2])
    brightness = np.sqrt(counts / max(counts.max(), 1))
    return (brightness.T[::-1] * 255).round().astype(np.uint8)

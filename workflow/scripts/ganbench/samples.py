"""Latents for generators, and conversions between samples in networks, files and pictures.

Images are floats in [-1, 1] in networks and uint8 in files; points are floats in both.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganbench.jobs.pictures import draw_histogram, draw_image_row

SAMPLES_PER_ROW = {"images": 16, "points": 4096}
"""Samples in one row of `samples.png`."""


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
    """Draws a generator's samples as one row of a picture, uint8 `(height, width[, 3])`."""
    if samples.dim() == 2:
        return draw_histogram(samples.cpu().double().numpy())
    return draw_image_row(to_uint8(samples).cpu().numpy())

"""Pixels: uint8 in files, floats in [-1, 1] in networks."""

import numpy as np
import torch
from torch import Tensor


def to_float(pixels: Tensor) -> Tensor:
    """uint8 pixels to floats in [-1, 1]."""
    return pixels.float() / 127.5 - 1


def to_uint8(images: Tensor) -> Tensor:
    """Floats in [-1, 1] to the nearest uint8 pixels."""
    return (images * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8)


def grid(rows: Tensor) -> np.ndarray:
    """Images `(rows, columns, channels, height, width)` as one uint8 picture `(H, W[, 3])`."""
    count, columns, channels, height, width = rows.shape
    picture = rows.permute(0, 3, 1, 4, 2).reshape(count * height, columns * width, channels)
    return picture.squeeze(2).cpu().numpy() if channels == 1 else picture.cpu().numpy()

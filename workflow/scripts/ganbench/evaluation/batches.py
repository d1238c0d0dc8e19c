"""How much is computed at once on each device.

A CPU is fastest with as much as fits its cache. A GPU needs enough that launching kernels takes no
time, but jobs share its memory: these sizes are chosen for scoring 10,000 images by the classifier
in less than 1.4 GB, beside a context's 0.6 GB. They change no result, except for the order in which
sums are rounded.
"""

import math
from collections.abc import Sequence

import torch

BLOCKS = {"cpu": 1000, "cuda": 4000}
"""Images per block of rows or columns of a matrix of distances, by type of device."""

ACTIVATION_BYTES = 1 << 28
"""Memory of a GPU for the activations of one batch."""

PIXEL_BYTES = 1024
"""Activations of one pixel: four maps of 64 channels in float32."""


def block_size(device: torch.device) -> int:
    """The number of images per block of distances on `device`."""
    return BLOCKS[device.type]


def choose_batch_size(
    device: torch.device, count: int, image_size: Sequence[int], on_cpu: int
) -> int:
    """The number of images per batch of `count`: `on_cpu`, and on a GPU at least as many.

    `image_size` are the height and the width at which the network computes. Batches on a GPU are
    equally large, since each size takes it some time to prepare.
    """
    if device.type == "cpu":
        return on_cpu
    height, width = image_size
    largest = max(on_cpu, ACTIVATION_BYTES // (height * width * PIXEL_BYTES))
    batches = max(1, math.ceil(count / largest))
    return max(1, math.ceil(count / batches))

"""Random changes of images, from which augmentations are made.

An operation takes images `(batch, channels, height, width)` in [-1, 1] and a random stream, and
changes each image in a way of its own. All are differentiable twice with respect to the images, and
their gradients have deterministic kernels on a GPU, unlike those of torch's `grid_sample`.
What a change leaves empty is filled with 0, a middle grey.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Noise = torch.Generator | None
"""A random stream; None where there are only shapes to work out, on the device `meta`."""
Operation = Callable[[Tensor, Noise], Tensor]
"""Changes each image of a batch at random."""


def draw_uniform(images: Tensor, noise: Noise) -> Tensor:
    """One number from [0, 1) for each image, `(batch, 1, 1, 1)`."""
    return torch.rand(len(images), 1, 1, 1, generator=noise, device=images.device)


def draw_whole(images: Tensor, low: int, high: int, noise: Noise) -> Tensor:
    """One whole number from `low` to `high`, both included, for each image, `(batch,)`."""
    shape, device = (len(images),), images.device
    return torch.randint(low, high + 1, shape, generator=noise, device=device)


def apply_to_share(operation: Operation, share: float | Tensor) -> Operation:
    """`operation` with that probability for each image; the other images keep their bits."""

    def apply(images: Tensor, noise: Noise) -> Tensor:
        chosen = draw_uniform(images, noise) < share
        return torch.where(chosen, operation(images, noise), images)

    return apply


def flip(images: Tensor, noise: Noise) -> Tensor:
    """Exchanges left and right with probability 1/2."""
    return torch.where(draw_uniform(images, noise) < 0.5, images.flip(3), images)


def brighten(images: Tensor, noise: Noise) -> Tensor:
    """x + b with b ~ U(-0.5, 0.5)."""
    return images + (draw_uniform(images, noise) - 0.5)


def saturate(images: Tensor, noise: Noise) -> Tensor:
    """Distances from each pixel's mean over the channels, times s ~ U(0, 2)."""
    grey = images.mean(dim=1, keepdim=True)
    return grey + 2 * draw_uniform(images, noise) * (images - grey)


def contrast(images: Tensor, noise: Noise) -> Tensor:
    """Distances from the image's mean, times c ~ U(0.5, 1.5)."""
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (0.5 + draw_uniform(images, noise)) * (images - mean)


def translate(images: Tensor, noise: Noise) -> Tensor:
    """Moves the image by whole pixels, in each direction by at most 1/8 of its size."""
    reach = [int(size / 8 + 0.5) for size in images.shape[2:]]
    down, right = (draw_whole(images, -most, most, noise) for most in reach)
    return shift(images, down, right)


def cut_out(images: Tensor, noise: Noise) -> Tensor:
    """Empties a square of half the image's size, whose centre is anywhere in the image."""
    outside = []
    for size in images.shape[2:]:
        side = int(size / 2 + 0.5)
        start = draw_whole(images, 0, size - side % 2, noise)[:, None] - side // 2
        place = torch.arange(size, device=images.device)
        outside.append((place < start) | (place >= start + side))
    rows, columns = outside
    return images * (rows[:, None, :, None] | columns[:, None, None, :])


def shift(images: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Moves each image by its own numbers of whole pixels, `(batch,)` each."""
    return _Shift.apply(images, down, right)


class _Shift(torch.autograd.Function):
    """The gradient of a shift is the shift back: no two pixels are added in any order."""

    @staticmethod
    def forward(context: Any, images: Tensor, down: Tensor, right: Tensor) -> Tensor:
        context.save_for_backward(down, right)
        for axis, distance in ((2, down), (3, right)):
            images = _shift_along(axis, images, distance)
        return images

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        down, right = context.saved_tensors
        return _Shift.apply(gradient, -down, -right), None, None


def _shift_along(axis: int, images: Tensor, distance: Tensor) -> Tensor:
    size = images.shape[axis]
    source = torch.arange(size, device=images.device) - distance[:, None]
    shape = [len(images), 1, 1, 1]
    shape[axis] = size
    inside = ((source >= 0) & (source < size)).view(shape)
    index = source.clamp(0, size - 1).view(shape).expand(images.shape)
    return torch.where(inside, images.gather(axis, index), 0)

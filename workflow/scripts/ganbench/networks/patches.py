"""Images and the patches under a convolution's window, each the other's gradient.

torch's `unfold` starts a kernel for each image of a batch on a GPU, and so does the gradient of its
`fold`; these start two or three in all.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Window:
    """How a square kernel moves over images: its side, its stride and the padding around them."""

    kernel: int
    stride: int
    padding: int


def to_patches(images: Tensor, window: Window) -> Tensor:
    """Images `(batch, channels, height, width)` to their patches, row by row.

    Patches are `(batch, positions, channels · kernel²)`. Differentiable twice.
    """
    return _ToPatches.apply(images, window)


def to_images(patches: Tensor, window: Window, size: tuple[int, int]) -> Tensor:
    """Adds up patches where they overlap, to images of `size`; the sums of bf16 are in float32.

    Differentiable twice.
    """
    return _ToImages.apply(patches, window, size)


class _ToPatches(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, images: Tensor, window: Window) -> Tensor:
        context.window, context.size = window, images.shape[2:]
        context.set_materialize_grads(False)
        padded = F.pad(images, [window.padding] * 4)
        rows = padded.unfold(2, window.kernel, window.stride)
        patches = rows.unfold(3, window.kernel, window.stride)  # batch, channels, y, x, kernel²
        return patches.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)

    @staticmethod
    def backward(context: Any, gradient: Tensor | None) -> tuple[Tensor | None, None]:
        if gradient is None:
            return None, None
        return _ToImages.apply(gradient, context.window, context.size), None


class _ToImages(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, patches: Tensor, window: Window, size: tuple[int, int]) -> Tensor:
        context.window, context.precision = window, patches.dtype
        context.set_materialize_grads(False)
        return F.fold(
            patches.mT.to(torch.promote_types(patches.dtype, torch.float32)),
            output_size=tuple(size),
            kernel_size=window.kernel,
            padding=window.padding,
            stride=window.stride,
        )

    @staticmethod
    def backward(context: Any, gradient: Tensor | None) -> tuple[Tensor | None, None, None]:
        if gradient is None:
            return None, None, None
        return _ToPatches.apply(gradient.to(context.precision), context.window), None, None

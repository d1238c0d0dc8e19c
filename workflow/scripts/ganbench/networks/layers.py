"""Layers that several architectures share."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganbench.networks.patches import Window, to_images, to_patches

Shape = tuple[int, ...]
"""Of one sample: (channels, height, width) of an image, (dimensions,) of a point."""


def norm_2d(norm: str, channels: int) -> list[nn.Module]:
    """The normalisation `norm` (none, batch, layer) of maps `(batch, channels, height, width)`."""
    if norm == "batch":
        return [nn.BatchNorm2d(channels)]
    return [nn.GroupNorm(1, channels)] if norm == "layer" else []


def norm_1d(norm: str, size: int) -> list[nn.Module]:
    """The normalisation `norm` (none, batch, layer) of vectors `(batch, size)`."""
    if norm == "batch":
        return [nn.BatchNorm1d(size)]
    return [nn.LayerNorm(size)] if norm == "layer" else []


def is_on_gpu(tensor: Tensor) -> bool:
    """Whether a tensor is on a GPU."""
    return tensor.device.type == "cuda"


def is_channels_last(weight: Tensor) -> bool:
    """Whether a convolution's weight is in channels_last."""
    return weight.stride(1) == 1


class ConvTransposeToImages(nn.ConvTranspose2d):
    """A generator's last layer: a transposed convolution from many channels to one or three.

    torch's own layer is slow with so few channels. This one multiplies each pixel by the weights
    and adds up the patches where they overlap: the same sum, on a CPU in a third to a half of the
    time, on a GPU in a third. The patches are added in float32, whatever the precision of the
    product.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """Maps `(batch, in_channels, height, width)` to `(batch, out_channels, 2 height, …)`."""
        size = tuple(side * self.stride[0] for side in maps.shape[2:])
        if is_on_gpu(maps) and is_channels_last(self.weight):
            pixels = maps.permute(0, 2, 3, 1).flatten(1, 2)  # a view, in channels_last
            images = to_images(pixels @ self.weight.flatten(1), _window(self), size)
        elif maps.device.type == "cpu":
            patches = self.weight.flatten(1).t() @ maps.flatten(2)
            images = F.fold(
                patches.to(torch.promote_types(patches.dtype, torch.float32)),
                output_size=size,
                kernel_size=self.kernel_size,
                padding=self.padding,
                stride=self.stride,
            )
        else:
            return super().forward(maps)
        return images + self.bias[:, None, None]


class ConvOfImages(nn.Conv2d):
    """A discriminator's first layer: a convolution from one or three channels to many.

    torch's own layer is slow with so few channels. On a GPU in channels_last, this one multiplies
    each patch by the weights. On a CPU it does so where only the images need a gradient, as in the
    generator's update: that gradient is then a sum of patches, as in the layer above.
    """

    def forward(self, images: Tensor) -> Tensor:
        """Images `(batch, in_channels, height, width)` to maps `(batch, out_channels, …)`."""
        weight = self.weight  # read once: with spectral normalisation every read is an iteration
        height, width = images.shape[2] // self.stride[0], images.shape[3] // self.stride[1]
        matrix, sides = weight.flatten(1), (height, width)
        if is_on_gpu(images) and is_channels_last(weight):
            patches = to_patches(images, _window(self))
            return F.linear(patches, matrix, self.bias).mT.unflatten(2, sides)
        only_images_need_gradient = images.requires_grad and not weight.requires_grad
        if images.device.type != "cpu" or not only_images_need_gradient:
            return self._conv_forward(images, weight, self.bias)
        patches = F.unfold(images, self.kernel_size, padding=self.padding, stride=self.stride)
        if is_channels_last(weight):
            return F.linear(patches.mT, matrix, self.bias).mT.unflatten(2, sides)
        maps = matrix @ patches
        return (maps + self.bias[:, None].to(maps.dtype)).unflatten(2, sides)


def _window(layer: nn.Conv2d | nn.ConvTranspose2d) -> Window:
    return Window(layer.kernel_size[0], layer.stride[0], layer.padding[0])

"""Layers that several architectures share."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

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


class ConvTransposeToImages(nn.ConvTranspose2d):
    """A generator's last layer: a transposed convolution from many channels to one or three.

    On a CPU, torch's own layer is slow with so few channels. There this one multiplies each pixel
    by the weights and adds up the patches where they overlap: the same sum in a third to a half of
    the time. The patches are added in float32, whatever the precision of the product.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """Maps `(batch, in_channels, height, width)` to `(batch, out_channels, 2 height, …)`."""
        if maps.device.type != "cpu":
            return super().forward(maps)
        height, width = maps.shape[2:]
        patches = self.weight.flatten(1).t() @ maps.flatten(2)
        images = F.fold(
            patches.to(torch.promote_types(patches.dtype, torch.float32)),
            output_size=(height * self.stride[0], width * self.stride[1]),
            kernel_size=self.kernel_size,
            padding=self.padding,
            stride=self.stride,
        )
        return images + self.bias[:, None, None]


class ConvOfImages(nn.Conv2d):
    """A discriminator's first layer: a convolution from one or three channels to many.

    In the generator's update only the images need a gradient. On a CPU this layer then multiplies
    each patch by the weights, so that the gradient is a sum of patches, as in the layer above.
    """

    def forward(self, images: Tensor) -> Tensor:
        """Images `(batch, in_channels, height, width)` to maps `(batch, out_channels, …)`."""
        weight = self.weight  # read once: with spectral normalisation every read is an iteration
        only_images_need_gradient = images.requires_grad and not weight.requires_grad
        if images.device.type != "cpu" or not only_images_need_gradient:
            return self._conv_forward(images, weight, self.bias)
        height, width = images.shape[2] // self.stride[0], images.shape[3] // self.stride[1]
        patches = F.unfold(images, self.kernel_size, padding=self.padding, stride=self.stride)
        matrix, sides = weight.flatten(1), (height, width)
        if weight.stride(1) == 1:  # the network is in channels_last
            return F.linear(patches.mT, matrix, self.bias).mT.unflatten(2, sides)
        maps = matrix @ patches
        return (maps + self.bias[:, None].to(maps.dtype)).unflatten(2, sides)

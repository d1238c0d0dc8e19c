"""What several architectures are made of."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Shape = tuple[int, ...]
"""Of one sample: (channels, height, width) of an image, (dimensions,) of a point."""


def norm_of_maps(name: str, channels: int) -> list[nn.Module]:
    """The normalisation `name` (none, batch, layer) of maps `(batch, channels, height, width)`."""
    if name == "batch":
        return [nn.BatchNorm2d(channels)]
    return [nn.GroupNorm(1, channels)] if name == "layer" else []


def norm_of_units(name: str, size: int) -> list[nn.Module]:
    """The same of units `(batch, size)`."""
    if name == "batch":
        return [nn.BatchNorm1d(size)]
    return [nn.LayerNorm(size)] if name == "layer" else []


class ConvTransposeToImages(nn.ConvTranspose2d):
    """A generator's last layer: many channels to the one or three of an image.

    On a CPU torch's own is made for many channels on both sides. There this one takes the matrix
    product of the weights with each pixel, and adds up the patches where they overlap, in float32
    whatever the precision of the product: the same sum, in a third to a half of the time.
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
    """A discriminator's first layer: the one or three channels of an image to many.

    Where only the images need a gradient, as in the generator's step, a CPU takes the matrix
    product of the weights with each patch: the gradient is then that of the layer above.
    """

    def forward(self, images: Tensor) -> Tensor:
        """Images `(batch, in_channels, height, width)` to maps `(batch, out_channels, …)`."""
        weight = self.weight  # once: with spectral normalisation each look is an iteration
        generators_step = images.requires_grad and not weight.requires_grad
        if images.device.type != "cpu" or not generators_step:
            return self._conv_forward(images, weight, self.bias)
        height, width = images.shape[2] // self.stride[0], images.shape[3] // self.stride[1]
        patches = F.unfold(images, self.kernel_size, padding=self.padding, stride=self.stride)
        matrix, sides = weight.flatten(1), (height, width)
        if weight.stride(1) == 1:  # the network's maps lie channel by pixel
            return F.linear(patches.mT, matrix, self.bias).mT.unflatten(2, sides)
        maps = matrix @ patches
        return (maps + self.bias[:, None].to(maps.dtype)).unflatten(2, sides)

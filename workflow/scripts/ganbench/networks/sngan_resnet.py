"""The residual networks of Miyato et al. 2018, Spectral normalization for GANs, Section B.4.

At 32 pixels those of its Table 4 (256 channels in G, 128 in D). At 64 pixels, which the paper's
tables leave out, those of its authors' code (github.com/pfnet-research/sngan_projection, the files
resnet_64.py and snresnet_64.py: 1024 to 64 channels in G, 64 to 1024 in D). `width` 64 is their own
size. Blocks and initial weights follow that code; spectral normalisation itself is a regularizer of
the study.
"""

import itertools
import math

import torch.nn.functional as F
from torch import Tensor, nn

from ganbench.networks.layers import Shape, norm_of_maps

SMALLEST = 4
"""Side of the square that the generator begins with."""


class SNGANGenerator(nn.Module):
    """Residual blocks that each double the resolution."""

    def __init__(self, latent: int, shape: Shape, *, width: int, norm: str) -> None:
        super().__init__()
        channels, resolution, _ = shape
        sizes = _generator_channels(resolution, width)
        self.first = _initialised(nn.Linear(latent, sizes[0] * SMALLEST**2))
        self.square = nn.Unflatten(1, (sizes[0], SMALLEST, SMALLEST))
        pairs = itertools.pairwise(sizes)
        self.blocks = nn.Sequential(*(UpBlock(before, after, norm) for before, after in pairs))
        self.last = nn.Sequential(
            *norm_of_maps(norm, sizes[-1]), nn.ReLU(), _convolution(sizes[-1], channels), nn.Tanh()
        )

    def forward(self, latent: Tensor) -> Tensor:
        """Latents `(batch, latent)` to images `(batch, channels, height, width)` in [-1, 1]."""
        return self.last(self.blocks(self.square(self.first(latent))))


class SNGANDiscriminator(nn.Module):
    """Residual blocks, of which some halve the resolution; the sum over places, then one logit."""

    def __init__(self, shape: Shape, *, width: int, norm: str) -> None:
        super().__init__()
        channels, resolution, _ = shape
        sizes, halved = _discriminator_channels(resolution, width)
        blocks: list[nn.Module] = [FirstBlock(channels, sizes[0])]
        for before, after, halves in zip(sizes, sizes[1:], halved, strict=False):
            blocks.append(DownBlock(before, after, norm, halves=halves))
        self.blocks = nn.Sequential(*blocks)
        self.last = _initialised(nn.Linear(sizes[-1], 1))

    def forward(self, images: Tensor) -> Tensor:
        """Images `(batch, channels, height, width)` to logits `(batch,)`."""
        return self.last(F.relu(self.blocks(images)).sum(dim=(2, 3))).squeeze(1)


class UpBlock(nn.Module):
    """A residual block of the generator: doubles the resolution, by repeating pixels."""

    def __init__(self, before: int, after: int, norm: str) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            *norm_of_maps(norm, before),
            nn.ReLU(),
            nn.Upsample(scale_factor=2),
            _convolution(before, after, gain=math.sqrt(2)),
            *norm_of_maps(norm, after),
            nn.ReLU(),
            _convolution(after, after, gain=math.sqrt(2)),
        )
        # a 1×1 convolution and a repetition of pixels commute: the small maps first
        self.shortcut = nn.Sequential(
            _convolution(before, after, kernel=1), nn.Upsample(scale_factor=2)
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Maps `(batch, before, h, w)` to `(batch, after, 2h, 2w)`."""
        return self.residual(maps) + self.shortcut(maps)


class FirstBlock(nn.Module):
    """The first block of the discriminator: halves the resolution; no activation before it."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            _convolution(before, after, gain=math.sqrt(2)),
            nn.ReLU(),
            _convolution(after, after, gain=math.sqrt(2)),
            nn.AvgPool2d(2),
        )
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), _convolution(before, after, kernel=1))

    def forward(self, images: Tensor) -> Tensor:
        """Images `(batch, before, h, w)` to maps `(batch, after, h/2, w/2)`."""
        return self.residual(images) + self.shortcut(images)


class DownBlock(nn.Module):
    """A further block of the discriminator: widens in its second convolution, then may halve.

    Its shortcut is the identity where nothing changes.
    """

    def __init__(self, before: int, after: int, norm: str, *, halves: bool) -> None:
        super().__init__()
        pool = [nn.AvgPool2d(2)] if halves else []
        self.residual = nn.Sequential(
            *norm_of_maps(norm, before),
            nn.ReLU(),
            _convolution(before, before, gain=math.sqrt(2)),
            *norm_of_maps(norm, before),
            nn.ReLU(),
            _convolution(before, after, gain=math.sqrt(2)),
            *pool,
        )
        changes = halves or before != after
        # a 1×1 convolution and a mean over pixels commute too
        self.shortcut = nn.Sequential(
            *([*pool, _convolution(before, after, kernel=1)] if changes else [])
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Maps `(batch, before, h, w)` to `(batch, after, h, w)`, or half as high and wide."""
        return self.residual(maps) + self.shortcut(maps)


def _generator_channels(resolution: int, width: int) -> list[int]:
    """Channels before the first block and after each."""
    if resolution == 32:
        return [4 * width] * 4
    return [16 * width, 8 * width, 4 * width, 2 * width, width]


def _discriminator_channels(resolution: int, width: int) -> tuple[list[int], list[bool]]:
    """Channels after each block, and whether each block after the first halves the resolution."""
    if resolution == 32:
        return [2 * width] * 4, [True, False, False]
    return [width, 2 * width, 4 * width, 8 * width, 16 * width], [True] * 4


def _convolution(before: int, after: int, *, kernel: int = 3, gain: float = 1.0) -> nn.Conv2d:
    return _initialised(nn.Conv2d(before, after, kernel, padding=kernel // 2), gain)


def _initialised(layer: nn.Module, gain: float = 1.0) -> nn.Module:
    """With Glorot's uniform weights and no bias, as in the paper's code."""
    nn.init.xavier_uniform_(layer.weight, gain)
    nn.init.zeros_(layer.bias)
    return layer

"""The residual networks of Miyato et al. 2018, Spectral normalization for GANs, Section B.4.

At 32 pixels they are those of the paper's Table 4, with 256 channels in G and 128 in D. The paper
has no table for 64 pixels; there they are those of the authors' code
(github.com/pfnet-research/sngan_projection, resnet_64.py and snresnet_64.py), with 1024 to 64
channels in G and 64 to 1024 in D. Both have `width` 64. Blocks and initial weights follow that code
too. Spectral normalisation itself is a regularizer, which a study chooses.
"""

import itertools
import math

import torch.nn.functional as F
from torch import Tensor, nn

from ganbench.networks.layers import Shape, norm_2d

SMALLEST = 4
"""Side of the generator's first maps, in pixels."""


class SNGANGenerator(nn.Module):
    """Residual blocks, each of which doubles the resolution."""

    def __init__(self, latent: int, shape: Shape, *, width: int, norm: str) -> None:
        super().__init__()
        channels, resolution, _ = shape
        sizes = _generator_channels(resolution, width)
        self.first = _initialise(nn.Linear(latent, sizes[0] * SMALLEST**2))
        self.square = nn.Unflatten(1, (sizes[0], SMALLEST, SMALLEST))
        pairs = itertools.pairwise(sizes)
        self.blocks = nn.Sequential(*(UpBlock(before, after, norm) for before, after in pairs))
        self.last = nn.Sequential(
            *norm_2d(norm, sizes[-1]), nn.ReLU(), _convolution(sizes[-1], channels), nn.Tanh()
        )

    def forward(self, latent: Tensor) -> Tensor:
        """Latents `(batch, latent)` to images `(batch, channels, height, width)` in [-1, 1]."""
        return self.last(self.blocks(self.square(self.first(latent))))


class SNGANDiscriminator(nn.Module):
    """Residual blocks, some of which halve the resolution; a sum over pixels, then one logit."""

    def __init__(self, shape: Shape, *, width: int, norm: str) -> None:
        super().__init__()
        channels, resolution, _ = shape
        sizes, halved = _discriminator_channels(resolution, width)
        blocks: list[nn.Module] = [FirstBlock(channels, sizes[0])]
        for before, after, halves in zip(sizes, sizes[1:], halved, strict=False):
            blocks.append(DownBlock(before, after, norm, halves=halves))
        self.blocks = nn.Sequential(*blocks)
        self.last = _initialise(nn.Linear(sizes[-1], 1))

    def forward(self, images: Tensor) -> Tensor:
        """Images `(batch, channels, height, width)` to logits `(batch,)`."""
        return self.last(F.relu(self.blocks(images)).sum(dim=(2, 3))).squeeze(1)


class UpBlock(nn.Module):
    """A residual block of the generator. It doubles the resolution by repeating pixels."""

    def __init__(self, before: int, after: int, norm: str) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            *norm_2d(norm, before),
            nn.ReLU(),
            nn.Upsample(scale_factor=2),
            _convolution(before, after, gain=math.sqrt(2)),
            *norm_2d(norm, after),
            nn.ReLU(),
            _convolution(after, after, gain=math.sqrt(2)),
        )
        # a 1×1 convolution commutes with repeating pixels, and is cheaper before it
        self.shortcut = nn.Sequential(
            _convolution(before, after, kernel=1), nn.Upsample(scale_factor=2)
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Maps `(batch, before, h, w)` to `(batch, after, 2h, 2w)`."""
        return self.residual(maps) + self.shortcut(maps)


class FirstBlock(nn.Module):
    """The first block of the discriminator. It halves the resolution, and starts without a ReLU."""

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
    """A later block of the discriminator. It changes the width, and may halve the resolution.

    The second convolution changes the width. The shortcut is the identity if the block changes
    neither width nor resolution.
    """

    def __init__(self, before: int, after: int, norm: str, *, halves: bool) -> None:
        super().__init__()
        pool = [nn.AvgPool2d(2)] if halves else []
        self.residual = nn.Sequential(
            *norm_2d(norm, before),
            nn.ReLU(),
            _convolution(before, before, gain=math.sqrt(2)),
            *norm_2d(norm, before),
            nn.ReLU(),
            _convolution(before, after, gain=math.sqrt(2)),
            *pool,
        )
        changes = halves or before != after
        # a 1×1 convolution commutes with the mean over pixels, and is cheaper after it
        self.shortcut = nn.Sequential(
            *([*pool, _convolution(before, after, kernel=1)] if changes else [])
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Maps `(batch, before, h, w)` to `(batch, after, h, w)` or `(batch, after, h/2, w/2)`."""
        return self.residual(maps) + self.shortcut(maps)


def _generator_channels(resolution: int, width: int) -> list[int]:
    """Channels before the first block and after each block."""
    if resolution == 32:
        return [4 * width] * 4
    return [16 * width, 8 * width, 4 * width, 2 * width, width]


def _discriminator_channels(resolution: int, width: int) -> tuple[list[int], list[bool]]:
    """Channels after each block, and whether each block after the first halves the resolution."""
    if resolution == 32:
        return [2 * width] * 4, [True, False, False]
    return [width, 2 * width, 4 * width, 8 * width, 16 * width], [True] * 4


def _convolution(before: int, after: int, *, kernel: int = 3, gain: float = 1.0) -> nn.Conv2d:
    return _initialise(nn.Conv2d(before, after, kernel, padding=kernel // 2), gain)


def _initialise(layer: nn.Module, gain: float = 1.0) -> nn.Module:
    """Gives a layer Glorot's uniform weights and zero biases, as in the authors' code."""
    nn.init.xavier_uniform_(layer.weight, gain)
    nn.init.zeros_(layer.bias)
    return layer

"""The networks of Lucic et al. 2018, after InfoGAN (Chen et al. 2016, Table 1).

They follow the authors' code (github.com/google/compare_gan), where `width` is 64. The networks
were designed for 28 pixels, and that code trains them at 32 and 64 pixels too. There are three
differences:

- Pixels are in [-1, 1] instead of [0, 1], so the last sigmoid becomes a tanh of half its argument.
- Batch normalisation has torch's momentum 0.1 and epsilon 1e-5 instead of 0.001 and 0.001.
- D's initial kernels are not truncated at two standard deviations.
"""

from torch import Tensor, nn

from ganbench.networks.layers import (
    ConvOfImages,
    ConvTransposeToImages,
    Shape,
    norm_1d,
    norm_2d,
)

STD = 0.02
"""Initial weights are drawn from N(0, STD²); biases start at 0."""


class InfoGANGenerator(nn.Module):
    """Two fully connected layers, then two transposed convolutions."""

    def __init__(self, latent: int, shape: Shape, *, width: int, norm: str) -> None:
        super().__init__()
        channels, resolution, _ = shape
        side = resolution // 4
        maps = 2 * width
        self.layers = nn.Sequential(
            nn.Linear(latent, 16 * width),
            *norm_1d(norm, 16 * width),
            nn.LeakyReLU(0.2),
            nn.Linear(16 * width, maps * side**2),
            *norm_1d(norm, maps * side**2),
            nn.LeakyReLU(0.2),
            nn.Unflatten(1, (maps, side, side)),
            nn.ConvTranspose2d(maps, width, 4, stride=2, padding=1),
            *norm_2d(norm, width),
            nn.LeakyReLU(0.2),
            ConvTransposeToImages(width, channels, 4, stride=2, padding=1),
        )
        self.apply(_initialise)

    def forward(self, latent: Tensor) -> Tensor:
        """Latents `(batch, latent)` to images `(batch, channels, height, width)` in [-1, 1]."""
        return (self.layers(latent) / 2).tanh()


class InfoGANDiscriminator(nn.Module):
    """Two convolutions, then two fully connected layers."""

    def __init__(self, shape: Shape, *, width: int, norm: str) -> None:
        super().__init__()
        channels, resolution, _ = shape
        side = resolution // 4
        self.layers = nn.Sequential(
            ConvOfImages(channels, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            *norm_2d(norm, 2 * width),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(2 * width * side**2, 16 * width),
            *norm_1d(norm, 16 * width),
            nn.LeakyReLU(0.2),
            nn.Linear(16 * width, 1),
        )
        self.apply(_initialise)

    def forward(self, images: Tensor) -> Tensor:
        """Images `(batch, channels, height, width)` to logits `(batch,)`."""
        return self.layers(images).squeeze(1)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, std=STD)
        nn.init.zeros_(module.bias)

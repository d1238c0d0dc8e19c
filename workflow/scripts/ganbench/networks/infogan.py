"""The networks of Lucic et al. 2018, after InfoGAN (Chen et al. 2016, Table 1), as in their code.

Made for 28 pixels; their code (github.com/google/compare_gan) trains them at 32 and 64 too. `width`
64 is their own size. Differences: pixels are in [-1, 1], theirs in [0, 1], so the last sigmoid is a
tanh of half its argument; batch normalisation has torch's momentum and epsilon, 0.1 and 1e-5 for
their 0.001 and 0.001; D's initial kernels are not cut off at two standard deviations.
"""

from torch import Tensor, nn

from ganbench.networks.layers import (
    ConvOfImages,
    ConvTransposeToImages,
    Shape,
    norm_of_maps,
    norm_of_units,
)

STD = 0.02
"""Of the normal distribution that initial weights are drawn from; biases start at 0."""


class InfoGANGenerator(nn.Module):
    """Two fully connected layers (16 and 2 widths), then two transposed convolutions."""

    def __init__(self, latent: int, shape: Shape, *, width: int, norm: str) -> None:
        super().__init__()
        channels, resolution, _ = shape
        side = resolution // 4
        maps = 2 * width
        self.layers = nn.Sequential(
            nn.Linear(latent, 16 * width),
            *norm_of_units(norm, 16 * width),
            nn.LeakyReLU(0.2),
            nn.Linear(16 * width, maps * side**2),
            *norm_of_units(norm, maps * side**2),
            nn.LeakyReLU(0.2),
            nn.Unflatten(1, (maps, side, side)),
            nn.ConvTranspose2d(maps, width, 4, stride=2, padding=1),
            *norm_of_maps(norm, width),
            nn.LeakyReLU(0.2),
            ConvTransposeToImages(width, channels, 4, stride=2, padding=1),
        )
        self.apply(_initialise)

    def forward(self, latent: Tensor) -> Tensor:
        """Latents `(batch, latent)` to images `(batch, channels, height, width)` in [-1, 1]."""
        return (self.layers(latent) / 2).tanh()


class InfoGANDiscriminator(nn.Module):
    """Two convolutions (1 and 2 widths), then fully connected layers of 16 widths and one logit."""

    def __init__(self, shape: Shape, *, width: int, norm: str) -> None:
        super().__init__()
        channels, resolution, _ = shape
        side = resolution // 4
        self.layers = nn.Sequential(
            ConvOfImages(channels, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            *norm_of_maps(norm, 2 * width),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(2 * width * side**2, 16 * width),
            *norm_of_units(norm, 16 * width),
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

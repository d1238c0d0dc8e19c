"""The networks of Radford et al. 2016, Unsupervised representation learning with DCGANs."""

from torch import Tensor, nn

from ganbench.catalogue.architectures import halvings
from ganbench.networks.layers import ConvOfImages, ConvTransposeToImages, Shape, norm_2d

HALVING = {
    4: {"kernel_size": 4, "stride": 2, "padding": 1},
    5: {"kernel_size": 5, "stride": 2, "padding": 2},
}
"""Options of a convolution that halves the resolution, by kernel."""

DOUBLING = {4: HALVING[4], 5: {**HALVING[5], "output_padding": 1}}
"""Options of a transposed convolution that doubles the resolution, by kernel."""


class DCGANGenerator(nn.Module):
    """Transposed convolutions of stride 2, from a small square up to the images' resolution.

    As in Section 3 and Figure 1 of the paper: batch normalisation and ReLU, tanh at the end. The
    last layer has `width` input channels, and each layer before it twice as many as the next. The
    paper's figure has width 128, kernel 5 and a latent of 100 at 64 pixels.
    """

    def __init__(self, latent: int, shape: Shape, *, width: int, kernel: int, norm: str) -> None:
        super().__init__()
        channels, resolution, _ = shape
        levels = halvings(resolution)
        smallest = resolution >> levels
        features = width << (levels - 1)
        bias = norm == "none"  # a normalisation has a bias of its own
        layers: list[nn.Module] = [
            nn.Linear(latent, features * smallest**2, bias=bias),
            nn.Unflatten(1, (features, smallest, smallest)),
            *norm_2d(norm, features),
            nn.ReLU(),
        ]
        for _ in range(levels - 1):
            layers += [
                nn.ConvTranspose2d(features, features // 2, **DOUBLING[kernel], bias=bias),
                *norm_2d(norm, features // 2),
                nn.ReLU(),
            ]
            features //= 2
        layers += [ConvTransposeToImages(features, channels, **DOUBLING[kernel]), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, latent: Tensor) -> Tensor:
        """Latents `(batch, latent)` to images `(batch, channels, height, width)` in [-1, 1]."""
        return self.layers(latent)


class DCGANDiscriminator(nn.Module):
    """Convolutions of stride 2 with leaky ReLU down to a small square, then one logit.

    As in Section 3 of the paper, but for its batch normalisation in all layers after the first,
    which is `norm: batch` and not the default: with it, the images of a batch influence each
    other's logits.
    """

    def __init__(self, shape: Shape, *, width: int, kernel: int, norm: str) -> None:
        super().__init__()
        channels, resolution, _ = shape
        levels = halvings(resolution)
        layers: list[nn.Module] = []
        for level in range(levels):
            features = width << level
            convolution = nn.Conv2d if level else ConvOfImages
            layers += [convolution(channels, features, **HALVING[kernel])]
            layers += norm_2d(norm, features) if level else []
            layers += [nn.LeakyReLU(0.2)]
            channels = features
        layers += [nn.Flatten(), nn.Linear(channels * (resolution >> levels) ** 2, 1)]
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """Images `(batch, channels, height, width)` to logits `(batch,)`."""
        return self.layers(images).squeeze(1)

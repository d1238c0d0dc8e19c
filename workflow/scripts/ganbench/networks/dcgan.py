"""The networks of Radford et al. 2016, Unsupervised representation learning with DCGANs."""

from typing import Any

from torch import Tensor, nn

from ganbench.catalogue.architectures import halvings
from ganbench.networks.layers import ConvOfImages, ConvTransposeToImages, Shape, norm_of_maps


class DCGANGenerator(nn.Module):
    """Transposed convolutions of stride 2 from a small square up to the images' resolution.

    Its Section 3 and Figure 1: batch normalisation and ReLU, tanh at the end. `width` channels
    before the last layer, twice as many at each halving: the paper's figure is width 128, kernel 5
    and a latent of 100 at 64 pixels.
    """

    def __init__(self, latent: int, shape: Shape, *, width: int, kernel: int, norm: str) -> None:
        super().__init__()
        channels, resolution, _ = shape
        levels = halvings(resolution)
        smallest = resolution >> levels
        features = width << (levels - 1)
        biased = norm == "none"  # a normalisation has a bias of its own
        layers: list[nn.Module] = [
            nn.Linear(latent, features * smallest**2, bias=biased),
            nn.Unflatten(1, (features, smallest, smallest)),
            *norm_of_maps(norm, features),
            nn.ReLU(),
        ]
        for _ in range(levels - 1):
            layers += [
                nn.ConvTranspose2d(features, features // 2, **_twice(kernel), bias=biased),
                *norm_of_maps(norm, features // 2),
                nn.ReLU(),
            ]
            features //= 2
        layers += [ConvTransposeToImages(features, channels, **_twice(kernel)), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, latent: Tensor) -> Tensor:
        """Latents `(batch, latent)` to images `(batch, channels, height, width)` in [-1, 1]."""
        return self.layers(latent)


class DCGANDiscriminator(nn.Module):
    """Convolutions of stride 2 with leaky ReLU down to a small square, then one logit.

    Its Section 3. The paper's batch normalisation, in all layers but the first, is `norm: batch`
    here, and not the default: it lets the images of one batch influence each other's logits.
    """

    def __init__(self, shape: Shape, *, width: int, kernel: int, norm: str) -> None:
        super().__init__()
        channels, resolution, _ = shape
        levels = halvings(resolution)
        layers: list[nn.Module] = []
        for level in range(levels):
            features = width << level
            padding = {4: 1, 5: 2}[kernel]
            convolution = nn.Conv2d if level else ConvOfImages
            layers += [convolution(channels, features, kernel, stride=2, padding=padding)]
            layers += norm_of_maps(norm, features) if level else []
            layers += [nn.LeakyReLU(0.2)]
            channels = features
        layers += [nn.Flatten(), nn.Linear(channels * (resolution >> levels) ** 2, 1)]
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """Images `(batch, channels, height, width)` to logits `(batch,)`."""
        return self.layers(images).squeeze(1)


def _twice(kernel: int) -> dict[str, Any]:
    """A transposed convolution that doubles the resolution, with this kernel."""
    if kernel == 5:
        return {"kernel_size": 5, "stride": 2, "padding": 2, "output_padding": 1}
    return {"kernel_size": 4, "stride": 2, "padding": 1}

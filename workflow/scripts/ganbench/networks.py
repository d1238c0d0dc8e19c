"""The generators and discriminators a study can name.

Every generator maps latents `(batch, latent)` to images
`(batch, channels, height, width)` in [-1, 1]; every discriminator maps images to logits `(batch,)`.
A discriminator treats each image on its own (no batch normalisation), so that real and fake images
can share one pass.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

Shape = tuple[int, int, int]
"""(channels, height, width)"""


class DCGANGenerator(nn.Module):
    """Transposed convolutions of stride 2 from a small square up to the images' resolution.

    After Radford et al. 2016, Section 3: batch normalisation and ReLU, tanh at the end.
    """

    def __init__(self, latent: int, shape: Shape, width: int) -> None:
        super().__init__()
        channels, resolution, _ = shape
        halvings = _halvings(resolution)
        smallest = resolution >> halvings
        features = width << (halvings - 1)
        layers: list[nn.Module] = [
            nn.Linear(latent, features * smallest**2, bias=False),
            nn.Unflatten(1, (features, smallest, smallest)),
            nn.BatchNorm2d(features),
            nn.ReLU(),
        ]
        for _ in range(halvings - 1):
            layers += [
                nn.ConvTranspose2d(features, features // 2, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(features // 2),
                nn.ReLU(),
            ]
            features //= 2
        layers += [nn.ConvTranspose2d(features, channels, 4, stride=2, padding=1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, latent: Tensor) -> Tensor:
        """Latents `(batch, latent)` to images `(batch, channels, height, width)` in [-1, 1]."""
        return self.layers(latent)


class DCGANDiscriminator(nn.Module):
    """Convolutions of stride 2 with leaky ReLU down to a small square, then one logit.

    After Radford et al. 2016, Section 3, but for batch normalisation, which would let the images
    of one batch influence each other's logits.
    """

    def __init__(self, shape: Shape, width: int) -> None:
        super().__init__()
        channels, resolution, _ = shape
        halvings = _halvings(resolution)
        layers: list[nn.Module] = []
        for level in range(halvings):
            layers += [nn.Conv2d(channels, width << level, 4, stride=2, padding=1)]
            layers += [nn.LeakyReLU(0.2)]
            channels = width << level
        layers += [nn.Flatten(), nn.Linear(channels * (resolution >> halvings) ** 2, 1)]
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """Images `(batch, channels, height, width)` to logits `(batch,)`."""
        return self.layers(images).squeeze(1)


def _halvings(resolution: int) -> int:
    """How often the resolution is halved: at least twice, and until it is 7 or less."""
    count = 0
    while resolution > 7 or count < 2:
        if resolution % 2:
            raise ValueError(
                "dcgan halves the resolution at least twice and until it is 7 or less; "
                f"{resolution} cannot be halved"
            )
        resolution //= 2
        count += 1
    return count


NETWORKS: dict[str, tuple[type[nn.Module], type[nn.Module]]] = {
    "dcgan": (DCGANGenerator, DCGANDiscriminator)
}
"""Generator and discriminator by the name a study gives."""


def build_generator(parameters: Mapping[str, Any], shape: Shape) -> nn.Module:
    """The generator of a run's resolved parameters, for images of `shape`."""
    options = dict(parameters["network"])
    return NETWORKS[options.pop("name")][0](parameters["latent"]["size"], shape, **options)


def build_discriminator(parameters: Mapping[str, Any], shape: Shape) -> nn.Module:
    """The discriminator of a run's resolved parameters, for images of `shape`."""
    options = dict(parameters["network"])
    return NETWORKS[options.pop("name")][1](shape, **options)


def count_parameters(network: nn.Module) -> int:
    """How many numbers of a network are trained."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)

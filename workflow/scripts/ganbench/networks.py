"""The generators and discriminators a study can name.

Every generator maps latents `(batch, latent)` to samples `(batch, *shape)`, images in [-1, 1] or
points; every discriminator maps samples to logits `(batch,)`. A discriminator treats each sample on
its own (no batch normalisation), so that real and fake ones can share one pass.
"""

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

Shape = tuple[int, ...]
"""Of one sample: (channels, height, width) of an image, (dimensions,) of a point."""


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


class MLPGenerator(nn.Module):
    """Three hidden layers with ReLU; for points, and for images with a tanh at the end."""

    def __init__(self, latent: int, shape: Shape, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for size in (latent, width, width):
            layers += [nn.Linear(size, width), nn.ReLU()]
        layers += [nn.Linear(width, math.prod(shape)), nn.Unflatten(1, shape)]
        layers += [nn.Tanh()] if len(shape) == 3 else []
        self.layers = nn.Sequential(*layers)

    def forward(self, latent: Tensor) -> Tensor:
        """Latents `(batch, latent)` to samples `(batch, *shape)`."""
        return self.layers(latent)


class MLPDiscriminator(nn.Module):
    """Three hidden layers with leaky ReLU, then one logit; for points and for images."""

    def __init__(self, shape: Shape, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        for size in (math.prod(shape), width, width):
            layers += [nn.Linear(size, width), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Linear(width, 1))

    def forward(self, samples: Tensor) -> Tensor:
        """Samples `(batch, *shape)` to logits `(batch,)`."""
        return self.layers(samples).squeeze(1)


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
    "dcgan": (DCGANGenerator, DCGANDiscriminator),
    "mlp": (MLPGenerator, MLPDiscriminator),
}
"""Generator and discriminator by the name a study gives."""


def build_generator(parameters: Mapping[str, Any], shape: Shape) -> nn.Module:
    """The generator of a run's resolved parameters, for samples of `shape`."""
    options = {key: parameters["network"][key] for key in ("name", "width")}
    return NETWORKS[options.pop("name")][0](parameters["latent"]["size"], shape, **options)


def build_discriminator(parameters: Mapping[str, Any], shape: Shape) -> nn.Module:
    """The discriminator of a run's resolved parameters, for samples of `shape`."""
    options = {key: parameters["network"][key] for key in ("name", "width")}
    return NETWORKS[options.pop("name")][1](shape, **options)


def count_parameters(network: nn.Module) -> int:
    """How many numbers of a network are trained."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)

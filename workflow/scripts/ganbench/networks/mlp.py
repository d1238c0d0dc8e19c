"""Fully connected networks, for points and for images."""

import math

from torch import Tensor, nn

from ganbench.networks.layers import Shape, norm_1d


class MLPGenerator(nn.Module):
    """Three hidden layers of `width` units with ReLU, and a tanh at the end for images."""

    def __init__(self, latent: int, shape: Shape, *, width: int, norm: str) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for size in (latent, width, width):
            layers += [nn.Linear(size, width), *norm_1d(norm, width), nn.ReLU()]
        layers += [nn.Linear(width, math.prod(shape)), nn.Unflatten(1, shape)]
        layers += [nn.Tanh()] if len(shape) == 3 else []
        self.layers = nn.Sequential(*layers)

    def forward(self, latent: Tensor) -> Tensor:
        """Latents `(batch, latent)` to samples `(batch, *shape)`."""
        return self.layers(latent)


class MLPDiscriminator(nn.Module):
    """Three hidden layers of `width` units with leaky ReLU, then one logit."""

    def __init__(self, shape: Shape, *, width: int, norm: str) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        for size in (math.prod(shape), width, width):
            layers += [nn.Linear(size, width), *norm_1d(norm, width), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Linear(width, 1))

    def forward(self, samples: Tensor) -> Tensor:
        """Samples `(batch, *shape)` to logits `(batch,)`."""
        return self.layers(samples).squeeze(1)

"""The DCGAN that people write in a few dozen lines, with which train_quality.py compares ours.

Networks, initial weights and optimizer of Radford et al. 2016 as public tutorials have them: a
transposed convolution of the latent first, batch normalisation in both networks, no biases, weights
from N(0, 0.02²), Adam with 2e-4 and (0.5, 0.999), one batch of fakes for both updates of a step.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

LATENT = 100
REAL, FAKE = 1.0, 0.0


class PlainGenerator(nn.Module):
    """Latents `(batch, 100)` to images whose side is divisible by 4."""

    def __init__(self, channels: int, resolution: int, width: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(LATENT, 2 * width, resolution // 4, 1, 0, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(width, channels, 4, 2, 1, bias=False),
            nn.Tanh(),
        )
        self.apply(initialise)

    def forward(self, latent: Tensor) -> Tensor:
        """Images `(batch, channels, resolution, resolution)` in [-1, 1]."""
        return self.main(latent[:, :, None, None])


class PlainDiscriminator(nn.Module):
    """Images to logits `(batch,)`."""

    def __init__(self, channels: int, resolution: int, width: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(channels, width, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(2 * width, 1, resolution // 4, 1, 0, bias=False),
        )
        self.apply(initialise)

    def forward(self, images: Tensor) -> Tensor:
        """The logit of each image."""
        return self.main(images).flatten()


def initialise(layer: nn.Module) -> None:
    """Draws a layer's weights as the tutorials do."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)
        nn.init.zeros_(layer.bias)


def make_plain_step(
    shape: tuple[int, ...], width: int, sample_real: Callable[[], Tensor]
) -> tuple[nn.Module, Callable[[], None]]:
    """The generator, and the function that takes one step of training on fresh real images."""
    channels, resolution, _ = shape
    generator = PlainGenerator(channels, resolution, width)
    discriminator = PlainDiscriminator(channels, resolution, width)
    optimizers = [
        torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999))
        for network in (discriminator, generator)
    ]
    criterion = nn.BCEWithLogitsLoss()

    def step() -> None:
        real = sample_real()
        real_labels, fake_labels = (torch.full((len(real),), label) for label in (REAL, FAKE))
        discriminator.zero_grad()
        criterion(discriminator(real), real_labels).backward()
        fake = generator(torch.randn(len(real), LATENT))
        criterion(discriminator(fake.detach()), fake_labels).backward()
        optimizers[0].step()
        generator.zero_grad()
        criterion(discriminator(fake), real_labels).backward()
        optimizers[1].step()

    return generator, step

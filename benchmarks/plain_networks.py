"""SNGAN-ResNet and InfoGAN written anew from their papers in plain torch, and one step of training.

Nothing here comes from the library, which the tests compare with it: equal weights, images and
latents must give equal losses. `train_quality.py --network infogan` trains beside it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SNConvolution(nn.Conv2d):
    """A convolution by W / σ(W), with one power iteration a pass (Miyato et al. 2018, Alg. 1)."""

    def forward(self, maps: Tensor) -> Tensor:
        """Maps `(batch, channels, height, width)` to maps of the same size."""
        return F.conv2d(maps, normalise_weight(self), self.bias, padding=self.padding)


class SNLinear(nn.Linear):
    """A fully connected layer by W / σ(W)."""

    def forward(self, vectors: Tensor) -> Tensor:
        """Vectors `(batch, in)` to `(batch, out)`."""
        return F.linear(vectors, normalise_weight(self), self.bias)


def normalise_weight(layer: Any) -> Tensor:
    """The layer's weight over the estimate of its largest singular value, from `layer.v`."""
    matrix = layer.weight.flatten(1)
    with torch.no_grad():
        layer.u = F.normalize(matrix @ layer.v, dim=0, eps=1e-12)
        layer.v = F.normalize(matrix.t() @ layer.u, dim=0, eps=1e-12)
    return layer.weight / (layer.u @ (matrix @ layer.v))


class UpBlock(nn.Module):
    """A residual block that doubles the resolution (Miyato et al. 2018, Figure 8)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm_1, self.conv_1 = nn.BatchNorm2d(width), nn.Conv2d(width, width, 3, padding=1)
        self.norm_2, self.conv_2 = nn.BatchNorm2d(width), nn.Conv2d(width, width, 3, padding=1)
        self.conv_short = nn.Conv2d(width, width, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps of twice the side."""
        hidden = self.conv_1(double(F.relu(self.norm_1(maps))))
        return self.conv_2(F.relu(self.norm_2(hidden))) + self.conv_short(double(maps))


def double(maps: Tensor) -> Tensor:
    """Every pixel four times."""
    return maps.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


class DownBlock(nn.Module):
    """A residual block of the discriminator, the first of which has no ReLU in front."""

    def __init__(self, before: int, width: int, *, first: bool = False, halves: bool) -> None:
        super().__init__()
        self.first, self.halves = first, halves
        self.conv_1 = SNConvolution(before, width, 3, padding=1)
        self.conv_2 = SNConvolution(width, width, 3, padding=1)
        self.conv_short = SNConvolution(before, width, 1) if halves else None

    def forward(self, maps: Tensor) -> Tensor:
        """Maps of half the side, if it halves."""
        hidden = self.conv_2(F.relu(self.conv_1(maps if self.first else F.relu(maps))))
        if not self.halves:
            return hidden + maps
        return F.avg_pool2d(hidden, 2) + F.avg_pool2d(self.conv_short(maps), 2)


class PlainSNGANGenerator(nn.Module):
    """Table 4(a) of Miyato et al. 2018, for 32 pixels; the paper's `width` is 256."""

    def __init__(self, latent: int, channels: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.dense = nn.Linear(latent, width * 4 * 4)
        self.blocks = nn.Sequential(*(UpBlock(width) for _ in range(3)))
        self.norm, self.last = nn.BatchNorm2d(width), nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, latent: Tensor) -> Tensor:
        """Images `(batch, channels, 32, 32)`."""
        maps = self.blocks(self.dense(latent).view(-1, self.width, 4, 4))
        return torch.tanh(self.last(F.relu(self.norm(maps))))


class PlainSNGANDiscriminator(nn.Module):
    """Table 4(b) of the same paper, whose `width` is 128."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            DownBlock(channels, width, first=True, halves=True),
            DownBlock(width, width, halves=True),
            DownBlock(width, width, halves=False),
            DownBlock(width, width, halves=False),
        )
        self.last = SNLinear(width, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits `(batch,)`."""
        return self.last(F.relu(self.blocks(images)).sum(dim=(2, 3))).flatten()


class PlainInfoGANGenerator(nn.Module):
    """Chen et al. 2016, Table 1, as Lucic et al. 2018 use it; their `width` is 64."""

    def __init__(self, latent: int, shape: Sequence[int], width: int) -> None:
        super().__init__()
        self.side, self.maps = shape[1] // 4, 2 * width
        self.fc1, self.bn1 = nn.Linear(latent, 16 * width), nn.BatchNorm1d(16 * width)
        size = self.maps * self.side**2
        self.fc2, self.bn2 = nn.Linear(16 * width, size), nn.BatchNorm1d(size)
        self.up1, self.bn3 = nn.ConvTranspose2d(self.maps, width, 4, 2, 1), nn.BatchNorm2d(width)
        self.up2 = nn.ConvTranspose2d(width, shape[0], 4, 2, 1)

    def forward(self, latent: Tensor) -> Tensor:
        """Images in [-1, 1]: a sigmoid's [0, 1], stretched."""
        hidden = F.leaky_relu(self.bn1(self.fc1(latent)), 0.2)
        hidden = F.leaky_relu(self.bn2(self.fc2(hidden)), 0.2)
        maps = hidden.view(-1, self.maps, self.side, self.side)
        maps = F.leaky_relu(self.bn3(self.up1(maps)), 0.2)
        return 2 * torch.sigmoid(self.up2(maps)) - 1


class PlainInfoGANDiscriminator(nn.Module):
    """The discriminator of the same table, with one output."""

    def __init__(self, shape: Sequence[int], width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(shape[0], width, 4, 2, 1)
        self.conv2, self.bn1 = nn.Conv2d(width, 2 * width, 4, 2, 1), nn.BatchNorm2d(2 * width)
        size = 2 * width * (shape[1] // 4) ** 2
        self.fc1, self.bn2 = nn.Linear(size, 16 * width), nn.BatchNorm1d(16 * width)
        self.fc2 = nn.Linear(16 * width, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits `(batch,)`."""
        maps = F.leaky_relu(self.conv1(images), 0.2)
        maps = F.leaky_relu(self.bn1(self.conv2(maps)), 0.2)
        return self.fc2(F.leaky_relu(self.bn2(self.fc1(maps.flatten(1))), 0.2)).flatten()


def draw_infogan_weights(network: nn.Module) -> None:
    """Weights from N(0, 0.02²), biases 0."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0, 0.02)
            nn.init.zeros_(layer.bias)


def logistic_losses(real: Tensor, fake: Tensor) -> Tensor:
    """The discriminator's cross-entropy."""
    return -(torch.sigmoid(real).log().mean() + (1 - torch.sigmoid(fake)).log().mean())


def logistic_deception(fake: Tensor) -> Tensor:
    """The non-saturating loss of the generator."""
    return -torch.sigmoid(fake).log().mean()


def hinge_losses(real: Tensor, fake: Tensor) -> Tensor:
    """Miyato et al. 2018, Eq. 16."""
    return (1 - real).clamp(min=0).mean() + (1 + fake).clamp(min=0).mean()


def hinge_deception(fake: Tensor) -> Tensor:
    """Miyato et al. 2018, Eq. 17."""
    return -fake.mean()


class PlainGame:
    """Both networks, their Adam and losses; `judge` gives the logits of real and fake images."""

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        *,
        losses: Callable[[Tensor, Tensor], Tensor],
        deception: Callable[[Tensor], Tensor],
        lr: float,
        betas: tuple[float, float],
        together: bool,
    ) -> None:
        self.generator, self.discriminator = generator, discriminator
        self.losses, self.deception, self.together = losses, deception, together
        self.optimizers = [
            torch.optim.Adam(network.parameters(), lr=lr, betas=betas)
            for network in (discriminator, generator)
        ]

    def judge(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Logits, by one pass or by two: a pass is a power iteration, or a batch to normalise."""
        if self.together:
            return self.discriminator(torch.cat([real, fake])).split(len(real))
        return self.discriminator(real), self.discriminator(fake)

    def step(
        self, reals: Sequence[Tensor], latents: Sequence[Tensor], last: Tensor
    ) -> tuple[Tensor, Tensor]:
        """An update of D for each batch, and one of G by the latents `last`; the last losses."""
        for real, latent in zip(reals, latents, strict=True):
            loss = self.losses(*self.judge(real, self.generator(latent).detach()))
            self.optimizers[0].zero_grad()
            loss.backward()
            self.optimizers[0].step()
        deception = self.deception(self.discriminator(self.generator(last)))
        self.optimizers[1].zero_grad()
        deception.backward()
        self.optimizers[1].step()
        return loss.detach(), deception.detach()

"""The moments by which a generator with batch normalisation is normalised while it is scored."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ganbench import randomness
from ganbench.randomness import Stream
from ganbench.samples import sample_latents

STANDING_BATCHES = 100
"""Batches over which standing moments are averaged (Brock et al. 2019 say "typically 100")."""


@dataclass(frozen=True)
class Moments:
    """How the generators of one run are normalised, as a study's `evaluation.batch_norm` says.

    `running`: by the running means of training, the default of compare_gan and StudioGAN. These are
    of earlier weights, and of an averaged generator those of the weights that were trained.
    `standing`: by the mean of the moments of `STANDING_BATCHES` batches of the weights that are
    scored. `batch`: by the moments of each batch, as in training.
    `sample_batches()` draws the latents of these batches, each `(batch_size, latent)`, the same at
    every call.
    """

    kind: str
    batch_size: int
    sample_batches: Callable[[], list[Tensor]]

    @torch.no_grad()
    def apply(self, generator: nn.Module) -> nn.Module:
        """The generator, in evaluation mode, with these moments."""
        layers = list_batch_norms(generator)
        if self.kind == "running" or not layers:
            return generator
        if self.kind == "standing":
            _average_moments(generator, layers, self.sample_batches())
            return generator
        for layer in layers:
            layer.train()
            layer.track_running_stats = False
        return NormalisedInBatches(generator, self.batch_size)


class NormalisedInBatches(nn.Module):
    """A generator that is normalised by the moments of each batch of `size` latents."""

    def __init__(self, network: nn.Module, size: int) -> None:
        super().__init__()
        self.network, self.size = network, size

    def forward(self, latents: Tensor) -> Tensor:
        """The samples of one batch."""
        return self.network(latents)


def choose_moments(
    kind: str, run: dict[str, Any], dataset: str, seed: int, device: torch.device
) -> Moments:
    """The moments for a run as `load_run` reads it; those of all its variants see equal latents."""
    parameters = run["parameters"]
    size = parameters["batch_size"]

    def sample_batches() -> list[Tensor]:
        noise = randomness.generator(dataset, seed, Stream.STANDING_MOMENTS, device)
        return [sample_latents(parameters["latent"], size, noise) for _ in range(STANDING_BATCHES)]

    return Moments(kind, size, sample_batches)


def split_latents(generator: nn.Module, latents: Tensor, size: int) -> tuple[Tensor, ...]:
    """Batches of `size`; of its own size for a generator that batches normalise.

    The last of these is filled up with the first latents: the moments of a smaller one would
    differ. So the batches together may have more latents than there are.
    """
    if not isinstance(generator, NormalisedInBatches):
        return latents.split(size)
    size = generator.size
    count = math.ceil(len(latents) / size) * size
    return latents.repeat(math.ceil(count / len(latents)), 1)[:count].split(size)


def list_batch_norms(network: nn.Module) -> list[nn.modules.batchnorm._BatchNorm]:
    """The layers of batch normalisation of a network."""
    layers = network.modules()
    return [layer for layer in layers if isinstance(layer, nn.modules.batchnorm._BatchNorm)]


def _average_moments(
    generator: nn.Module, layers: list[nn.modules.batchnorm._BatchNorm], batches: list[Tensor]
) -> None:
    """Replaces the running moments of a generator by the plain means over these batches."""
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # torch's cumulative average
        layer.train()
    for latents in batches:
        generator(latents)
    for layer in layers:
        layer.eval()

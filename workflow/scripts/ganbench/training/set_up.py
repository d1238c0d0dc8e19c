"""A game at its first step: initial weights, optimizers and named random streams."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ganbench import networks, objectives, randomness
from ganbench.formula.torch_loss import Loss
from ganbench.latents import sample_latents
from ganbench.regularizers import Regularization
from ganbench.samples import to_float
from ganbench.training.average import WeightAverage
from ganbench.training.graphs import records_steps
from ganbench.training.optimizers import build_optimizer
from ganbench.training.step import Game, Player, losses_of

STREAMS = ("data order", "discriminator noise", "generator noise", "penalty noise")
"""The random streams that a game draws from while it is played."""

PRECISIONS = {"float32": torch.float32, "bf16": torch.bfloat16}
"""Values of `training.precision`."""


def set_up(parameters: Mapping[str, Any], dataset: str, seed: int, real: Tensor) -> Game:
    """The game at its first step: initial weights, optimizers and named random streams.

    `real` is the training data, uint8 images `(count, channels, height, width)` or float points
    `(count, dimensions)`, on the device where everything else then lives.
    """
    device, shape = real.device, tuple(real.shape[1:])
    objective = objectives.read(parameters["objective"]["name"], parameters["objective"])
    discriminator_loss, generator_loss = losses_of(objective)
    with randomness.initialising(dataset, seed, "initial generator"):
        generator = networks.build_generator(parameters, shape).to(device)
    with randomness.initialising(dataset, seed, "initial discriminator"):
        discriminator = networks.build_discriminator(parameters, shape).to(device)
    streams = {name: randomness.generator(dataset, seed, name, device) for name in STREAMS}
    order, discriminator_noise, generator_noise, penalty_noise = streams.values()
    regularization = Regularization(parameters["regularizers"], penalty_noise)
    with randomness.initialising(dataset, seed, "spectral norm"):
        regularization.prepare(discriminator)
    batch, latent, options = (parameters[key] for key in ("batch_size", "latent", "optimizer"))
    channels_last = parameters["channels_last"] and real.dim() == 4
    if channels_last:
        generator, discriminator = map(networks.in_channels_last, (generator, discriminator))

    def sample_real() -> Tensor:
        index = torch.randint(len(real), (batch,), generator=order, device=device)
        samples = to_float(real[index])
        return samples.contiguous(memory_format=torch.channels_last) if channels_last else samples

    def player(network: nn.Module, loss: Loss) -> Player:
        optimizer = build_optimizer(
            options,
            network.parameters(),
            recorded=records_steps(parameters, device),
        )
        return Player(network, optimizer, loss, PRECISIONS[parameters["precision"]])

    return Game(
        discriminator=player(discriminator, discriminator_loss),
        generator=player(generator, generator_loss),
        average=WeightAverage(generator, parameters["ema"]) if parameters["ema"] else None,
        regularization=regularization,
        discriminator_steps=parameters["discriminator_steps"],
        generator_needs_real="r" in objective.generator.variables,
        streams=streams,
        separate_passes=networks.mixes_samples(discriminator),
        sample_real=sample_real,
        sample_discriminator_latent=lambda: sample_latents(latent, batch, discriminator_noise),
        sample_generator_latent=lambda: sample_latents(latent, batch, generator_noise),
    )

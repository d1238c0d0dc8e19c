"""A run: the game at its first step, and all of it that changes while it is trained."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ganbench import randomness
from ganbench.catalogue import objectives
from ganbench.formula.torch_loss import Loss
from ganbench.networks.build import build_discriminator, build_generator, mixes_samples
from ganbench.networks.layout import in_channels_last
from ganbench.regularizers import Regularization
from ganbench.samples import sample_latents, to_float
from ganbench.training.average import WeightAverage
from ganbench.training.graphs import Graphs, records_steps
from ganbench.training.measure import FirstNonFinite
from ganbench.training.optimizers import build_optimizer
from ganbench.training.records import Record
from ganbench.training.step import Game, Player, losses_of
from ganbench.training.stopping import Stopping


@dataclass
class Run:
    """A run after `step` steps, which took `seconds` of training time.

    `graphs` takes its steps where they are recorded.
    """

    game: Game
    record: Record
    stopping: Stopping
    non_finite: FirstNonFinite
    graphs: Graphs | None = None
    step: int = 0
    seconds: float = 0.0

    def state(self) -> dict[str, Any]:
        """Everything that the steps to come depend on, as `torch.save` takes it."""
        average, record = self.game.average, self.record
        return {
            "step": self.step,
            "seconds": self.seconds,
            "players": [
                {"network": player.network.state_dict(), "optimizer": player.optimizer.state_dict()}
                for player in (self.game.discriminator, self.game.generator)
            ],
            "average": average
            and {"network": average.network.state_dict(), "steps": average.steps},
            "streams": {name: each.get_state() for name, each in self._streams().items()},
            "stopping": {"best": self.stopping.best, "waited": self.stopping.waited},
            "non_finite": self.non_finite.steps,
            "record": {
                "history": record.history,
                "steps": record.steps,
                "generators": record.generators,
                "discriminators": record.discriminators,
                "pictures": [torch.from_numpy(each) for each in record.pictures],
            },
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Becomes the run that `state` was taken of; this one has the same parameters."""
        self.step, self.seconds = state["step"], state["seconds"]
        players = (self.game.discriminator, self.game.generator)
        for player, kept in zip(players, state["players"], strict=True):
            player.network.load_state_dict(kept["network"])
            player.optimizer.load_state_dict(kept["optimizer"])
        if average := self.game.average:
            average.network.load_state_dict(state["average"]["network"])
            average.steps = state["average"]["steps"]
        for name, stream in self._streams().items():
            stream.set_state(state["streams"][name])
        self.stopping.best = state["stopping"]["best"]
        self.stopping.waited = state["stopping"]["waited"]
        self.non_finite.steps = state["non_finite"].to(self.non_finite.steps.device)
        record = state["record"]
        self.record.history, self.record.steps = record["history"], record["steps"]
        self.record.generators = record["generators"]
        self.record.discriminators = record["discriminators"]
        self.record.pictures = [each.numpy() for each in record["pictures"]]

    def _streams(self) -> dict[str, torch.Generator]:
        return {**self.game.streams, "stopping noise": self.stopping.noise}


STREAMS = ("data order", "discriminator noise", "generator noise", "penalty noise")
"""The random streams that a game draws from while it is played."""

PRECISIONS = {"float32": torch.float32, "bf16": torch.bfloat16}
"""Values of `training.precision`."""


def set_up_game(parameters: Mapping[str, Any], dataset: str, seed: int, real: Tensor) -> Game:
    """The game at its first step: initial weights, optimizers and named random streams.

    `real` is the training data, uint8 images `(count, channels, height, width)` or float points
    `(count, dimensions)`, on the device where everything else then lives.
    """
    device, shape = real.device, tuple(real.shape[1:])
    objective = objectives.read_objective(parameters["objective"]["name"], parameters["objective"])
    discriminator_loss, generator_loss = losses_of(objective)
    with randomness.initialising(dataset, seed, "initial generator"):
        generator = build_generator(parameters, shape).to(device)
    with randomness.initialising(dataset, seed, "initial discriminator"):
        discriminator = build_discriminator(parameters, shape).to(device)
    streams = {name: randomness.generator(dataset, seed, name, device) for name in STREAMS}
    order, discriminator_noise, generator_noise, penalty_noise = streams.values()
    regularization = Regularization(parameters["regularizers"], penalty_noise)
    with randomness.initialising(dataset, seed, "spectral norm"):
        regularization.prepare(discriminator)
    batch, latent, options = (parameters[key] for key in ("batch_size", "latent", "optimizer"))
    channels_last = parameters["channels_last"] and real.dim() == 4
    if channels_last:
        generator, discriminator = map(in_channels_last, (generator, discriminator))

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
        separate_passes=mixes_samples(discriminator),
        sample_real=sample_real,
        sample_discriminator_latent=lambda: sample_latents(latent, batch, discriminator_noise),
        sample_generator_latent=lambda: sample_latents(latent, batch, generator_noise),
    )

"""A run: how it starts, and everything of it that changes during training."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ganbench import randomness
from ganbench.augmentation.augmentation import AUGMENTATION_STREAMS, Augmentation
from ganbench.catalogue import objectives
from ganbench.formula.torch_loss import Loss
from ganbench.networks.build import build_discriminator, build_generator, mixes_samples
from ganbench.networks.layout import to_channels_last
from ganbench.networks.precision import Forward, forward_in
from ganbench.randomness import Stream
from ganbench.regularizers import Regularization
from ganbench.samples import SAMPLES_PER_ROW, sample_latents, to_float
from ganbench.training.average import WeightAverage
from ganbench.training.balance import Balance
from ganbench.training.device_settings import choose_settings
from ganbench.training.game_updates import adapt_optimizer, choose_updates
from ganbench.training.graphs import Graphs
from ganbench.training.measure import FirstNonFinite
from ganbench.training.optimizers import Optimizer, build_optimizer
from ganbench.training.records import Frames, Record
from ganbench.training.schedule_tensors import Schedules
from ganbench.training.step import Game, Losses, Player, adversarial_step, losses_of
from ganbench.training.stopping import Score, Stopping

STREAMS = (
    Stream.DATA_ORDER,
    Stream.DISCRIMINATOR_NOISE,
    Stream.GENERATOR_NOISE,
    Stream.PENALTY_NOISE,
    *AUGMENTATION_STREAMS,
)
"""The random streams from which the steps of a game draw."""


@dataclass
class Run:
    """A run after `step` steps, which took `seconds` of training time.

    `graphs` takes the steps if they are recorded as CUDA graphs, and is None otherwise.
    """

    game: Game
    record: Record
    stopping: Stopping
    non_finite: FirstNonFinite
    schedules: Schedules
    graphs: Graphs | None = None
    step: int = 0
    seconds: float = 0.0

    @property
    def device(self) -> torch.device:
        """Where the run is trained."""
        return self.non_finite.finite.device

    def take_step(self) -> Losses:
        """Takes the next step, and remembers whether its losses are finite."""
        step = self.step + 1
        self.schedules.set_step(step)
        if self.graphs:
            losses = self.graphs.step(step)
        else:
            losses = adversarial_step(self.game, step)
            self.non_finite.watch(losses)
        self.step = step
        return losses

    def in_order(self) -> AbstractContextManager[None]:
        """Within it, all work of the run is submitted to the GPU in the order of the program."""
        return self.graphs.stream.use() if self.graphs else nullcontext()

    def state(self) -> dict[str, Any]:
        """Everything that later steps and results depend on, for `torch.save`."""
        average, record = self.game.average, self.record
        return {
            "step": self.step,
            "seconds": self.seconds,
            "players": [
                {"network": player.network.state_dict(), "optimizer": player.optimizer.state_dict()}
                for player in self.game.players
            ],
            "average": average
            and {
                "network": average.network.state_dict(),
                "steps": average.steps,
                "product": average.product,
            },
            "streams": {str(name): stream.get_state() for name, stream in self._streams().items()},
            "regularization": self.game.regularization.state,
            "augmentation": self.game.augment.state,
            "balance": self.game.balance.state,
            "stopping": {
                "best": self.stopping.best,
                "best_step": self.stopping.best_step,
                "waited": self.stopping.waited,
            },
            "non_finite": {"count": self.non_finite.count, "finite": self.non_finite.finite},
            "record": {
                "history": record.history,
                "steps": record.steps,
                "generators": record.generators,
                "discriminators": record.discriminators,
                "frames": vars(record.frames),
                "pictures": [torch.from_numpy(picture) for picture in record.pictures],
            },
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restores a `state` of a run with the same parameters."""
        self.step, self.seconds = state["step"], state["seconds"]
        for player, saved in zip(self.game.players, state["players"], strict=True):
            player.network.load_state_dict(saved["network"])
            player.optimizer.load_state_dict(saved["optimizer"])
        if average := self.game.average:
            average.network.load_state_dict(state["average"]["network"])
            average.steps = state["average"]["steps"]
            average.product = state["average"]["product"]
        for name, stream in self._streams().items():
            stream.set_state(state["streams"][name])
        for name, value in self.game.regularization.state.items():
            value.copy_(state["regularization"][name])
        for name, value in self.game.augment.state.items():
            value.copy_(state["augmentation"][name])
        for name, value in self.game.balance.state.items():
            value.copy_(state["balance"][name])
        self.stopping.best = state["stopping"]["best"]
        self.stopping.best_step = state["stopping"]["best_step"]
        self.stopping.waited = state["stopping"]["waited"]
        self.non_finite.count.copy_(state["non_finite"]["count"])
        self.non_finite.finite.copy_(state["non_finite"]["finite"])
        record = state["record"]
        self.record.history, self.record.steps = record["history"], record["steps"]
        self.record.generators = record["generators"]
        self.record.discriminators = record["discriminators"]
        self.record.frames = Frames(**record["frames"])
        self.record.pictures = [picture.numpy() for picture in record["pictures"]]

    def _streams(self) -> dict[str, torch.Generator]:
        return {**self.game.streams, Stream.STOPPING_NOISE: self.stopping.noise}


def start_run(
    parameters: Mapping[str, Any],
    dataset: str,
    seed: int,
    real: Tensor,
    score: Score | None = None,
) -> Run:
    """Sets up a run before its first step; see `set_up_game` for `real`, `Stopping` for `score`."""
    kind = "images" if real.dim() == 4 else "points"
    schedules = Schedules(parameters, real.device)
    game = set_up_game(parameters, dataset, seed, real, schedules)
    non_finite = FirstNonFinite(real.device)
    records = choose_settings(parameters, real.device).cuda_graphs
    noise = randomness.generator(dataset, seed, Stream.SAMPLE_LATENTS, real.device)
    return Run(
        game=game,
        record=Record(
            sample_latents(parameters["latent"], SAMPLES_PER_ROW[kind], noise),
            keep_discriminator=parameters["keep_discriminator"],
            has_frames=kind == "points",
        ),
        stopping=Stopping(parameters, dataset, seed, real, score),
        non_finite=non_finite,
        schedules=schedules,
        graphs=Graphs(game, non_finite.watch) if records else None,
    )


def set_up_game(
    parameters: Mapping[str, Any],
    dataset: str,
    seed: int,
    real: Tensor,
    schedules: Schedules | None = None,
) -> Game:
    """Sets up the game before its first step: initial weights, optimizers and random streams.

    `real` is the training data: uint8 images `(count, channels, height, width)` or float points
    `(count, dimensions)`. Everything else is placed on its device. `schedules` hold the scheduled
    numbers of the game; without them, these keep their values of the first step.
    """
    schedules = schedules or Schedules(parameters, real.device)
    device, shape = real.device, tuple(real.shape[1:])
    settings = choose_settings(parameters, device)
    with randomness.global_stream(dataset, seed, Stream.INITIAL_GENERATOR):
        generator = build_generator(parameters, shape).to(device)
    with randomness.global_stream(dataset, seed, Stream.INITIAL_DISCRIMINATOR):
        discriminator = build_discriminator(parameters, shape).to(device)
    streams = {name: randomness.generator(dataset, seed, name, device) for name in STREAMS}
    augment = Augmentation(parameters.get("augment"), streams, device)
    regularization = Regularization(
        schedules.regularizer_options(),
        streams[Stream.PENALTY_NOISE],
        in_one_pass=device.type == "cuda",
        augment=augment.for_penalties,
    )
    with randomness.global_stream(dataset, seed, Stream.SPECTRAL_NORM):
        regularization.prepare(discriminator)
    channels_last = settings.channels_last and real.dim() == 4
    if channels_last:
        generator, discriminator = to_channels_last(generator), to_channels_last(discriminator)
    batch, latent = parameters["batch_size"], parameters["latent"]

    def sample_real() -> Tensor:
        order = streams[Stream.DATA_ORDER]
        index = torch.randint(len(real), (batch,), generator=order, device=device)
        samples = to_float(real[index])
        return samples.contiguous(memory_format=torch.channels_last) if channels_last else samples

    def forward(network: nn.Module) -> Forward:
        return forward_in(settings.autocast, network)

    def build_player_optimizer(player: str, weights: Iterable[nn.Parameter]) -> Optimizer:
        return build_optimizer(schedules.optimizer_options(player), weights)

    average = None
    if decay := parameters["ema"]:
        average = WeightAverage(generator, decay, schedules.half_life_factor())
    return assemble_game(
        parameters,
        generator,
        discriminator,
        regularization,
        optimizer=build_player_optimizer,
        forward=forward,
        average=average,
        augment=augment,
        sample_real=sample_real,
        sample_discriminator_latent=lambda: sample_latents(
            latent, batch, streams[Stream.DISCRIMINATOR_NOISE]
        ),
        sample_generator_latent=lambda: sample_latents(
            latent, batch, streams[Stream.GENERATOR_NOISE]
        ),
        streams=streams,
    )


def assemble_game(
    parameters: Mapping[str, Any],
    generator: nn.Module,
    discriminator: nn.Module,
    regularization: Regularization,
    *,
    optimizer: Callable[[str, Iterable[nn.Parameter]], Optimizer],
    sample_real: Callable[[], Tensor],
    sample_discriminator_latent: Callable[[], Tensor],
    sample_generator_latent: Callable[[], Tensor],
    forward: Callable[[nn.Module], Forward] | None = None,
    average: WeightAverage | None = None,
    augment: Augmentation,
    streams: Mapping[str, torch.Generator] | None = None,
) -> Game:
    """Assembles the game of these networks from a run's resolved parameters.

    `optimizer` builds the optimizer of the player of this name for its weights, `forward` a
    network's pass; without it the pass is the network's own. `Game` explains the samplers.
    """
    objective = objectives.read_objective(parameters["objective"]["name"], parameters["objective"])
    balance = Balance(objective, next(generator.parameters()).device)
    discriminator_loss, generator_loss = losses_of(objective, balance)

    def player(name: str, network: nn.Module, loss: Loss) -> Player:
        mover = adapt_optimizer(parameters, optimizer(name, network.parameters()))
        return Player(network, mover, loss, forward and forward(network))

    return Game(
        discriminator=player("discriminator", discriminator, discriminator_loss),
        generator=player("generator", generator, regularization.restrict(generator_loss)),
        average=average,
        balance=balance,
        augment=augment,
        regularization=regularization,
        discriminator_steps=parameters["discriminator_steps"],
        update_players=choose_updates(parameters),
        generator_needs_real="r" in objective.generator.variables,
        separate_passes=mixes_samples(discriminator),
        sample_real=sample_real,
        sample_discriminator_latent=sample_discriminator_latent,
        sample_generator_latent=sample_generator_latent,
        streams=streams or {},
    )

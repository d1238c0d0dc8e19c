"""One iteration of Algorithm 1 of Goodfellow et al. 2014: the page to read first.

k times: the discriminator, a binary classifier of real against fake, descends its loss on fresh
real images x and fresh latents z. Then the generator, its adversary, descends its own loss once.
`game_updates.py` has the other ways to make the last of these k updates and the generator's.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganbench.augmentation.augmentation import Augmentation
from ganbench.catalogue.objectives import Objective
from ganbench.formula.torch_loss import Loss, compile_loss
from ganbench.networks.precision import Forward
from ganbench.randomness import Stream
from ganbench.regularizers import Regularization
from ganbench.training.average import WeightAverage
from ganbench.training.balance import Balance
from ganbench.training.optimizers import Optimizer


@dataclass(frozen=True)
class Player:
    """A network, the optimizer of its weights, and the loss that it descends.

    `forward` is the network's pass in the precision of training; without it, the network's own.
    Weights, losses and penalties are always float32.
    """

    network: nn.Module
    optimizer: Optimizer
    loss: Loss
    forward: Forward | None = None

    def __call__(self, inputs: Tensor) -> Tensor:
        """The network's output, in float32."""
        return (self.forward or self.network)(inputs)

    def differentiate(self, loss: Tensor) -> None:
        """Writes the gradient of `loss` to this player's weights, for its optimizer."""
        self.optimizer.zero_grad()
        loss.backward()

    def descend(self, loss: Tensor) -> None:
        """One update of this player's weights along the gradient of `loss`."""
        self.differentiate(loss)
        self.optimizer.step()


@dataclass(frozen=True)
class Game:
    """Both players, the k of Algorithm 1, and the source of fresh samples.

    `update_players(game, update)` makes discriminator update `update` (from 0), the last of a step,
    and the generator's: `alternate` below, or one of `game_updates.py`.
    `sample_real()` returns images `(batch, channels, height, width)`. The two latent samplers
    return `(batch, latent)`, each from a random stream of its own. `average` is None unless the
    generator's weights are averaged. `balance` are the numbers of the losses that move.
    `separate_passes` keeps real and fake samples apart if the discriminator normalises each batch
    by its own moments. `augment` changes the images that the discriminator sees. `streams` are all
    streams of a step.
    """

    discriminator: Player
    generator: Player
    average: WeightAverage | None
    balance: Balance
    augment: Augmentation
    regularization: Regularization
    discriminator_steps: int
    update_players: "Callable[[Game, int], Losses]"
    generator_needs_real: bool
    separate_passes: bool
    sample_real: Callable[[], Tensor]
    sample_discriminator_latent: Callable[[], Tensor]
    sample_generator_latent: Callable[[], Tensor]
    streams: Mapping[str, torch.Generator]

    @property
    def players(self) -> tuple[Player, Player]:
        """The discriminator, then the generator."""
        return self.discriminator, self.generator

    @property
    def scored_generator(self) -> nn.Module:
        """The generator that snapshots hold: the averaged one, if there is one."""
        return self.average.network if self.average else self.generator.network

    def judge(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """The logits of real and of fake samples, in one pass if that changes nothing."""
        real = self.augment(real, Stream.AUGMENTED_REAL)
        fake = self.augment(fake, Stream.AUGMENTED_FAKE)
        if self.separate_passes:
            real_logits, fake_logits = self.discriminator(real), self.discriminator(fake)
        else:
            real_logits, fake_logits = self.discriminator(torch.cat([real, fake])).chunk(2)
        self.augment.watch(real_logits)
        return real_logits, fake_logits


@dataclass(frozen=True)
class Losses:
    """Logits `(batch,)` and scalar losses of one iteration, on the device.

    `real` and `fake` are the logits of the last discriminator update, computed before the update;
    with extragradient, all are those of its second half, at the weights ahead.
    `penalty` is the sum of its penalties, None without any, or the term that consensus adds to both
    losses. `generator_fake` are the logits of the generator's update. `generator_weight` is
    ∂L_G/∂f, the gradient of the generator's loss with respect to each of them, times the batch
    size.
    """

    real: Tensor
    fake: Tensor
    generator_fake: Tensor
    generator_weight: Tensor
    discriminator: Tensor
    penalty: Tensor | None
    generator: Tensor


def losses_of(objective: Objective, balance: Balance) -> tuple[Loss, Loss]:
    """The discriminator's and the generator's loss of an objective."""
    formulas = objective.discriminator, objective.generator
    discriminator, generator = (compile_loss(formula, balance.state) for formula in formulas)
    return discriminator, generator


def adversarial_step(game: Game, step: int) -> Losses:
    """Iteration `step` (from 1): k updates of the discriminator, and one of the generator."""
    last = step * game.discriminator_steps - 1
    for update in range(last - game.discriminator_steps + 1, last):
        update_discriminator(game, update)
    losses = game.update_players(game, last)
    game.balance.update(losses.real, losses.generator_fake)
    if game.average:
        game.average.update(game.generator.network)
    return losses


def alternate(game: Game, update: int) -> Losses:
    """Algorithm 1: the generator meets a discriminator that has just been updated."""
    judgement = update_discriminator(game, update)
    deception = deceive(game, judgement.images)
    game.generator.descend(deception.loss)
    return detach_losses(judgement, deception, deception.logits.grad)


@dataclass(frozen=True)
class DiscriminatorSide:
    """The discriminator's side of an update: real images, their logits and the fake ones, losses.

    `penalty` is None if none is due.
    """

    images: Tensor
    real: Tensor
    fake: Tensor
    loss: Tensor
    penalty: Tensor | None

    @property
    def total(self) -> Tensor:
        """What the discriminator descends."""
        return self.loss if self.penalty is None else self.loss + self.penalty


@dataclass(frozen=True)
class GeneratorSide:
    """The generator's side of an update: the logits of its samples, and its loss."""

    logits: Tensor
    loss: Tensor


def update_discriminator(game: Game, update: int) -> DiscriminatorSide:
    """Update `update` (from 0) of the discriminator alone."""
    judgement = tell_apart(game, update)
    game.discriminator.descend(judgement.total)
    game.regularization.constrain(game.discriminator.network)
    return judgement


def tell_apart(game: Game, update: int) -> DiscriminatorSide:
    """The discriminator's loss on fresh samples, with the penalties of update `update`."""
    real = game.sample_real()
    with torch.no_grad():
        fake = game.generator(game.sample_discriminator_latent())
    real_logits, fake_logits = game.judge(real, fake)
    loss = game.discriminator.loss(real_logits, fake_logits)
    penalty = game.regularization.penalty(
        game.discriminator.network, real, fake, update, (real_logits, fake_logits)
    )
    return DiscriminatorSide(real, real_logits, fake_logits, loss, penalty)


def deceive(game: Game, real: Tensor) -> GeneratorSide:
    """The generator's side on fresh latents; its gradient leaves the discriminator alone."""
    with frozen(game.discriminator.network):
        side = play_generator(game, real)
    side.logits.retain_grad()
    return side


def play_generator(game: Game, real: Tensor) -> GeneratorSide:
    """The generator's side on fresh latents; some objectives compare with the `real` images."""
    fake = game.generator(game.sample_generator_latent())
    logits = game.discriminator(game.augment(fake, Stream.GENERATOR_AUGMENTED_FAKE))
    compared = None
    if game.generator_needs_real:
        compared = game.discriminator(game.augment(real, Stream.GENERATOR_AUGMENTED_REAL))
    return GeneratorSide(logits, game.generator.loss(compared, logits))


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Within it, passes through the network leave its weights without a gradient."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)


def detach_losses(judgement: DiscriminatorSide, deception: GeneratorSide, weight: Tensor) -> Losses:
    """What a step leaves behind; `weight` is the gradient of the generator's loss by its logits."""
    penalty = judgement.penalty
    return Losses(
        real=judgement.real.detach(),
        fake=judgement.fake.detach(),
        generator_fake=deception.logits.detach(),
        generator_weight=weight * len(weight),
        discriminator=judgement.loss.detach(),
        penalty=None if penalty is None else penalty.detach(),
        generator=deception.loss.detach(),
    )

"""One iteration of Algorithm 1 of Goodfellow et al. 2014: the page to read first.

k times: the discriminator, a binary classifier of real against fake, descends its loss on fresh
real images x and fresh latents z. Then the generator, its adversary, descends its own loss once.
"""

from collections.abc import Callable, Mapping
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

    def descend(self, loss: Tensor) -> None:
        """One update of this player's weights along the gradient of `loss`."""
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


@dataclass(frozen=True)
class Game:
    """Both players, the k of Algorithm 1, and the source of fresh samples.

    `sample_real()` returns images `(batch, channels, height, width)`. The two latent samplers
    return `(batch, latent)`, each from a random stream of its own. `average` is None unless the
    generator's weights are averaged. `separate_passes` keeps real and fake samples apart if the
    discriminator normalises each batch by its own moments. `augment` changes the images that the
    discriminator sees. `streams` are all streams of a step.
    """

    discriminator: Player
    generator: Player
    average: WeightAverage | None
    augment: Augmentation
    regularization: Regularization
    discriminator_steps: int
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

    `real` and `fake` are the logits of the last discriminator update, computed before the update.
    `penalty` is the sum of its penalties, None without any. `generator_fake` are the logits of the
    generator's update. `generator_weight` is ∂L_G/∂f, the gradient of the generator's loss with
    respect to each of them, times the batch size.
    """

    real: Tensor
    fake: Tensor
    generator_fake: Tensor
    generator_weight: Tensor
    discriminator: Tensor
    penalty: Tensor | None
    generator: Tensor


def losses_of(objective: Objective) -> tuple[Loss, Loss]:
    """The discriminator's and the generator's loss of an objective."""
    return compile_loss(objective.discriminator), compile_loss(objective.generator)


def adversarial_step(game: Game, step: int) -> Losses:
    """Iteration `step` (from 1): k updates of the discriminator, then one of the generator."""
    discriminator, generator, k = game.discriminator, game.generator, game.discriminator_steps

    for update in range((step - 1) * k, step * k):
        real = game.sample_real()
        with torch.no_grad():
            fake = generator(game.sample_discriminator_latent())
        real_logits, fake_logits = game.judge(real, fake)
        discriminator_loss = discriminator.loss(real_logits, fake_logits)
        penalty = game.regularization.penalty(
            discriminator.network, real, fake, update, (real_logits, fake_logits)
        )
        discriminator.descend(
            discriminator_loss if penalty is None else discriminator_loss + penalty
        )
        game.regularization.constrain(discriminator.network)

    discriminator.network.requires_grad_(False)
    fake = generator(game.sample_generator_latent())
    deceiving_logits = discriminator(game.augment(fake, Stream.GENERATOR_AUGMENTED_FAKE))
    deceiving_logits.retain_grad()
    compared_logits = None
    if game.generator_needs_real:
        compared_logits = discriminator(game.augment(real, Stream.GENERATOR_AUGMENTED_REAL))
    generator_loss = generator.loss(compared_logits, deceiving_logits)
    generator.descend(generator_loss)
    discriminator.network.requires_grad_(True)
    if game.average:
        game.average.update(generator.network)

    return Losses(
        real=real_logits.detach(),
        fake=fake_logits.detach(),
        generator_fake=deceiving_logits.detach(),
        generator_weight=deceiving_logits.grad * len(fake),
        discriminator=discriminator_loss.detach(),
        penalty=None if penalty is None else penalty.detach(),
        generator=generator_loss.detach(),
    )

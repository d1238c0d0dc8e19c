"""The ways to make the last discriminator update of a step and the generator's.

Both players together follow the field v = (∂L_D/∂θ, ∂L_G/∂φ), with θ the discriminator's weights
and φ the generator's. Only alternating updates, in `step.py`, take its two parts at different
weights. Each further way takes both at the same ones: `optimistic` is `move_together` with another
optimizer. The k − 1 updates of the discriminator before are the same for all.

Every way draws the same batches and latents in the same order, extragradient twice as many.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.catalogue.updates import find_updates
from ganbench.training.optimizers import Optimizer
from ganbench.training.step import (
    DiscriminatorSide,
    Game,
    Losses,
    alternate,
    deceive,
    detach_losses,
    play_generator,
    tell_apart,
)


def move_together(game: Game, update: int) -> Losses:
    """w ← w − η v(w), simultaneous gradient descent (Mescheder et al. 2017, Algorithm 1)."""
    losses = take_field(game, update)
    move(game)
    return losses


def extrapolate(game: Game, update: int) -> Losses:
    """w′ = w − η v(w), then w ← w − η v(w′) (Gidel et al. 2019, Algorithm 4, option I).

    Both halves draw fresh samples and move by the players' optimizers, whose means advance at each
    as in the paper's ExtraAdam; with plain SGD it is the extragradient method of Korpelevich. A
    constraint holds after either half, as the paper's projection does.
    """
    weights = [weight.detach() for player in game.players for weight in player.optimizer.weights]
    former = [weight.clone() for weight in weights]
    move_together(game, update)
    losses = take_field(game, update)
    torch._foreach_copy_(weights, former)
    move(game)
    return losses


def take_field(game: Game, update: int) -> Losses:
    """Writes v at the present weights, on fresh samples, to the gradients of both players."""
    judgement = tell_apart(game, update)
    game.discriminator.differentiate(judgement.total)
    deception = deceive(game, judgement.images)
    game.generator.differentiate(deception.loss)
    return detach_losses(judgement, deception, deception.logits.grad)


def move(game: Game) -> None:
    """Moves both players along their gradients."""
    for player in game.players:
        player.optimizer.step()
    game.regularization.constrain(game.discriminator.network)


def seek_consensus(game: Game, _update: int, *, weight: float) -> Losses:
    """w ← w − η (v + γ ∇½‖v‖²) (Mescheder et al. 2017, Algorithm 2), with γ = `weight`.

    ‖v‖² is that of the batch, as in the authors' code. Its gradient goes through the fake samples
    of the discriminator's loss to the generator, and through the generator's loss to the
    discriminator. The passes of `second_order.py` would leave out gradients of weights.
    """
    real, fake = game.sample_real(), game.generator(game.sample_discriminator_latent())
    real_logits, fake_logits = game.judge(real, fake)
    loss = game.discriminator.loss(real_logits, fake_logits)
    deception = play_generator(game, real)
    weights = [player.optimizer.weights for player in game.players]
    field = torch.autograd.grad(loss, weights[0], create_graph=True)
    by_logits, *rest = torch.autograd.grad(
        deception.loss, [deception.logits, *weights[1]], create_graph=True
    )
    everything, field = [*weights[0], *weights[1]], [*field, *rest]
    penalty = weight / 2 * torch.cat([part.flatten() for part in field]).square().sum()
    # a loss that is linear in the logits does not depend on the last bias
    slopes = torch.autograd.grad(penalty, everything, materialize_grads=True)
    _write_gradients(everything, field, slopes)
    move(game)
    judgement = DiscriminatorSide(real, real_logits, fake_logits, loss, penalty)
    return detach_losses(judgement, deception, by_logits.detach())


@torch.no_grad()
def _write_gradients(
    weights: Iterable[nn.Parameter], field: Iterable[Tensor], slopes: Iterable[Tensor]
) -> None:
    for weight, part, slope in zip(weights, field, slopes, strict=True):
        # an optimizer needs the layout of the weight, which autograd.grad does not see to
        weight.grad = torch.add(part, slope, out=torch.empty_like(weight))


class Optimistic(Optimizer):
    """Moves by twice the step of another optimizer, less its former step.

    With Adam this is Optimistic Adam (Daskalakis et al. 2018, Algorithm 1), with SGD their
    optimistic mirror descent. Before the first step, the former one is 0.
    """

    MEANS = ("former",)

    def __init__(self, optimizer: Optimizer) -> None:
        super().__init__(optimizer.weights, optimizer.options)
        self.optimizer = optimizer

    @torch.no_grad()
    def step(self) -> None:
        """Moves the weights once."""
        weights, former = self.weights, self.state["former"]
        before = [weight.clone() for weight in weights]
        self.optimizer.step()
        steps = torch._foreach_sub(weights, before)
        torch._foreach_add_(weights, steps)
        torch._foreach_sub_(weights, former)
        torch._foreach_copy_(former, steps)

    def state_dict(self) -> dict[str, Any]:
        """What later steps depend on, for `torch.save`."""
        return {**self.state, "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Copies a `state_dict` of an optimizer of the same weights."""
        super().load_state_dict(state)
        self.optimizer.load_state_dict(state["optimizer"])


def choose_updates(parameters: Mapping[str, Any]) -> Callable[[Game, int], Losses]:
    """How the players of a run with these resolved parameters are updated."""
    kinds: dict[str, Callable[[Game, int], Losses]] = {
        "alternating": alternate,
        "simultaneous": move_together,
        "extragradient": extrapolate,
        "optimistic": move_together,
        "consensus": partial(seek_consensus, weight=parameters.get("consensus_weight")),
    }
    return kinds[find_updates(parameters)]


def adapt_optimizer(parameters: Mapping[str, Any], optimizer: Optimizer) -> Optimizer:
    """The optimizer of a player as the updates of its run use it."""
    return Optimistic(optimizer) if find_updates(parameters) == "optimistic" else optimizer

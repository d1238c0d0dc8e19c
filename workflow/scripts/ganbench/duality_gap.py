"""The duality gap of Grnarova et al. 2019: how far a game is from its equilibrium.

The gap is max over D' of V(D', G) − min over G' of V(D, G'), where V = −L_D is the objective's own
value: of a minimax discriminator, Eq. 1 of Goodfellow et al. 2014. It is zero at the equilibrium
and positive elsewhere. Here an adversary with a limited budget, starting from the snapshot's
weights, searches for the maximum and for the minimum. Neither search can overshoot, so the result
is a lower bound of the gap.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.catalogue.objectives import read_objective
from ganbench.formula.boundary import falls_without_bound
from ganbench.formula.language import parse
from ganbench.formula.torch_loss import compile_loss, softplus

Sampler = Callable[[int], Tensor]
"""Draws as many fresh samples as its argument says."""
Value = Callable[[Tensor, Tensor], Tensor]
"""V of the logits `(count,)` on real and on generated samples, a scalar."""
BLOCK = 8192
"""Samples that a network judges or generates at once, so that they stay in a processor's cache."""
EQUATION_1 = parse("softplus(-r) + softplus(f)").expression


@dataclass(frozen=True)
class AdversaryBudget:
    """How long an adversary trains, and the number of samples that measure its result."""

    steps: int = 200
    batch_size: int = 256
    lr: float = 1e-3
    samples: int = 50_000


def minimax_value(real: Tensor, fake: Tensor) -> Tensor:
    """V(D, G) = E log D(x) + E log(1 − D(G(z))) (Goodfellow et al. 2014, Eq. 1), a scalar.

    `real` and `fake` are D's logits `(count,)` on real and on generated samples.
    """
    return -softplus(-real).mean() - softplus(fake).mean()


def own_value(definition: Mapping[str, Any]) -> Value | None:
    """V = −L_D of an objective with its `name` and formulas.

    None where L_D falls without bound: no discriminator is the best, and the gap is infinite.
    """
    loss = read_objective(definition["name"], definition).discriminator
    if loss.expression == EQUATION_1:
        return minimax_value
    if falls_without_bound(loss):
        return None
    compute = compile_loss(loss)
    return lambda real, fake: -compute(real, fake)


def duality_gap(
    discriminator: nn.Module,
    generator: nn.Module,
    sample_real: Sampler,
    sample_latent: Sampler,
    budget: AdversaryBudget,
    *,
    value: Value = minimax_value,
) -> tuple[float, float]:
    """max V(D', G) and min V(D, G') within the budget; the gap is their difference.

    Leaves both networks unchanged.
    """
    return (
        best_discriminator(
            discriminator, generator, sample_real, sample_latent, budget, value=value
        ),
        best_generator(discriminator, generator, sample_real, sample_latent, budget, value=value),
    )


def best_discriminator(
    discriminator: nn.Module,
    generator: nn.Module,
    sample_real: Sampler,
    sample_latent: Sampler,
    budget: AdversaryBudget,
    *,
    value: Value = minimax_value,
) -> float:
    """The highest V(D', G) that a discriminator D' reaches against this generator."""
    adversary = deepcopy(discriminator)

    def loss(count: int) -> Tensor:
        with torch.no_grad():
            fake = _apply(generator, sample_latent(count))
        return -value(_apply(adversary, sample_real(count)), _apply(adversary, fake))

    return -_descend(adversary, loss, budget)


def best_generator(
    discriminator: nn.Module,
    generator: nn.Module,
    sample_real: Sampler,
    sample_latent: Sampler,
    budget: AdversaryBudget,
    *,
    value: Value = minimax_value,
) -> float:
    """The lowest V(D, G') that a generator G' reaches against this discriminator."""
    adversary, judge = deepcopy(generator), deepcopy(discriminator).requires_grad_(False)

    def loss(count: int) -> Tensor:
        real = _apply(judge, sample_real(count))
        return value(real, _apply(judge, _apply(adversary, sample_latent(count))))

    return _descend(adversary, loss, budget)


def _apply(network: nn.Module, samples: Tensor) -> Tensor:
    """What `network` makes of `samples`, a block at a time."""
    blocks = [network(block) for block in samples.split(BLOCK)]
    return blocks[0] if len(blocks) == 1 else torch.cat(blocks)


def _descend(adversary: nn.Module, loss: Callable[[int], Tensor], budget: AdversaryBudget) -> float:
    """Trains the adversary on `loss`; returns the loss before or after, whichever is lower."""

    @torch.no_grad()
    def measure() -> float:
        return float(loss(budget.samples))

    before = measure()
    weights = list(adversary.parameters())
    move = _start_adam(weights, budget.lr)
    for _ in range(budget.steps):
        move(torch.autograd.grad(loss(budget.batch_size), weights))
    return min(before, measure())


def _start_adam(weights: Sequence[Tensor], lr: float) -> Callable[[Sequence[Tensor]], None]:
    """A function that moves `weights` along their gradients by torch's kernel for Adam.

    The first optimizer of torch.optim imports torch's compiler, which takes longer than the search.
    """
    means, squares = ([torch.zeros_like(weight) for weight in weights] for _ in range(2))
    step = torch.zeros((), device=weights[0].device)

    @torch.no_grad()
    def move(gradients: Sequence[Tensor]) -> None:
        step.add_(1)
        torch._fused_adam_(
            weights,
            gradients,
            means,
            squares,
            [],
            [step] * len(weights),
            lr=lr,
            beta1=0.9,
            beta2=0.999,
            weight_decay=0.0,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
        )

    return move

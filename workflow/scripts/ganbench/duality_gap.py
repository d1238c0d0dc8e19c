"""How far a game is from its equilibrium: the duality gap of Grnarova et al. 2019, with a budget.

gap = max over D' of V(D', G) − min over G' of V(D, G'), for the minimax value V of Goodfellow et
al. 2014, Eq. 1. It is zero at the equilibrium and otherwise positive. The maximum and the minimum
are those that an adversary reaches from the snapshot's own weights with the budget below: a bound
from below on both sides.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganbench.formula.torch_loss import softplus

Sampler = Callable[[int], Tensor]
"""From a count to so many fresh samples."""


@dataclass(frozen=True)
class Budget:
    """What an adversary may spend, and how its result is measured."""

    steps: int = 200
    batch_size: int = 256
    lr: float = 1e-3
    samples: int = 50_000


def minimax_value(real: Tensor, fake: Tensor) -> Tensor:
    """V(D, G) = E log D(x) + E log(1 − D(G(z))) (Goodfellow et al. 2014, Eq. 1), a scalar.

    `real` and `fake` are D's logits `(count,)` on real and on generated samples.
    """
    return -softplus(-real).mean() - softplus(fake).mean()


def duality_gap(
    discriminator: nn.Module,
    generator: nn.Module,
    sample_real: Sampler,
    sample_latent: Sampler,
    budget: Budget,
) -> tuple[float, float]:
    """max V(D', G) and min V(D, G') as budgeted adversaries reach them.

    The gap is the first minus the second. Both networks are left as they are.
    """
    return (
        best_discriminator(discriminator, generator, sample_real, sample_latent, budget),
        best_generator(discriminator, generator, sample_real, sample_latent, budget),
    )


def best_discriminator(
    discriminator: nn.Module,
    generator: nn.Module,
    sample_real: Sampler,
    sample_latent: Sampler,
    budget: Budget,
) -> float:
    """The highest V(D', G) that a discriminator reaches against this generator."""
    adversary = deepcopy(discriminator)

    def loss(count: int) -> Tensor:
        with torch.no_grad():
            fake = generator(sample_latent(count))
        return -minimax_value(adversary(sample_real(count)), adversary(fake))

    return -_descended(adversary, loss, budget)


def best_generator(
    discriminator: nn.Module,
    generator: nn.Module,
    sample_real: Sampler,
    sample_latent: Sampler,
    budget: Budget,
) -> float:
    """The lowest V(D, G') that a generator reaches against this discriminator."""
    adversary, judge = deepcopy(generator), deepcopy(discriminator).requires_grad_(False)

    def loss(count: int) -> Tensor:
        return minimax_value(judge(sample_real(count)), judge(adversary(sample_latent(count))))

    return _descended(adversary, loss, budget)


def _descended(adversary: nn.Module, loss: Callable[[int], Tensor], budget: Budget) -> float:
    """The lower of the loss before and after the budget is spent on descending it."""

    @torch.no_grad()
    def measured() -> float:
        return float(loss(budget.samples))

    before = measured()
    optimizer = torch.optim.Adam(adversary.parameters(), lr=budget.lr)
    for _ in range(budget.steps):
        optimizer.zero_grad()
        loss(budget.batch_size).backward()
        optimizer.step()
    return min(before, measured())

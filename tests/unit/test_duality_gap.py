"""The duality gap, for two Gaussians, where the optimal adversaries are known."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from ganbench.duality_gap import AdversaryBudget, best_discriminator, duality_gap
from scipy.integrate import quad
from scipy.stats import norm
from torch import nn


class Shift(nn.Module):
    """G(z) = z + shift: with z ~ N(0, 1) its p_g is N(shift, 1)."""

    def __init__(self, shift: float) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.tensor(float(shift)))

    def forward(self, latent):
        return latent + self.shift


class Logit(nn.Module):
    """D(x) = σ(ax + b), which is optimal for two Gaussians with one variance at some a and b."""

    def __init__(self, slope: float = 0.0) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(slope))
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, points):
        return (self.slope * points + self.bias).squeeze(1)


def make_samplers() -> list[Callable[[int], torch.Tensor]]:
    """Samplers of real points and of latents, both N(0, 1)."""
    generator = torch.Generator().manual_seed(0)
    return [lambda count: torch.randn(count, 1, generator=generator)] * 2


def two_jsd(shift: float) -> float:
    """2 JSD(N(0, 1), N(shift, 1)) by quadrature."""
    p, q = norm(0, 1).pdf, norm(shift, 1).pdf

    def integrate(density: Callable[[float], float]) -> float:
        mixture = lambda x: (p(x) + q(x)) / 2  # noqa: E731
        return quad(lambda x: density(x) * np.log(density(x) / mixture(x)), -10, 12)[0]

    return integrate(p) + integrate(q)


def test_gap_at_the_equilibrium_is_zero_within_noise():
    best, worst = duality_gap(Logit(), Shift(0), *make_samplers(), AdversaryBudget())
    assert best == pytest.approx(-math.log(4), abs=2e-3)
    assert worst == pytest.approx(-math.log(4), abs=2e-3)


@pytest.mark.parametrize("shift", [0.5, 1.0])
def test_best_discriminator_of_a_shifted_gaussian_reaches_twice_the_jsd(shift):
    budget = AdversaryBudget(steps=1000, lr=1e-2, samples=400_000)
    best = best_discriminator(Logit(), Shift(shift), *make_samplers(), budget)
    assert best + math.log(4) == pytest.approx(two_jsd(shift), abs=3e-3)


def test_best_generator_exploits_a_discriminator_that_can_be_fooled():
    budget = AdversaryBudget(lr=1e-2)
    best, worst = duality_gap(Logit(slope=1.0), Shift(0), *make_samplers(), budget)
    assert worst < -math.log(4) - 0.5
    assert best >= -math.log(4) - 2e-3


def test_duality_gap_changes_neither_player():
    players = Logit(), Shift(1.0)
    before = [weight.detach().clone() for player in players for weight in player.parameters()]
    duality_gap(*players, *make_samplers(), AdversaryBudget(steps=5, samples=100))
    after = [weight for player in players for weight in player.parameters()]
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))
    assert all(weight.grad is None for weight in after)

"""The duality gap, for two Gaussians, where the optimal adversaries are known."""

import math
import os
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy

import numpy as np
import pytest
import torch
from ganbench.duality_gap import AdversaryBudget, _descend, best_discriminator, duality_gap
from project import ROOT
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


def test_adversary_moves_as_by_torchs_adam():
    network = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 1))
    own, other = deepcopy(network), deepcopy(network)
    draw = torch.Generator().manual_seed(0)
    batches = [torch.randn(8, 2, generator=draw) for _ in range(50)]
    taken = iter([batches[0], *batches, batches[0]])
    budget = AdversaryBudget(steps=len(batches), lr=0.05)
    _descend(own, lambda _count: own(next(taken)).square().mean(), budget)
    optimizer = torch.optim.Adam(other.parameters(), lr=0.05)
    for batch in batches:
        optimizer.zero_grad()
        other(batch).square().mean().backward()
        optimizer.step()
    for one, expected in zip(own.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(one, expected, rtol=1e-4, atol=1e-6)


def test_searching_a_gap_imports_no_compiler():
    program = (
        "import sys, torch\n"
        "from ganbench.duality_gap import AdversaryBudget, best_discriminator\n"
        "network = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Flatten(0))\n"
        "draw = lambda count: torch.randn(count, 1)\n"
        "budget = AdversaryBudget(steps=2, samples=10)\n"
        "best_discriminator(network, torch.nn.Identity(), draw, draw, budget)\n"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow/scripts")}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=120)


def test_duality_gap_changes_neither_player():
    players = Logit(), Shift(1.0)
    before = [weight.detach().clone() for player in players for weight in player.parameters()]
    duality_gap(*players, *make_samplers(), AdversaryBudget(steps=5, samples=100))
    after = [weight for player in players for weight in player.parameters()]
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))
    assert all(weight.grad is None for weight in after)

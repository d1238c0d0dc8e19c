"""The duality gap where the answer is known, and scoring a run on a known density."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from ganbench.catalogue import metrics
from ganbench.duality_gap import Budget, best_discriminator, duality_gap
from ganbench.evaluation.density_floor import make_density_floor
from ganbench.evaluation.score_density import score_density_run
from ganbench.networks.build import build_discriminator, build_generator
from ganbench.study import resolve as study
from project import tiny_study
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
    """D(x) = σ(ax + b): holds the optimal discriminator of two Gaussians with one variance."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = (nn.Parameter(torch.zeros(())) for _ in range(2))

    def forward(self, points):
        return (self.a * points + self.b).squeeze(1)


def samplers(seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    return [lambda count: torch.randn(count, 1, generator=generator)] * 2


def two_jsd(shift: float) -> float:
    p, q = norm(0, 1).pdf, norm(shift, 1).pdf
    m = lambda x: (p(x) + q(x)) / 2  # noqa: E731 - the middle of the two, as in the definition
    parts = [quad(lambda x, d=d: d(x) * np.log(d(x) / m(x)), -10, 12)[0] for d in (p, q)]
    return sum(parts)


def test_gap_at_the_equilibrium_is_zero_within_noise():
    best, worst = duality_gap(Logit(), Shift(0), *samplers(), Budget())
    assert best == pytest.approx(-math.log(4), abs=2e-3)
    assert worst == pytest.approx(-math.log(4), abs=2e-3)


@pytest.mark.parametrize("shift", [0.5, 1.0])
def test_shifted_gaussian_gives_twice_its_jsd_from_the_discriminators_side(shift):
    budget = Budget(steps=1000, lr=1e-2, samples=400_000)
    found = best_discriminator(Logit(), Shift(shift), *samplers(), budget)
    assert found + math.log(4) == pytest.approx(two_jsd(shift), abs=3e-3)


def test_generator_side_exploits_a_discriminator_that_can_be_fooled():
    fooled = Logit()
    with torch.no_grad():
        fooled.a += 1.0
    best, worst = duality_gap(fooled, Shift(0), *samplers(), Budget(lr=1e-2))
    assert worst < -math.log(4) - 0.5
    assert best >= -math.log(4) - 2e-3


def test_neither_player_is_changed():
    players = Logit(), Shift(1.0)
    before = [each.detach().clone() for player in players for each in player.parameters()]
    duality_gap(*players, *samplers(), Budget(steps=5, samples=100))
    after = [each for player in players for each in player.parameters()]
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))
    assert all(each.grad is None for each in after)


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scored")
    given = tiny_study(datasets={"gaussian_ring": {}})
    given["training"]["network"] = {"name": "mlp", "width": 8}
    parameters = study.resolve(given, "tiny")["runs"]["gaussian_ring"]["minimax"]
    torch.manual_seed(0)
    networks = [(build_generator(parameters, (2,)), build_discriminator(parameters, (2,)))]
    run = {
        "steps": [40],
        "shape": [2],
        "parameters": parameters,
        "generators": [networks[0][0].state_dict()],
        "discriminators": [networks[0][1].state_dict()],
    }
    torch.save(run, folder / "snapshots.pt")
    score_density_run(
        dataset="gaussian_ring",
        kind="gaussian_ring",
        variant="minimax",
        seed=0,
        snapshots_file=folder / "snapshots.pt",
        scores_file=folder / "scores.csv",
        maps_file=folder / "maps.npz",
    )
    make_density_floor("gaussian_ring", "gaussian_ring", folder / "floor.csv")
    return folder


def test_density_run_gets_every_density_metric(scored):
    scores = pd.read_csv(scored / "scores.csv")
    known = {metric.name for metric in metrics.METRICS.values()}
    assert set(scores.metric) <= known
    by = scores.set_index("metric").value
    assert 0 <= by.JSD <= math.log(2)
    assert by.optimal_value == pytest.approx(2 * by.JSD - math.log(4), abs=0.02)
    assert by.duality_gap > 0


def test_maps_hold_densities_that_integrate_to_one(scored):
    with np.load(scored / "maps.npz") as maps:
        cell = np.prod([np.diff(np.unique(each)).max() for each in maps["centers"].T])
        assert maps["data"].sum() * cell == pytest.approx(1, abs=1e-3)
        assert maps["generated"].shape == maps["optimal"].shape == (1, len(maps["data"]))
        inside = maps["generated"].sum() * cell
        assert 0 < inside <= 1 + 1e-6
        some = maps["generated"][0] * cell > 1e-3
        data, generated = maps["data"][some], maps["generated"][0][some]
        np.testing.assert_allclose(maps["optimal"][0][some], data / (data + generated), atol=1e-2)


def test_floor_of_a_density_is_small_and_full(scored):
    floor = pd.read_csv(scored / "floor.csv").set_index("metric").value
    assert 0 < floor.JSD < 0.005
    assert floor.modes == 8
    assert floor.high_quality > 0.98

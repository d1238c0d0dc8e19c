"""Scores against an objective's own optimal discriminator and value, not those of minimax."""

import numpy as np
import pandas as pd
import pytest
import torch
from ganbench.catalogue.objectives import OBJECTIVES, read_objective
from ganbench.densities import point_metrics
from ganbench.densities.mixtures import DENSITIES
from ganbench.duality_gap import AdversaryBudget, duality_gap, minimax_value, own_value
from ganbench.evaluation import score_density
from ganbench.formula.boundary import falls_without_bound
from ganbench.formula.pointwise import find_pointwise_game
from ganbench.networks.build import build_discriminator, build_generator
from ganbench.study.schema import StudyError
from torch import nn
from training_example import resolve_run

LINE = DENSITIES["mixture_1d"]
UNSOLVED = {"wasserstein", "relativistic", "relativistic_average", "began"}
SOLVED = sorted(set(OBJECTIVES) - UNSOLVED)


def name_objective(name: str) -> dict:
    return {"name": name, **OBJECTIVES[name]}


@pytest.mark.parametrize("name", SOLVED)
def test_a_discriminator_at_its_own_optimum_has_no_distance(name):
    """Where p_g is p_data moved by 0.4; the optimum of minimax is far for most of the others."""
    game = find_pointwise_game(read_objective(name, OBJECTIVES[name]).discriminator)
    grid = point_metrics.make_grid(LINE)
    points = LINE.sample(500_000, np.random.default_rng(0))[0] + 0.4

    def own_logits(x):
        return game.find_logits(np.exp(LINE.log_pdf(x) - LINE.log_pdf(x - 0.4)))

    def classical_logits(x):
        return LINE.log_pdf(x) - LINE.log_pdf(x - 0.4)

    distance = point_metrics.discriminator_distance(grid, own_logits, points, game)
    assert distance < 0.02
    if not game.is_classical:
        assert point_metrics.discriminator_distance(grid, classical_logits, points, game) > 0.05


def test_losses_without_bound_are_told_from_those_that_compare_samples():
    losses = {
        name: read_objective(name, definition).discriminator
        for name, definition in OBJECTIVES.items()
    }
    unbounded = {name for name, loss in losses.items() if falls_without_bound(loss)}
    assert unbounded == {"wasserstein", "began"}


class Level(nn.Module):
    """A discriminator with one logit for all points."""

    def __init__(self, logit: float) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.tensor(logit))

    def forward(self, points):
        return self.logit + 0.0 * points.squeeze(1)


class Copy(nn.Module):
    """A generator whose samples have the distribution of its latents, here that of the data."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(1))

    def forward(self, latents):
        return latents + self.shift


@pytest.mark.parametrize(("name", "logit"), [("kl", 1.0), ("least_squares", 0.5)])
def test_the_gap_is_zero_at_an_objectives_own_equilibrium(name, logit):
    generator = torch.Generator().manual_seed(0)
    sampler = lambda count: torch.randn(count, 1, generator=generator)  # noqa: E731
    value = own_value(name_objective(name))
    budget = AdversaryBudget(steps=100, samples=100_000)
    best, worst = duality_gap(Level(logit), Copy(), sampler, sampler, budget, value=value)
    assert best - worst == pytest.approx(0, abs=2e-3)
    best, worst = duality_gap(Level(logit), Copy(), sampler, sampler, budget)
    assert best - worst > 0.01  # which is what Eq. 1 says of the same equilibrium


def test_value_of_the_classical_pair_keeps_its_bits_and_wasserstein_has_none():
    assert own_value(name_objective("non_saturating")) is minimax_value
    assert own_value(name_objective("wasserstein")) is None
    logits = torch.linspace(-2, 2, 7)
    relativistic = own_value(name_objective("relativistic"))
    expected = -torch.nn.functional.softplus(logits.flip(0) - logits).mean()
    torch.testing.assert_close(relativistic(logits, logits.flip(0)), expected)


@pytest.mark.parametrize(
    ("objective", "absent"),
    [
        ("least_squares", set()),
        ("relativistic", {"discriminator_distance"}),
        ("wasserstein", {"discriminator_distance", "duality_gap"}),
    ],
)
def test_run_has_only_the_scores_that_its_objective_gives_a_meaning(
    tmp_path, monkeypatch, objective, absent
):
    monkeypatch.setattr(score_density, "POINT_BUDGET", AdversaryBudget(steps=1, samples=100))
    monkeypatch.setitem(point_metrics.POINT_COUNTS, 1, 20_000)
    parameters = resolve_run("mixture_1d", objective=objective, network={"name": "mlp", "width": 8})
    torch.manual_seed(0)
    snapshots = {
        "steps": [40],
        "shape": [1],
        "parameters": parameters,
        "generators": [build_generator(parameters, (1,)).state_dict()],
        "discriminators": [build_discriminator(parameters, (1,)).state_dict()],
    }
    torch.save(snapshots, tmp_path / "snapshots.pt")
    score_density.score_density_run(
        dataset="mixture_1d",
        kind="mixture_1d",
        variant="v",
        seed=0,
        snapshots_file=tmp_path / "snapshots.pt",
        scores_file=tmp_path / "scores.csv",
        maps_file=tmp_path / "maps.npz",
    )
    metrics = set(pd.read_csv(tmp_path / "scores.csv")["metric"])
    assert {"discriminator_distance", "duality_gap"} - metrics == absent
    with np.load(tmp_path / "maps.npz") as maps:
        assert np.isnan(maps["optimal"]).all() == ("discriminator_distance" in absent)


def test_a_run_cannot_stop_by_a_gap_that_is_infinite():
    stop = {"metric": "duality_gap", "patience": 2}
    with pytest.raises(StudyError, match=r"stop\.metric .*'duality_gap' with wasserstein"):
        resolve_run(objective="wasserstein", stop=stop)
    assert resolve_run(objective="hinge", stop=stop)["stop"] == stop

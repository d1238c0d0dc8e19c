"""Early stopping: a run ends when its metric no longer improves."""

import pytest
import torch
from ganbench.duality_gap import AdversaryBudget
from ganbench.study.schema import StudyError
from ganbench.training import stopping
from ganbench.training.run import set_up_game
from ganbench.training.stopping import Stopping
from torch import nn
from training_example import PIXELS, resolve_run, train_run

POINTS = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))


def resolve_stopping(metric: str, patience: int = 1, dataset: str = "gaussian_ring") -> dict:
    return resolve_run(
        dataset,
        objective="minimax",
        network={"name": "mlp", "width": 8},
        snapshots=4,
        stop={"metric": metric, "patience": patience},
    )


def make_players(
    parameters: dict, dataset: str, samples: torch.Tensor
) -> tuple[nn.Module, nn.Module]:
    game = set_up_game(parameters, dataset, 0, samples)
    return game.generator.network, game.discriminator.network


@pytest.fixture
def small_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    budget = AdversaryBudget(steps=5, batch_size=16, samples=100)
    monkeypatch.setattr(stopping, "ADVERSARY_BUDGET", budget)


def test_run_ends_when_its_metric_stops_improving_and_says_so(tmp_path):
    parameters = resolve_stopping("JSD")
    parameters["optimizer"] |= {
        "name": "sgd",
        "lr": 1e-12,
        "momentum": 0.0,
        "nesterov": False,
    }  # nothing improves
    run, log = train_run(tmp_path, parameters, POINTS, dataset="gaussian_ring")
    assert run["status"] == "completed"
    assert run["step"] == 20 < parameters["steps"]
    assert run["reason"].startswith("JSD has not improved over 1 snapshots (best ")
    assert run["reason"] in log
    snapshots = torch.load(tmp_path / "snapshots.pt", weights_only=True)
    assert snapshots["steps"] == [10, 20]


@pytest.mark.usefixtures("small_budget")
def test_run_that_is_measured_but_not_stopped_is_the_same_run(tmp_path):
    measured = resolve_stopping("duality_gap", patience=99)
    runs = [
        train_run(tmp_path / name, parameters, POINTS, dataset="gaussian_ring")[0]
        for name, parameters in (("measured", measured), ("free", {**measured, "stop": None}))
    ]
    assert runs[0]["generator_sha256"] == runs[1]["generator_sha256"]
    assert runs[0]["reason"] is runs[1]["reason"] is None


def test_patience_counts_snapshots_since_the_best(monkeypatch):
    parameters = resolve_stopping("JSD", patience=2)
    players = make_players(parameters, "gaussian_ring", POINTS)
    watch = Stopping(parameters, "gaussian_ring", 0, POINTS)
    values = iter([0.5, 0.6, 0.4, 0.45, 0.41])
    monkeypatch.setattr(watch, "_measure", lambda *_: next(values))
    assert [bool(watch.reason(*players)) for _ in range(5)] == [False] * 4 + [True]


@pytest.mark.usefixtures("small_budget")
def test_measuring_the_gap_of_images_changes_neither_player():
    parameters = resolve_stopping("duality_gap", dataset="digits")
    players = make_players(parameters, "digits", PIXELS)
    before = [value.clone() for player in players for value in player.state_dict().values()]
    assert Stopping(parameters, "digits", 0, PIXELS).reason(*players) is None
    after = [value for player in players for value in player.state_dict().values()]
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))
    assert all(player.training for player in players)


def test_gap_is_measured_with_networks_in_evaluation_mode(monkeypatch):
    parameters = resolve_stopping("duality_gap")
    players = make_players(parameters, "gaussian_ring", POINTS)
    watch, modes = Stopping(parameters, "gaussian_ring", 0, POINTS), []

    def measure(*networks: nn.Module) -> float:
        modes.extend(network.training for network in networks)
        return 0.5

    monkeypatch.setattr(watch, "_measure", measure)
    watch.reason(*players)
    assert modes == [False, False]


def test_divergence_of_images_is_refused_because_their_density_is_unknown():
    with pytest.raises(StudyError, match=r"training\.stop\.metric .*'JSD', expected 'duality_gap'"):
        resolve_stopping("JSD", dataset="digits")


def test_convolutions_on_points_are_refused():
    with pytest.raises(StudyError, match=r"training\.network\.name .*expected 'mlp'"):
        resolve_run("spiral")

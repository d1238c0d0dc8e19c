"""Runs that end when their metric no longer improves."""

from copy import deepcopy

import pytest
import torch
from ganbench.study import resolve as study
from ganbench.study.schema import StudyError
from ganbench.training.run import set_up_game
from ganbench.training.stopping import Stopping
from project import tiny_study
from test_training import run


def parameters(metric: str, patience: int = 1, dataset: str = "gaussian_ring") -> dict:
    given = tiny_study(datasets={dataset: {}})
    given["training"] |= {"network": {"name": "mlp", "width": 8}, "snapshots": 4}
    given["training"]["stop"] = {"metric": metric, "patience": patience}
    return deepcopy(study.resolve(given, "tiny")["runs"][dataset]["minimax"])


def points(count: int = 500) -> torch.Tensor:
    return torch.randn(count, 2, generator=torch.Generator().manual_seed(0))


def test_run_ends_when_its_metric_stops_improving_and_says_so(tmp_path):
    stopped = parameters("JSD")
    stopped["optimizer"] |= {"name": "sgd", "lr": 1e-12}  # nothing improves
    found, log = run(tmp_path / "a", stopped, points(), dataset="gaussian_ring")
    assert found["status"] == "completed"
    assert found["step"] == 20 < stopped["steps"]
    assert found["reason"].startswith("JSD has not improved over 1 snapshots (best ")
    assert "JSD has not improved" in log
    saved = torch.load(tmp_path / "a/snapshots.pt", weights_only=True)
    assert saved["steps"] == [10, 20]


def test_run_that_is_watched_but_not_stopped_is_the_same_run(tmp_path):
    watched = parameters("duality_gap", patience=99)
    free = {**watched, "stop": None}
    ends = [
        run(tmp_path / name, each, points(), dataset="gaussian_ring")[0]
        for name, each in (("watched", watched), ("free", free))
    ]
    assert ends[0]["generator_sha256"] == ends[1]["generator_sha256"]
    assert ends[0]["reason"] is ends[1]["reason"] is None


def test_patience_counts_snapshots_since_the_best(monkeypatch):
    game = set_up_game(parameters("JSD", 2), "gaussian_ring", 0, points())
    players = game.generator.network, game.discriminator.network
    stopping = Stopping(parameters("JSD", 2), "gaussian_ring", 0, points())
    values = iter([0.5, 0.6, 0.4, 0.45, 0.41])
    monkeypatch.setattr(stopping, "_measure", lambda *_: next(values))
    assert [bool(stopping.reason(*players)) for _ in range(5)] == [False] * 4 + [True]


def test_measuring_the_gap_of_images_changes_neither_player():
    resolved = parameters("duality_gap", dataset="digits")
    images = torch.randint(0, 256, (60, 1, 8, 8)).byte()
    game = set_up_game(resolved, "digits", 0, images)
    players = game.generator.network, game.discriminator.network
    before = [each.clone() for player in players for each in player.state_dict().values()]
    assert Stopping(resolved, "digits", 0, images).reason(*players) is None
    after = [each for player in players for each in player.state_dict().values()]
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))
    assert game.generator.network.training
    assert game.discriminator.network.training


def test_gap_is_of_the_networks_as_the_evaluation_has_them(monkeypatch):
    game = set_up_game(parameters("duality_gap"), "gaussian_ring", 0, points())
    stopping = Stopping(parameters("duality_gap"), "gaussian_ring", 0, points())
    seen = []
    monkeypatch.setattr(
        stopping, "_measure", lambda *players: seen.extend(each.training for each in players) or 0.5
    )
    stopping.reason(game.generator.network, game.discriminator.network)
    assert seen == [False, False]


def test_divergence_of_images_is_refused_for_it_is_not_known():
    with pytest.raises(StudyError, match=r"training\.stop\.metric .*'JSD', expected 'duality_gap'"):
        parameters("JSD", dataset="digits")


def test_convolutions_on_points_are_refused():
    with pytest.raises(StudyError, match=r"training\.network\.name .*expected 'mlp'"):
        study.resolve(tiny_study(datasets={"spiral": {}}), "tiny")

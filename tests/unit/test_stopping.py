"""Early stopping: a run ends when its metric no longer improves."""

import re

import pytest
import torch
from ganbench.duality_gap import AdversaryBudget
from ganbench.study.resolve import resolve
from ganbench.study.schema import StudyError
from ganbench.study.stopping_cost import (
    LEAST_STEPS,
    MOST_STEPS,
    adversary_steps,
    stopping_share,
)
from ganbench.terminal.forecast import IMAGE_SECONDS, STARTS, EstimatedJob, predict_seconds
from ganbench.terminal.stopping_note import describe_stopping
from ganbench.training import stopping
from ganbench.training.run import set_up_game
from ganbench.training.stopping import STOPPING_BUDGET, Stopping
from project import tiny_study
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
    monkeypatch.setattr(stopping, "STOPPING_BUDGET", budget)


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
    assert "at step 10, now " in run["reason"]
    assert run["reason"] in log
    assert run["best_step"] == 10
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
    steps = (10, 20, 30, 40, 50)
    assert [bool(watch.reason(step, *players)) for step in steps] == [False] * 4 + [True]
    assert watch.best_step == 30


def test_metric_of_which_more_is_better_improves_upwards():
    parameters = resolve_stopping("recall", patience=2, dataset="digits")
    players = make_players(parameters, "digits", PIXELS)
    values = iter([0.2, 0.5, 0.4, 0.3])
    watch = Stopping(parameters, "digits", 0, PIXELS, lambda *_: next(values))
    reasons = [watch.reason(step, *players) for step in (10, 20, 30, 40)]
    assert reasons[:3] == [None] * 3
    assert reasons[3] == ("recall has not improved over 2 snapshots (best 0.5 at step 20, now 0.3)")
    assert watch.best_step == 20


def test_metric_of_images_is_not_guessed_where_nothing_scores_them():
    parameters = resolve_stopping("FD", dataset="digits")
    with pytest.raises(ValueError, match="stops by FD needs the function that scores it"):
        Stopping(parameters, "digits", 0, PIXELS)


@pytest.mark.parametrize("metric", ["modes", "high_quality"])
def test_points_stop_by_what_is_counted_among_them(metric):
    parameters = resolve_stopping(metric)
    players = make_players(parameters, "gaussian_ring", POINTS)
    watch = Stopping(parameters, "gaussian_ring", 0, POINTS)
    watch.reason(10, *players)
    assert watch.best <= 0, "kept with the other sign, for more is better"
    watch.best = -9.0
    assert watch.reason(20, *players).startswith(
        f"{metric} has not improved over 1 snapshots (best 9 at step 10, now "
    )


@pytest.mark.usefixtures("small_budget")
def test_measuring_the_gap_of_images_changes_neither_player():
    parameters = resolve_stopping("duality_gap", dataset="digits")
    players = make_players(parameters, "digits", PIXELS)
    before = [value.clone() for player in players for value in player.state_dict().values()]
    assert Stopping(parameters, "digits", 0, PIXELS).reason(10, *players) is None
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
    watch.reason(10, *players)
    assert modes == [False, False]


def resolve_length(steps: int, snapshots: int, **training: object) -> dict:
    return resolve_run(
        steps=steps,
        snapshots=snapshots,
        stop={"metric": "duality_gap", "patience": 2},
        **training,
    )


@pytest.mark.parametrize("options", [{}, {"discriminator_steps": 5}, {"batch_size": 256}])
@pytest.mark.parametrize("snapshots", [1, 5, 20, 100])
@pytest.mark.parametrize("steps", [500, 4000, 100_000])
def test_duality_gaps_take_no_longer_than_the_training_unless_it_is_very_short(
    steps, snapshots, options
):
    parameters = resolve_length(steps, snapshots, **options)
    taken, share = adversary_steps(parameters), stopping_share(parameters)
    assert LEAST_STEPS <= taken <= MOST_STEPS
    if taken > LEAST_STEPS:
        assert share <= 1
        assert taken * snapshots * 2 <= steps / 3
    if taken < MOST_STEPS and taken > LEAST_STEPS:  # as long as it can be
        assert stopping_share({**parameters, "steps": steps * 10}) < share
        assert share > 0.9


def test_a_long_run_has_the_full_budget_and_a_short_one_the_least():
    assert adversary_steps(resolve_length(100_000, 5)) == MOST_STEPS == STOPPING_BUDGET.steps
    assert adversary_steps(resolve_length(100, 5)) == LEAST_STEPS
    assert stopping_share(resolve_length(100, 5)) > 1
    assert stopping_share({**resolve_length(100, 5), "stop": None}) == 0


def test_gap_is_measured_within_the_budget_of_its_run(monkeypatch):
    parameters = resolve_length(2000, 5, batch_size=64)
    players = make_players(parameters, "digits", PIXELS)
    budgets = []

    def measure(*arguments: object, **_: object) -> tuple[float, float]:
        budgets.append(arguments[4])
        return 1.0, 0.0

    monkeypatch.setattr(stopping, "duality_gap", measure)
    Stopping(parameters, "digits", 0, PIXELS).reason(400, *players)
    assert budgets == [AdversaryBudget(steps=66, batch_size=256, samples=3300)]


def test_divergence_of_points_costs_its_points_through_the_generator():
    """A third of a pass for each of 100,000 points, against four passes a step."""
    parameters = resolve_stopping("JSD") | {"steps": 1000, "batch_size": 50}
    assert stopping_share(parameters) == pytest.approx(4 * 100_000 / 3 / (1000 * 4 * 50))


def test_estimate_of_training_holds_the_cost_of_stopping():
    study = resolve(tiny_study(), "tiny")
    job = EstimatedJob("train", {"dataset": "digits", "variant": "minimax", "seed": "0"})
    plain = predict_seconds(job, study, on_gpu=False) - STARTS["train"]
    parameters = study["runs"]["digits"]["minimax"]
    parameters["stop"] = {"metric": "duality_gap", "patience": 2}
    stopped = predict_seconds(job, study, on_gpu=False) - STARTS["train"]
    assert stopped / plain == pytest.approx(1 + stopping_share(parameters))


def test_metric_of_images_costs_as_much_as_scoring_its_samples():
    study = resolve(tiny_study(), "tiny")
    job = EstimatedJob("train", {"dataset": "digits", "variant": "minimax", "seed": "0"})
    plain = predict_seconds(job, study, on_gpu=False)
    study["runs"]["digits"]["minimax"]["stop"] = {"metric": "FD", "patience": 2}
    more = predict_seconds(job, study, on_gpu=False) - plain
    assert more == pytest.approx(2 * study["datasets"]["digits"]["samples"] * IMAGE_SECONDS)
    assert "training.stop: measuring FD at every snapshot" in describe_stopping(study)


def test_cost_of_stopping_is_said_before_it_is_paid():
    stop = {"metric": "duality_gap", "patience": 2}
    training = {**tiny_study()["training"], "stop": stop}
    study = resolve(tiny_study(training=training), "tiny")
    said = describe_stopping(study)
    assert re.fullmatch(
        r"training\.stop: measuring duality_gap at every snapshot makes training up to [\d.]+ "
        r"times as long \(minimax on digits\); found 2 snapshots in 40 steps, fewer snapshots or "
        r"more steps cost less\.",
        said,
    ), said
    for run in study["runs"]["digits"].values():
        run["steps"] = 100_000
    assert re.search(
        r"up to 1(\.\d)? times as long \(minimax on digits\)\.$", describe_stopping(study)
    )
    assert describe_stopping(resolve(tiny_study(), "tiny")) == ""


def test_divergence_of_images_is_refused_because_their_density_is_unknown():
    with pytest.raises(StudyError, match=r"training\.stop\.metric .*'JSD', expected 'duality_gap'"):
        resolve_stopping("JSD", dataset="digits")


def test_metric_of_images_is_refused_on_points():
    with pytest.raises(
        StudyError, match=r"training\.stop\.metric .*'FD', expected 'duality_gap', 'JSD', 'modes'"
    ):
        resolve_stopping("FD")


def test_stopping_by_classes_is_refused_where_the_extractor_has_none():
    training = {**tiny_study()["training"], "stop": {"metric": "IS", "patience": 2}}
    assert resolve(tiny_study(training=training), "tiny")
    evaluation = {"extractor": "vgg16"}
    with pytest.raises(
        StudyError, match=r"training\.stop\.metric .*'IS', which needs .*; vgg16 has"
    ):
        resolve(tiny_study(training=training, evaluation=evaluation), "tiny")


def test_convolutions_on_points_are_refused():
    with pytest.raises(StudyError, match=r"training\.network\.name .*expected 'mlp'"):
        resolve_run("spiral")

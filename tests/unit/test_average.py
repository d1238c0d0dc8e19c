"""The running mean of the generator's weights, which snapshots hold if it is on."""

import pytest
import torch
from ganbench.evaluation.snapshots import load_generators, load_run
from ganbench.training.average import WeightAverage
from ganbench.training.records import weights_sha256
from ganbench.training.run import set_up_game
from ganbench.training.step import Game, adversarial_step
from training_example import PIXELS, read_weights, resolve_run, train_run


def play(parameters: dict, steps: int) -> Game:
    game = set_up_game(parameters, "digits", 0, PIXELS)
    for step in range(1, steps + 1):
        adversarial_step(game, step)
    return game


def test_mean_weighs_each_step_by_its_age_and_omits_the_initial_weights():
    game = set_up_game(resolve_run(ema=0.9), "digits", 0, PIXELS)
    weights = []
    for step in range(1, 6):
        adversarial_step(game, step)
        weights.append(read_weights(game.generator.network))
    shares = [0.9**4, 0.9**3, 0.9**2, 0.9, 1]
    total = sum(share * vector for share, vector in zip(shares, weights, strict=True))
    torch.testing.assert_close(read_weights(game.scored_generator), total / sum(shares))


def test_first_mean_is_the_first_weights():
    network = torch.nn.Linear(3, 2)
    average = WeightAverage(network, 0.999)
    with torch.no_grad():
        network.weight.fill_(7.0)
    average.update(network)
    torch.testing.assert_close(average.network.weight, network.weight)
    assert not average.network.weight.requires_grad


def test_running_moments_of_batch_normalisation_are_the_latest():
    game = play(resolve_run(ema=0.9), 3)
    average = dict(game.scored_generator.named_buffers())
    latest = dict(game.generator.network.named_buffers())
    assert any(name.endswith("running_var") for name in average)
    assert all(torch.equal(average[name], latest[name]) for name in latest)


def test_averaging_does_not_change_training():
    plain, averaged = (play(resolve_run(ema=ema), 5) for ema in (0, 0.99))
    assert weights_sha256(plain.generator.network) == weights_sha256(averaged.generator.network)
    assert plain.scored_generator is plain.generator.network
    assert weights_sha256(averaged.scored_generator) != weights_sha256(plain.scored_generator)


def test_snapshots_hold_the_mean(tmp_path):
    parameters = resolve_run(ema=0.9)
    run, _ = train_run(tmp_path, parameters)
    game = play(parameters, parameters["steps"])
    assert run["generator_sha256"] == weights_sha256(game.scored_generator)
    *_, (step, last) = load_generators(load_run(tmp_path / "snapshots.pt"), torch.device("cpu"))
    assert step == parameters["steps"]
    assert weights_sha256(last) == run["generator_sha256"]


@pytest.mark.promise("divergence-recorded")
def test_divergence_of_the_trained_weights_is_seen_although_their_mean_is_kept(tmp_path):
    parameters = resolve_run(ema=0.999, history_interval=1)
    parameters["objective"]["generator"] = "log(f - f - 1)"
    run, _ = train_run(tmp_path, parameters)
    assert (run["status"], run["step"]) == ("diverged", 1)

"""The running mean of the generator's weights, which snapshots hold where it is on."""

from copy import deepcopy

import pytest
import torch
from ganbench.evaluation.snapshots import generators, load_run
from ganbench.study import resolve as study
from ganbench.training.average import WeightAverage
from ganbench.training.records import weights_sha256
from ganbench.training.run import set_up_game
from ganbench.training.step import adversarial_step
from project import tiny_study
from test_training import run


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randint(0, 256, (60, 1, 8, 8), generator=torch.Generator().manual_seed(0)).byte()


def parameters(**training) -> dict:
    config = tiny_study()
    config["training"] = {**config["training"], **training}
    return deepcopy(study.resolve(config, "tiny")["runs"]["digits"]["non_saturating"])


def test_mean_weighs_each_step_by_the_decay_to_its_age_and_the_initial_weights_not_at_all(images):
    game = set_up_game(parameters(ema=0.9), "digits", 0, images)
    seen = []
    for step in range(1, 6):
        adversarial_step(game, step)
        seen.append([each.detach().clone() for each in game.generator.network.parameters()])
    shares = [0.9 ** (len(seen) - 1 - age) for age in range(len(seen))]
    for found, values in zip(
        game.scored_generator.parameters(), zip(*seen, strict=True), strict=True
    ):
        expected = sum(share * value for share, value in zip(shares, values, strict=True))
        torch.testing.assert_close(found, expected / sum(shares))


def test_first_mean_is_the_first_weights():
    network = torch.nn.Linear(3, 2)
    average = WeightAverage(network, 0.999)
    with torch.no_grad():
        network.weight.fill_(7.0)
    average.update(network)
    torch.testing.assert_close(average.network.weight, network.weight)
    assert not average.network.weight.requires_grad


def test_running_moments_of_batch_normalisation_are_the_latest(images):
    game = set_up_game(parameters(ema=0.9), "digits", 0, images)
    for step in range(1, 4):
        adversarial_step(game, step)
    kept, trained = (
        dict(each.named_buffers()) for each in (game.scored_generator, game.generator.network)
    )
    assert any(name.endswith("running_var") for name in kept)
    assert all(torch.equal(kept[name], trained[name]) for name in trained)


def test_averaging_changes_nothing_of_training_itself(images):
    plain, averaged = (set_up_game(parameters(ema=ema), "digits", 0, images) for ema in (0, 0.99))
    for step in range(1, 6):
        for game in (plain, averaged):
            adversarial_step(game, step)
    assert weights_sha256(plain.generator.network) == weights_sha256(averaged.generator.network)
    assert plain.scored_generator is plain.generator.network
    assert weights_sha256(averaged.scored_generator) != weights_sha256(plain.scored_generator)


def test_snapshots_hold_the_mean(tmp_path, images):
    settings = parameters(ema=0.9)
    found, _ = run(tmp_path, settings, images)
    game = set_up_game(settings, "digits", 0, images)
    for step in range(1, settings["steps"] + 1):
        adversarial_step(game, step)
    assert found["generator_sha256"] == weights_sha256(game.scored_generator)
    kept = load_run(tmp_path / "snapshots.pt")
    *_, (step, last) = generators(kept, torch.device("cpu"))
    assert step == settings["steps"]
    assert weights_sha256(last) == found["generator_sha256"]


def test_divergence_is_of_the_trained_weights_though_their_mean_is_kept(tmp_path, images):
    settings = parameters(ema=0.999, history_interval=1)
    settings["objective"]["generator"] = "log(f - f - 1)"
    found, _ = run(tmp_path, settings, images)
    assert (found["status"], found["step"]) == ("diverged", 1)

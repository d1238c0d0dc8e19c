"""The running mean of the generator's weights, and discriminators that normalise each batch."""

import json
from copy import deepcopy

import pytest
import torch
from ganbench import study
from ganbench.evaluation.snapshots import generators, load_run
from ganbench.networks import mixes_samples
from ganbench.training.loop import set_up
from ganbench.training.records import weights_sha256
from ganbench.training.step import adversarial_step
from project import tiny_study
from test_training import images, run  # noqa: F401 (a fixture)


def parameters(**training) -> dict:
    config = tiny_study()
    config["training"] = {**config["training"], **training}
    return deepcopy(study.resolve(config, "tiny")["runs"]["digits"]["non_saturating"])


def test_mean_is_the_one_of_its_formula(images):  # noqa: F811
    game = set_up(parameters(ema=0.9), "digits", 0, images)
    expected = [weight.detach().clone() for weight in game.generator.network.parameters()]
    for step in range(1, 6):
        adversarial_step(game, step)
        now = game.generator.network.parameters()
        expected = [0.9 * mean + 0.1 * weight for mean, weight in zip(expected, now, strict=True)]
    for found, mean in zip(game.scored_generator.parameters(), expected, strict=True):
        torch.testing.assert_close(found, mean)
    means, buffers = game.scored_generator.buffers(), game.generator.network.buffers()
    assert all(torch.equal(*pair) for pair in zip(means, buffers, strict=True))


def test_averaging_changes_nothing_of_training_itself(images):  # noqa: F811
    plain, averaged = (set_up(parameters(ema=ema), "digits", 0, images) for ema in (0, 0.99))
    for step in range(1, 6):
        for game in (plain, averaged):
            adversarial_step(game, step)
    assert weights_sha256(plain.generator.network) == weights_sha256(averaged.generator.network)
    assert plain.scored_generator is plain.generator.network
    assert weights_sha256(averaged.scored_generator) != weights_sha256(plain.scored_generator)


def test_snapshots_hold_the_mean(tmp_path, images):  # noqa: F811
    settings = parameters(ema=0.9)
    found, _ = run(tmp_path, settings, images)
    game = set_up(settings, "digits", 0, images)
    for step in range(1, settings["steps"] + 1):
        adversarial_step(game, step)
    assert found["generator_sha256"] == weights_sha256(game.scored_generator)
    kept = load_run(tmp_path / "snapshots.pt")
    *_, (step, last) = generators(kept, torch.device("cpu"))
    assert step == settings["steps"]
    assert weights_sha256(last) == found["generator_sha256"]


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
def test_real_and_fake_batches_are_normalised_apart(images, norm):  # noqa: F811
    settings = parameters(
        network={"name": "dcgan", "width": 4, "discriminator_norm": norm}, batch_size=16
    )
    game = set_up(settings, "digits", 0, images)
    network = game.discriminator.network
    assert game.separate_passes == mixes_samples(network) == (norm == "batch")
    real = game.sample_real()
    fake = 0.1 * torch.randn(real.shape, generator=torch.Generator().manual_seed(0))
    judged = game.judge(real, fake)
    torch.testing.assert_close(judged, (network(real), network(fake)), rtol=1e-4, atol=1e-5)


def test_one_pass_over_both_would_have_been_another_discriminator(images):  # noqa: F811
    network = {"name": "dcgan", "width": 4, "discriminator_norm": "batch"}
    game = set_up(parameters(network=network), "digits", 0, images)
    real = game.sample_real()
    together = game.discriminator.network(torch.cat([real, 0.1 * real])).chunk(2)
    assert not torch.allclose(game.judge(real, 0.1 * real)[0], together[0], atol=1e-3)


@pytest.mark.parametrize("name", ["infogan", "sngan_resnet"])
@pytest.mark.parametrize("objective", ["minimax", "wgan_gp"])
def test_every_architecture_trains(tmp_path, name, objective):
    config = tiny_study(datasets={"cifar10": {}}, variants={objective: {}}, baseline=objective)
    network = {"name": name, "width": 2, "discriminator_norm": "none"}
    config["training"] = {**config["training"], "network": network, "steps": 3}
    config["evaluation"] = {}
    (settings,) = study.resolve(config, "s")["runs"]["cifar10"].values()
    pixels = torch.randint(0, 256, (40, 3, 32, 32)).byte()
    found, _ = run(tmp_path, settings, pixels, dataset="cifar10")
    assert (found["status"], found["step"]) == ("completed", 3)
    assert json.dumps(found["flops"])

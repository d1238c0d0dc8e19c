"""Every architecture plays the game; discriminators with batch normalisation see batches apart."""

import json
from copy import deepcopy

import pytest
import torch
from ganbench.evaluation.snapshots import discriminators, load_run
from ganbench.networks.build import mixes_samples
from ganbench.study import resolve as study
from ganbench.training.run import set_up_game
from ganbench.training.step import adversarial_step
from project import tiny_study
from test_training import run

SHAPES = {
    "digits": (1, 8, 8),
    "mnist": (1, 28, 28),
    "cifar10": (3, 32, 32),
    "celeba": (3, 64, 64),
}
FITTING = [
    *[("dcgan", dataset) for dataset in SHAPES],
    *[("mlp", dataset) for dataset in SHAPES],
    *[("infogan", dataset) for dataset in ("mnist", "cifar10", "celeba")],
    *[("sngan_resnet", dataset) for dataset in ("cifar10", "celeba")],
]


def parameters(name="dcgan", dataset="digits", variant="non_saturating", steps=3, **network):
    config = tiny_study(datasets={dataset: {}}, variants={variant: {}}, baseline=variant)
    group = {"name": name, "width": 2, **network}
    config["training"] = {**config["training"], "network": group, "steps": steps}
    config["evaluation"] = {}
    return deepcopy(study.resolve(config, "s")["runs"][dataset][variant])


def pixels(dataset: str = "digits") -> torch.Tensor:
    noise = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (40, *SHAPES[dataset]), generator=noise).byte()


@pytest.mark.parametrize(("name", "dataset"), FITTING)
@pytest.mark.parametrize("variant", ["minimax", "wgan_gp"])
def test_every_architecture_trains_at_its_resolutions(tmp_path, name, dataset, variant):
    settings = parameters(name, dataset, variant, discriminator_norm="none")
    found, _ = run(tmp_path, settings, pixels(dataset), dataset=dataset)
    assert (found["status"], found["step"]) == ("completed", 3)
    assert found["flops"]["step"] > found["flops"]["generator"] > 0
    assert json.loads(json.dumps(found["flops"])) == found["flops"]


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
def test_real_and_fake_batches_are_normalised_apart(norm):
    game = set_up_game(parameters(discriminator_norm=norm), "digits", 0, pixels())
    network = game.discriminator.network
    assert game.separate_passes == mixes_samples(network) == (norm == "batch")
    real = game.sample_real()
    fake = 0.1 * torch.randn(real.shape, generator=torch.Generator().manual_seed(0))
    judged = game.judge(real, fake)
    torch.testing.assert_close(judged, (network(real), network(fake)), rtol=1e-4, atol=1e-5)


def test_one_pass_over_both_would_have_been_another_discriminator():
    game = set_up_game(parameters(discriminator_norm="batch"), "digits", 0, pixels())
    real = game.sample_real()
    together = game.discriminator.network(torch.cat([real, 0.1 * real])).chunk(2)
    assert not torch.allclose(game.judge(real, 0.1 * real)[0], together[0], atol=1e-3)


def test_generator_update_moves_no_weight_of_a_batch_normalised_discriminator():
    settings = parameters(discriminator_norm="batch")
    settings["optimizer"] = {"name": "sgd", "lr": 0.1, "betas": [0.5, 0.999], "momentum": 0.0}
    game = set_up_game(settings, "digits", 0, pixels())
    before = [each.detach().clone() for each in game.discriminator.network.parameters()]
    adversarial_step(game, 1)
    # all that moved is what D's own update followed
    for weight, start in zip(game.discriminator.network.parameters(), before, strict=True):
        torch.testing.assert_close(start - weight, 0.1 * weight.grad, rtol=1e-3, atol=1e-6)


def test_running_moments_follow_real_fake_and_the_generators_own_batch():
    game = set_up_game(parameters(discriminator_norm="batch"), "digits", 0, pixels())
    adversarial_step(game, 1)
    passed = [
        int(each) for name, each in game.discriminator.network.named_buffers() if "num" in name
    ]
    assert passed
    assert set(passed) == {3}


def test_kept_discriminator_is_scored_by_its_running_moments(tmp_path):
    settings = parameters(discriminator_norm="batch", steps=10)
    settings["keep_discriminator"] = True
    run(tmp_path, settings, pixels())
    kept = load_run(tmp_path / "snapshots.pt")
    *_, last = discriminators(kept, torch.device("cpu"))
    game = set_up_game(settings, "digits", 0, pixels())
    for step in range(1, 11):
        adversarial_step(game, step)
    samples = torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(last(samples), game.discriminator.network.eval()(samples))
        torch.testing.assert_close(last(samples)[:1], last(samples[:1]))


@pytest.mark.parametrize("penalty", ["gradient_penalty", "dragan", "r1", "r2"])
def test_penalties_on_a_samples_own_gradient_refuse_batch_normalisation(penalty):
    settings = parameters(discriminator_norm="batch")
    settings["regularizers"] = {penalty: {"weight": 10.0, "every": 1, "scale": 0.5}}
    with pytest.raises(ValueError, match=f"{penalty} needs .* set discriminator_norm to none"):
        set_up_game(settings, "digits", 0, pixels())


def test_bf16_computes_in_bf16_and_keeps_weights_losses_and_penalties_in_float32(monkeypatch):
    seen = []
    convolution = torch.nn.functional.conv2d

    def watched(inputs, *arguments, **options):
        found = convolution(inputs, *arguments, **options)
        seen.append(found.dtype)
        return found

    settings = parameters(variant="wgan_gp")
    plain = set_up_game(settings, "digits", 0, pixels())
    fast = set_up_game({**settings, "precision": "bf16"}, "digits", 0, pixels())
    real, latent = plain.sample_real(), plain.sample_generator_latent()
    expected = plain.discriminator(plain.generator(latent))
    monkeypatch.setattr(torch.nn.functional, "conv2d", watched)
    found = fast.discriminator(fast.generator(latent))
    assert set(seen) == {torch.bfloat16}
    assert found.dtype == torch.float32
    assert not torch.equal(found, expected)
    torch.testing.assert_close(found, expected, atol=0.02, rtol=0.05)
    network = fast.discriminator.network
    seen.clear()
    fast.regularization.penalty(network, real, real, 0)
    assert set(seen) == {torch.float32}
    losses = adversarial_step(fast, 1)
    assert losses.discriminator.dtype == losses.generator.dtype == torch.float32
    assert {each.dtype for each in network.parameters()} == {torch.float32}


def test_channels_last_is_the_same_game_in_another_order_of_memory():
    settings = parameters()
    plain = set_up_game(settings, "digits", 0, pixels())
    other = set_up_game({**settings, "channels_last": True}, "digits", 0, pixels())
    assert other.sample_real().is_contiguous(memory_format=torch.channels_last)
    plain.sample_real()
    for step in (1, 2, 3):
        expected, found = adversarial_step(plain, step), adversarial_step(other, step)
        torch.testing.assert_close(found.real, expected.real, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(found.generator, expected.generator, atol=1e-4, rtol=1e-4)

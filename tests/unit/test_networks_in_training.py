"""Every architecture trains; batch normalisation, precision and memory layout in training."""

import json

import pytest
import torch
from ganbench.catalogue.architectures import ARCHITECTURES
from ganbench.evaluation.snapshots import load_discriminators, load_run
from ganbench.networks.build import mixes_samples
from ganbench.training.run import set_up_game
from ganbench.training.step import Game, adversarial_step
from training_example import PIXELS, make_pixels, resolve_run, train_run

FITTING = [
    (name, dataset)
    for name, architecture in ARCHITECTURES.items()
    for dataset, side in {"digits": 8, "mnist": 28, "cifar10": 32, "celeba": 64}.items()
    if architecture.fits(side) and not architecture.reconstructs
]


def make_game(**options) -> Game:
    return set_up_game(resolve_run(**options), "digits", 0, PIXELS)


@pytest.mark.parametrize(("name", "dataset"), FITTING)
def test_every_architecture_trains_at_its_resolutions(tmp_path, name, dataset):
    """With WGAN-GP, whose penalty needs gradients of gradients."""
    parameters = resolve_run(
        dataset,
        objective="wasserstein",
        regularizers={"gradient_penalty": {}},
        network={"name": name, "width": 2, "discriminator_norm": "none"},
        steps=2,
    )
    run, _ = train_run(tmp_path, parameters, make_pixels(dataset, 20), dataset=dataset)
    assert (run["status"], run["step"]) == ("completed", 2)
    assert run["flops"]["step"] > run["flops"]["generator"] > 0
    assert json.loads(json.dumps(run["flops"])) == run["flops"]


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
def test_real_and_fake_batches_are_normalised_apart(norm):
    game = make_game(network={"discriminator_norm": norm})
    network = game.discriminator.network
    assert game.separate_passes == mixes_samples(network) == (norm == "batch")
    real = game.sample_real()
    fake = 0.1 * torch.randn(real.shape, generator=torch.Generator().manual_seed(0))
    logits = game.judge(real, fake)
    torch.testing.assert_close(logits, (network(real), network(fake)), rtol=1e-4, atol=1e-5)


def test_one_pass_over_both_batches_would_give_other_logits():
    game = make_game(network={"discriminator_norm": "batch"})
    real = game.sample_real()
    together = game.discriminator.network(torch.cat([real, 0.1 * real])).chunk(2)
    assert not torch.allclose(game.judge(real, 0.1 * real)[0], together[0], atol=1e-3)


def test_generator_update_moves_no_weight_of_a_batch_normalised_discriminator():
    optimizer = {"name": "sgd", "lr": 0.1}
    game = make_game(network={"discriminator_norm": "batch"}, optimizer=optimizer)
    before = [weight.detach().clone() for weight in game.discriminator.network.parameters()]
    adversarial_step(game, 1)
    # the whole change is that of D's own update
    for weight, start in zip(game.discriminator.network.parameters(), before, strict=True):
        torch.testing.assert_close(start - weight, 0.1 * weight.grad, rtol=1e-3, atol=1e-6)


def test_running_moments_follow_real_fake_and_the_generators_own_batch():
    game = make_game(network={"discriminator_norm": "batch"})
    adversarial_step(game, 1)
    buffers = game.discriminator.network.named_buffers()
    batches = [int(count) for name, count in buffers if name.endswith("num_batches_tracked")]
    assert batches
    assert set(batches) == {3}


def test_saved_discriminator_is_scored_by_its_running_moments(tmp_path):
    parameters = resolve_run(network={"discriminator_norm": "batch"}, steps=10)
    parameters["keep_discriminator"] = True
    train_run(tmp_path, parameters)
    *_, saved = load_discriminators(load_run(tmp_path / "snapshots.pt"), torch.device("cpu"))
    game = set_up_game(parameters, "digits", 0, PIXELS)
    for step in range(1, 11):
        adversarial_step(game, step)
    samples = torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(saved(samples), game.discriminator.network.eval()(samples))
        torch.testing.assert_close(saved(samples)[:1], saved(samples[:1]))


@pytest.mark.parametrize("penalty", ["gradient_penalty", "dragan", "r1", "r2"])
def test_penalties_refuse_batch_normalisation(penalty):
    parameters = resolve_run(network={"discriminator_norm": "batch"})
    parameters["regularizers"] = {penalty: {"weight": 10.0, "every": 1, "scale": 0.5}}
    with pytest.raises(ValueError, match=f"{penalty} needs .* set discriminator_norm to none"):
        set_up_game(parameters, "digits", 0, PIXELS)


def test_bf16_is_for_convolutions_and_not_for_weights_losses_and_penalties(monkeypatch):
    dtypes = []
    conv2d = torch.nn.functional.conv2d

    def watched_conv2d(inputs, *arguments, **options):
        maps = conv2d(inputs, *arguments, **options)
        dtypes.append(maps.dtype)
        return maps

    options = {"objective": "wasserstein", "regularizers": {"gradient_penalty": {}}}
    exact, fast = (make_game(precision=precision, **options) for precision in ("float32", "bf16"))
    real, latent = exact.sample_real(), exact.sample_generator_latent()
    expected = exact.discriminator(exact.generator(latent))
    monkeypatch.setattr(torch.nn.functional, "conv2d", watched_conv2d)
    logits = fast.discriminator(fast.generator(latent))
    assert set(dtypes) == {torch.bfloat16}
    assert logits.dtype == torch.float32
    assert not torch.equal(logits, expected)
    torch.testing.assert_close(logits, expected, atol=0.02, rtol=0.05)
    network = fast.discriminator.network
    dtypes.clear()
    fast.regularization.penalty(network, real, real, 0)
    assert set(dtypes) == {torch.float32}
    losses = adversarial_step(fast, 1)
    assert losses.discriminator.dtype == losses.generator.dtype == torch.float32
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}


def test_channels_last_is_the_same_game_in_another_memory_layout():
    plain, other = (make_game(channels_last=channels_last) for channels_last in (False, True))
    assert other.sample_real().is_contiguous(memory_format=torch.channels_last)
    plain.sample_real()
    for step in (1, 2, 3):
        expected, losses = adversarial_step(plain, step), adversarial_step(other, step)
        torch.testing.assert_close(losses.real, expected.real, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(losses.generator, expected.generator, atol=1e-4, rtol=1e-4)

"""Training: Algorithm 1 as written, matched seeds, and what is recorded."""

import math
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
import torch
from ganbench.formula.language import parse
from ganbench.formula.torch_loss import compile_loss
from ganbench.networks.build import build_discriminator, build_generator, count_parameters
from ganbench.study import resolve as study
from ganbench.study.budget import snapshot_steps
from ganbench.training.measure import COLUMNS, FirstNonFinite, measure
from ganbench.training.run import set_up_game
from ganbench.training.step import Losses, adversarial_step
from PIL import Image
from project import tiny_study
from training_example import run


@pytest.fixture
def parameters() -> dict:
    return deepcopy(study.resolve(tiny_study(), "tiny")["runs"]["digits"]["non_saturating"])


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randint(0, 256, (60, 1, 8, 8), generator=torch.Generator().manual_seed(0)).byte()


def weights(network: torch.nn.Module) -> torch.Tensor:
    return torch.cat([each.detach().flatten() for each in network.parameters()])


def test_one_step_equals_algorithm_1_written_out(parameters, images):
    parameters["discriminator_steps"] = 3
    parameters["optimizer"] = {"name": "sgd", "lr": 0.1, "betas": [0.5, 0.999], "momentum": 0.0}
    played, written = (set_up_game(parameters, "digits", 0, images) for _ in range(2))
    adversarial_step(played, 1)

    generator, discriminator = written.generator.network, written.discriminator.network
    for _ in range(3):
        real = written.sample_real()
        fake = generator(written.sample_discriminator_latent()).detach()
        d_of_x, d_of_gz = discriminator(real).sigmoid(), discriminator(fake).sigmoid()
        ascended = (d_of_x.log() + (1 - d_of_gz).log()).mean()
        gradients = torch.autograd.grad(ascended, list(discriminator.parameters()))
        with torch.no_grad():
            for weight, gradient in zip(discriminator.parameters(), gradients, strict=True):
                weight.add_(0.1 * gradient)
    fake = generator(written.sample_generator_latent())
    gradients = torch.autograd.grad(
        -discriminator(fake).sigmoid().log().mean(), list(generator.parameters())
    )
    with torch.no_grad():
        for weight, gradient in zip(generator.parameters(), gradients, strict=True):
            weight.sub_(0.1 * gradient)

    for player in ("discriminator", "generator"):
        torch.testing.assert_close(
            weights(getattr(played, player).network),
            weights(getattr(written, player).network),
            rtol=1e-4,
            atol=1e-6,
        )


def test_generator_update_leaves_the_discriminator_and_its_gradient_alone(parameters, images):
    parameters["optimizer"] = {"name": "sgd", "lr": 0.1, "betas": [0.5, 0.999], "momentum": 0.0}
    game = set_up_game(parameters, "digits", 0, images)
    before = weights(game.discriminator.network).clone()
    adversarial_step(game, 1)
    moved = before - weights(game.discriminator.network)
    kept = torch.cat([each.grad.flatten() for each in game.discriminator.network.parameters()])
    # the gradient that history.csv measures is the one that D's own update followed
    torch.testing.assert_close(0.1 * kept, moved, rtol=1e-3, atol=1e-6)
    assert all(each.requires_grad for each in game.discriminator.network.parameters())


def test_variants_with_one_seed_start_alike_and_see_the_same_samples(parameters, images):
    other = deepcopy(parameters)
    other["objective"] |= {"name": "minimax", "generator": "-softplus(f)"}
    games = [set_up_game(each, "digits", 3, images) for each in (parameters, other)]
    for player in ("generator", "discriminator"):
        first, second = (weights(getattr(game, player).network) for game in games)
        assert torch.equal(first, second)
    for _ in range(3):
        for sample in ("sample_real", "sample_discriminator_latent", "sample_generator_latent"):
            first, second = (getattr(game, sample)() for game in games)
            assert torch.equal(first, second)


@pytest.mark.parametrize(
    ("generator", "weight"), [("-softplus(f)", lambda d: d), ("softplus(-f)", lambda d: 1 - d)]
)
def test_measured_gradient_weight_is_the_derived_one(parameters, images, generator, weight):
    parameters["objective"]["generator"] = generator
    game = set_up_game(parameters, "digits", 0, images)
    losses = adversarial_step(game, 1)
    expected = weight(losses.generator_fake.sigmoid())
    torch.testing.assert_close(losses.generator_weight.abs(), expected)


def test_seeds_and_streams_differ(parameters, images):
    first, second = (set_up_game(parameters, "digits", seed, images) for seed in (0, 1))
    assert not torch.equal(weights(first.generator.network), weights(second.generator.network))
    assert not torch.equal(first.sample_generator_latent(), second.sample_generator_latent())
    game = set_up_game(parameters, "digits", 0, images)
    assert not torch.equal(game.sample_discriminator_latent(), game.sample_generator_latent())


def test_recorded_quantities_are_what_their_columns_say(parameters, images):
    game = set_up_game(parameters, "digits", 0, images)
    adversarial_step(game, 1)
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([-2.0, 0.5])
    losses = Losses(
        real=real,
        fake=fake,
        generator_fake=fake + 1,
        generator_weight=torch.tensor([-0.5, 0.25]),
        discriminator=torch.tensor(0.25),
        penalty=torch.tensor(0.0),
        generator=torch.tensor(0.75),
    )
    row = dict(zip(COLUMNS[5:], measure(game, losses).tolist(), strict=True))
    d_x, d_gz = 1 / (1 + np.exp(-real.numpy())), 1 / (1 + np.exp(-fake.numpy()))
    assert row["d_loss"] == 0.25
    assert row["g_loss"] == 0.75
    assert row["value"] == pytest.approx(np.log(d_x).mean() + np.log(1 - d_gz).mean(), rel=1e-6)
    assert row["d_real"] == pytest.approx(d_x.mean(), rel=1e-6)
    assert row["d_fake"] == pytest.approx(d_gz.mean(), rel=1e-6)
    assert row["g_d_fake"] == pytest.approx((1 / (1 + np.exp(-fake.numpy() - 1))).mean(), rel=1e-6)
    assert row["g_weight"] == 0.375
    for column, player in (("d_grad_norm", game.discriminator), ("g_grad_norm", game.generator)):
        squares = sum(float((each.grad**2).sum()) for each in player.network.parameters())
        assert row[column] == pytest.approx(math.sqrt(squares), rel=1e-5)


def test_same_run_gives_the_same_bytes_whatever_is_logged_or_kept(tmp_path, parameters, images):
    first, _ = run(tmp_path / "a", parameters, images)
    second, log = run(tmp_path / "b", parameters, images, log_interval=1e-9)
    assert first["generator_sha256"] == second["generator_sha256"]
    assert (tmp_path / "a/snapshots.pt").read_bytes() == (tmp_path / "b/snapshots.pt").read_bytes()
    assert (tmp_path / "a/samples.png").read_bytes() == (tmp_path / "b/samples.png").read_bytes()
    assert log.count("step ") >= 4
    parameters |= {"snapshots": 5, "history_interval": 1}
    third, _ = run(tmp_path / "c", parameters, images)
    assert third["generator_sha256"] == first["generator_sha256"]
    assert third["parameters_sha256"] != first["parameters_sha256"]


def test_global_random_state_plays_no_part(tmp_path, parameters, images):
    torch.manual_seed(1)
    first, _ = run(tmp_path / "a", parameters, images)
    torch.manual_seed(2)
    torch.rand(7)
    state = torch.get_rng_state()
    second, _ = run(tmp_path / "b", parameters, images)
    assert first["generator_sha256"] == second["generator_sha256"]
    assert torch.equal(torch.get_rng_state(), state)


def test_snapshots_and_history_cover_the_budget(tmp_path, parameters, images):
    parameters |= {"steps": 25, "snapshots": 3, "history_interval": 10, "discriminator_steps": 2}
    found, _ = run(tmp_path / "a", parameters, images)
    saved = torch.load(tmp_path / "a/snapshots.pt", weights_only=True)
    history = pd.read_csv(tmp_path / "a/history.csv")
    assert saved["steps"] == snapshot_steps(parameters) == [8, 16, 25]
    assert tuple(history.columns) == COLUMNS
    assert history.step.tolist() == [10, 20, 25]
    assert history.discriminator_steps.tolist() == [20, 40, 50]
    assert history.images.tolist() == [320, 640, 800]
    assert (history.value < 0).all()
    assert Image.open(tmp_path / "a/samples.png").size == (16 * 9, 3 * 9)
    assert found["status"] == "completed"
    assert found["images_per_second"] == pytest.approx(800 / found["seconds"], rel=0.01)
    assert found["parameter_counts"] == {
        "generator": count_parameters(build_generator(parameters, (1, 8, 8))),
        "discriminator": count_parameters(build_discriminator(parameters, (1, 8, 8))),
    }


@pytest.mark.parametrize(
    ("player", "formula"),
    [("discriminator", "log(f - f - 1) + r"), ("generator", "log(f - f - 1)")],
)
def test_non_finite_loss_is_a_result_with_step_and_reason(
    tmp_path, parameters, images, player, formula
):
    parameters["objective"][player] = formula
    found, log = run(tmp_path / "a", parameters, images)
    assert found["status"] == "diverged"
    assert found["step"] == 1
    assert found["reason"] == f"non-finite {player} loss"
    assert "diverged at step 1" in log
    assert torch.load(tmp_path / "a/snapshots.pt", weights_only=True)["steps"] == []
    assert list(pd.read_csv(tmp_path / "a/history.csv").columns) == list(COLUMNS)
    assert Image.open(tmp_path / "a/samples.png").size == (1, 1)


def test_divergence_keeps_the_history_before_it(tmp_path, parameters, images):
    parameters["optimizer"] |= {"name": "sgd", "lr": 5.0}
    parameters["objective"]["discriminator"] = "square(r - 1) + square(f)"
    parameters |= {"history_interval": 1}
    found, _ = run(tmp_path / "a", parameters, images)
    history = pd.read_csv(tmp_path / "a/history.csv")
    assert found["status"] == "diverged"
    assert found["step"] == len(history) + 1 > 2
    assert np.isfinite(history.to_numpy()).all()


def test_first_non_finite_loss_is_named_though_later_ones_follow():
    watch = FirstNonFinite(torch.device("cpu"))
    nan, one = torch.tensor(math.nan), torch.tensor(1.0)
    logits = torch.zeros(2)
    for step, (d_loss, g_loss) in enumerate([(one, one), (one, nan), (nan, nan)], start=1):
        watch.watch(step, Losses(logits, logits, logits, logits, d_loss, one, g_loss))
    assert watch.reason(torch.nn.Linear(1, 1), 3) == (2, "non-finite generator loss")


def test_non_finite_weights_are_a_divergence_too():
    network = torch.nn.Linear(1, 1)
    watch = FirstNonFinite(torch.device("cpu"))
    assert watch.reason(network, 7) is None
    with torch.no_grad():
        network.weight.fill_(math.inf)
    assert watch.reason(network, 7) == (7, "non-finite generator weights")


@pytest.mark.parametrize("name", ["adam", "rmsprop", "sgd"])
def test_every_optimizer_moves_both_players(parameters, images, name):
    parameters["optimizer"]["name"] = name
    game = set_up_game(parameters, "digits", 0, images)
    before = [weights(player.network).clone() for player in (game.generator, game.discriminator)]
    adversarial_step(game, 1)
    after = [weights(player.network) for player in (game.generator, game.discriminator)]
    assert all(not torch.equal(*pair) for pair in zip(before, after, strict=True))


def test_numbers_too_small_to_be_normal_are_zero_and_cost_no_time(tmp_path, parameters, images):
    torch.set_flush_denormal(False)
    assert float(torch.full((8,), 1e-30).mul(1e-9).sum()) > 0
    run(tmp_path, parameters | {"steps": 5}, images)
    assert float(torch.full((8,), 1e-30).mul(1e-9).sum()) == 0


def test_objectives_with_real_logits_in_the_generator_loss_get_them(parameters, images):
    parameters["objective"] |= {
        "discriminator": "softplus(f - r)",
        "generator": "softplus(r - f)",
    }
    game = set_up_game(parameters, "digits", 0, images)
    assert game.generator_needs_real
    assert adversarial_step(game, 1).generator.isfinite()


def test_training_learns_a_constant_image(parameters):
    parameters |= {"steps": 300, "batch_size": 32}
    parameters["network"]["width"] = 8
    bright = torch.full((50, 1, 8, 8), 230, dtype=torch.uint8)
    game = set_up_game(parameters, "digits", 0, bright)
    for step in range(1, parameters["steps"] + 1):
        adversarial_step(game, step)
    made = game.generator.network(torch.randn(64, 8, generator=torch.Generator().manual_seed(0)))
    assert float(made.detach().mean()) == pytest.approx(230 / 127.5 - 1, abs=0.15)


def test_loss_is_the_mean_over_the_batch():
    loss = compile_loss(parse("softplus(-r) + softplus(f)"))
    real, fake = torch.tensor([0.3, -1.2]), torch.tensor([2.0, 0.1])
    expected = np.mean(np.log1p(np.exp(-real.numpy())) + np.log1p(np.exp(fake.numpy())))
    assert float(loss(real, fake)) == pytest.approx(expected, rel=1e-6)

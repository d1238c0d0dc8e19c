"""Training: Algorithm 1 as written, matched seeds, and what is recorded."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from ganbench.formula.language import parse
from ganbench.formula.torch_loss import compile_loss
from ganbench.networks.build import build_discriminator, build_generator, count_parameters
from ganbench.study.budget import snapshot_steps
from ganbench.training.measure import COLUMNS, FirstNonFinite, copy_weights, measure
from ganbench.training.run import set_up_game
from ganbench.training.step import Losses, adversarial_step
from PIL import Image
from training_example import PIXELS, read_weights, resolve_run, train_run

SGD = {"name": "sgd", "lr": 0.1}


@pytest.fixture
def parameters() -> dict:
    return resolve_run()


def test_one_step_equals_algorithm_1_written_out():
    parameters = resolve_run(discriminator_steps=3, optimizer=SGD)
    game, reference = (set_up_game(parameters, "digits", 0, PIXELS) for _ in range(2))
    adversarial_step(game, 1)

    generator, discriminator = reference.generator.network, reference.discriminator.network
    for _ in range(3):
        real = reference.sample_real()
        fake = generator(reference.sample_discriminator_latent()).detach()
        d_of_x, d_of_gz = discriminator(real).sigmoid(), discriminator(fake).sigmoid()
        value = (d_of_x.log() + (1 - d_of_gz).log()).mean()
        gradients = torch.autograd.grad(value, list(discriminator.parameters()))
        with torch.no_grad():
            for weight, gradient in zip(discriminator.parameters(), gradients, strict=True):
                weight.add_(0.1 * gradient)
    fake = generator(reference.sample_generator_latent())
    gradients = torch.autograd.grad(
        -discriminator(fake).sigmoid().log().mean(), list(generator.parameters())
    )
    with torch.no_grad():
        for weight, gradient in zip(generator.parameters(), gradients, strict=True):
            weight.sub_(0.1 * gradient)

    for player, expected in zip(game.players, reference.players, strict=True):
        weights, expected_weights = read_weights(player.network), read_weights(expected.network)
        torch.testing.assert_close(weights, expected_weights, rtol=1e-4, atol=1e-6)


def test_generator_update_leaves_the_discriminator_and_its_gradient_alone():
    game = set_up_game(resolve_run(optimizer=SGD), "digits", 0, PIXELS)
    discriminator = game.discriminator.network
    before = read_weights(discriminator)
    adversarial_step(game, 1)
    change = before - read_weights(discriminator)
    gradient = torch.cat([weight.grad.flatten() for weight in discriminator.parameters()])
    # the gradient that history.csv measures is that of D's own update
    torch.testing.assert_close(0.1 * gradient, change, rtol=1e-3, atol=1e-6)
    assert all(weight.requires_grad for weight in discriminator.parameters())


@pytest.mark.promise("matched-seeds")
def test_variants_with_one_seed_start_alike_and_see_the_same_samples():
    games = [
        set_up_game(resolve_run(objective=objective), "digits", 3, PIXELS)
        for objective in ("non_saturating", "minimax")
    ]
    for one, other in zip(games[0].players, games[1].players, strict=True):
        assert torch.equal(read_weights(one.network), read_weights(other.network))
    for _ in range(3):
        for sample in ("sample_real", "sample_discriminator_latent", "sample_generator_latent"):
            first, second = (getattr(game, sample)() for game in games)
            assert torch.equal(first, second)


@pytest.mark.parametrize(
    ("objective", "weight"),
    [("minimax", lambda d: d), ("non_saturating", lambda d: 1 - d)],
    ids=["minimax", "non-saturating"],
)
def test_measured_gradient_weight_equals_the_derived_one(objective, weight):
    game = set_up_game(resolve_run(objective=objective), "digits", 0, PIXELS)
    losses = adversarial_step(game, 1)
    expected = weight(losses.generator_fake.sigmoid())
    torch.testing.assert_close(losses.generator_weight.abs(), expected)


def test_seeds_and_streams_differ(parameters):
    first, second = (set_up_game(parameters, "digits", seed, PIXELS) for seed in (0, 1))
    weights = [read_weights(game.generator.network) for game in (first, second)]
    assert not torch.equal(*weights)
    assert not torch.equal(first.sample_generator_latent(), second.sample_generator_latent())
    game = set_up_game(parameters, "digits", 0, PIXELS)
    assert not torch.equal(game.sample_discriminator_latent(), game.sample_generator_latent())


def test_history_columns_hold_what_their_names_say(parameters):
    game = set_up_game(parameters, "digits", 0, PIXELS)
    before = copy_weights(game.generator.network)
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
    row = dict(zip(COLUMNS[5:], measure(game, losses, before).tolist(), strict=True))
    d_x, d_gz = 1 / (1 + np.exp(-real.numpy())), 1 / (1 + np.exp(-fake.numpy()))
    assert row["d_loss"] == 0.25
    assert row["g_loss"] == 0.75
    assert row["value"] == pytest.approx(np.log(d_x).mean() + np.log(1 - d_gz).mean(), rel=1e-6)
    assert row["d_real"] == pytest.approx(d_x.mean(), rel=1e-6)
    assert row["d_fake"] == pytest.approx(d_gz.mean(), rel=1e-6)
    assert row["g_d_fake"] == pytest.approx((1 / (1 + np.exp(-fake.numpy() - 1))).mean(), rel=1e-6)
    assert row["g_weight"] == 0.375
    for column, player in (("d_grad_norm", game.discriminator), ("g_grad_norm", game.generator)):
        squares = sum(float((weight.grad**2).sum()) for weight in player.network.parameters())
        assert row[column] == pytest.approx(math.sqrt(squares), rel=1e-5)


def read_history(folder, scale: float, **optimizer: object) -> pd.DataFrame:
    """The history of four steps in which the generator's loss is multiplied by `scale`."""
    parameters = resolve_run(steps=4, history_interval=1, optimizer=optimizer)
    parameters["objective"]["generator"] = f"{scale} * softplus(-f)"
    train_run(folder, parameters)
    return pd.read_csv(folder / "history.csv")


@pytest.mark.parametrize("updates", ["alternating", "extragradient"])
def test_size_of_an_update_is_measured_over_a_whole_step(tmp_path, updates):
    parameters = resolve_run(steps=3, history_interval=2, updates=updates)
    train_run(tmp_path, parameters)
    game = set_up_game(parameters, "digits", 0, PIXELS)
    weights = []
    for step in range(4):
        weights.append(torch.cat([w.flatten() for w in read_weights(game.generator.network)]))
        adversarial_step(game, step + 1)
    expected = [float((weights[i] - weights[i - 1]).norm() / weights[i - 1].norm()) for i in (2, 3)]
    history = pd.read_csv(tmp_path / "history.csv")
    assert history.g_update_size.tolist() == pytest.approx(expected, rel=1e-4)


def test_update_follows_the_scale_of_the_gradient_with_sgd_and_not_with_adam(tmp_path):
    for name, ratio in (("sgd", 1000), ("adam", 1)):
        large, small = (
            read_history(tmp_path / f"{name}{scale}", scale, name=name, lr=0.001).iloc[0]
            for scale in (1.0, 0.001)
        )
        assert large.g_grad_norm == pytest.approx(1000 * small.g_grad_norm, rel=1e-3)
        assert large.g_update_size == pytest.approx(ratio * small.g_update_size, rel=0.05)


@pytest.mark.promise("same-bytes")
def test_same_run_gives_the_same_bytes_whatever_is_logged_or_kept(tmp_path, parameters):
    first, _ = train_run(tmp_path / "a", parameters)
    second, log = train_run(tmp_path / "b", parameters, log_interval=1e-9)
    assert first["generator_sha256"] == second["generator_sha256"]
    assert (tmp_path / "a/snapshots.pt").read_bytes() == (tmp_path / "b/snapshots.pt").read_bytes()
    assert (tmp_path / "a/samples.png").read_bytes() == (tmp_path / "b/samples.png").read_bytes()
    assert log.count("step ") >= 4
    parameters |= {"snapshots": 5, "history_interval": 1}
    third, _ = train_run(tmp_path / "c", parameters)
    assert third["generator_sha256"] == first["generator_sha256"]
    assert third["parameters_sha256"] != first["parameters_sha256"]


def test_global_random_state_changes_nothing_and_is_not_changed(tmp_path, parameters):
    torch.manual_seed(1)
    first, _ = train_run(tmp_path / "a", parameters)
    torch.manual_seed(2)
    torch.rand(7)
    state = torch.get_rng_state()
    second, _ = train_run(tmp_path / "b", parameters)
    assert first["generator_sha256"] == second["generator_sha256"]
    assert torch.equal(torch.get_rng_state(), state)


def test_snapshots_and_history_cover_the_budget(tmp_path, parameters):
    parameters |= {"steps": 25, "snapshots": 3, "history_interval": 10, "discriminator_steps": 2}
    run, _ = train_run(tmp_path, parameters)
    saved = torch.load(tmp_path / "snapshots.pt", weights_only=True)
    history = pd.read_csv(tmp_path / "history.csv")
    assert saved["steps"] == snapshot_steps(parameters) == [8, 16, 25]
    assert tuple(history.columns) == COLUMNS
    assert history.step.tolist() == [10, 20, 25]
    assert history.discriminator_steps.tolist() == [20, 40, 50]
    assert history.images.tolist() == [320, 640, 800]
    assert (history.value < 0).all()
    assert Image.open(tmp_path / "samples.png").size == (16 * 9, 3 * 9)
    assert run["status"] == "completed"
    assert run["images_per_second"] == pytest.approx(800 / run["seconds"], rel=0.01)
    assert run["parameter_counts"] == {
        "generator": count_parameters(build_generator(parameters, (1, 8, 8))),
        "discriminator": count_parameters(build_discriminator(parameters, (1, 8, 8))),
    }


@pytest.mark.promise("divergence-recorded")
@pytest.mark.parametrize(
    ("player", "formula"),
    [("discriminator", "log(f - f - 1) + r"), ("generator", "log(f - f - 1)")],
    ids=["discriminator", "generator"],
)
def test_non_finite_loss_is_a_result_with_step_and_reason(tmp_path, parameters, player, formula):
    parameters["objective"][player] = formula
    run, log = train_run(tmp_path, parameters)
    assert run["status"] == "diverged"
    assert run["step"] == 1
    assert run["reason"] == f"non-finite {player} loss"
    assert "diverged at step 1" in log
    assert torch.load(tmp_path / "snapshots.pt", weights_only=True)["steps"] == []
    assert list(pd.read_csv(tmp_path / "history.csv").columns) == list(COLUMNS)
    assert Image.open(tmp_path / "samples.png").size == (1, 1)


@pytest.mark.promise("divergence-recorded")
def test_diverged_run_keeps_its_history(tmp_path):
    parameters = resolve_run(optimizer={"name": "sgd", "lr": 5.0}, history_interval=1)
    parameters["objective"]["discriminator"] = "square(r - 1) + square(f)"
    run, _ = train_run(tmp_path, parameters)
    history = pd.read_csv(tmp_path / "history.csv")
    assert run["status"] == "diverged"
    assert run["step"] == len(history) + 1 > 2
    assert np.isfinite(history.to_numpy()).all()


@pytest.mark.parametrize("penalty", [None, torch.tensor(1.0)], ids=["no penalty", "a penalty"])
def test_first_non_finite_loss_is_the_one_that_is_named(penalty):
    watch = FirstNonFinite(torch.device("cpu"))
    nan, one = torch.tensor(math.nan), torch.tensor(1.0)
    logits = torch.zeros(2)
    for d_loss, g_loss in [(one, one), (one, nan), (nan, nan)]:
        watch.watch(Losses(logits, logits, logits, logits, d_loss, penalty, g_loss))
    assert watch.reason(torch.nn.Linear(1, 1), 3) == (2, "non-finite generator loss")


def test_non_finite_penalty_is_named_and_not_the_loss_beside_it():
    watch, logits, one = FirstNonFinite(torch.device("cpu")), torch.zeros(2), torch.tensor(1.0)
    watch.watch(Losses(logits, logits, logits, logits, one, torch.tensor(math.inf), one))
    assert watch.reason(torch.nn.Linear(1, 1), 1) == (1, "non-finite regularizer")


def test_non_finite_weights_are_a_divergence_too():
    network = torch.nn.Linear(1, 1)
    watch, logits, one = FirstNonFinite(torch.device("cpu")), torch.zeros(2), torch.tensor(1.0)
    for _ in range(7):
        watch.watch(Losses(logits, logits, logits, logits, one, None, one))
    assert watch.reason(network, 7) is None
    with torch.no_grad():
        network.weight.fill_(math.inf)
    assert watch.reason(network, 7) == (7, "non-finite generator weights")


@pytest.mark.parametrize("name", ["adam", "rmsprop", "sgd"])
def test_every_optimizer_moves_both_players(name):
    game = set_up_game(resolve_run(optimizer={"name": name}), "digits", 0, PIXELS)
    before = [read_weights(player.network) for player in game.players]
    adversarial_step(game, 1)
    after = [read_weights(player.network) for player in game.players]
    assert all(not torch.equal(*pair) for pair in zip(before, after, strict=True))


def test_denormal_numbers_are_zero_and_cost_no_time(tmp_path, parameters):
    torch.set_flush_denormal(False)
    assert float(torch.full((8,), 1e-30).mul(1e-9).sum()) > 0
    train_run(tmp_path, parameters | {"steps": 5})
    assert float(torch.full((8,), 1e-30).mul(1e-9).sum()) == 0


def test_generator_loss_of_real_logits_gets_them(parameters):
    parameters["objective"] |= {
        "discriminator": "softplus(f - r)",
        "generator": "softplus(r - f)",
    }
    game = set_up_game(parameters, "digits", 0, PIXELS)
    assert game.generator_needs_real
    assert adversarial_step(game, 1).generator.isfinite()


def test_training_learns_a_constant_image():
    parameters = resolve_run(batch_size=32, network={"width": 8})
    bright = torch.full((50, 1, 8, 8), 230, dtype=torch.uint8)
    game = set_up_game(parameters, "digits", 0, bright)
    for step in range(1, 301):
        adversarial_step(game, step)
    images = game.generator.network(torch.randn(64, 8, generator=torch.Generator().manual_seed(0)))
    assert float(images.detach().mean()) == pytest.approx(230 / 127.5 - 1, abs=0.15)


def test_loss_is_the_mean_over_the_batch():
    loss = compile_loss(parse("softplus(-r) + softplus(f)"))
    real, fake = torch.tensor([0.3, -1.2]), torch.tensor([2.0, 0.1])
    expected = np.mean(np.log1p(np.exp(-real.numpy())) + np.log1p(np.exp(fake.numpy())))
    assert float(loss(real, fake)) == pytest.approx(expected, rel=1e-6)

"""Regularizers: closed forms for a linear discriminator, finite differences for any other."""

import pytest
import torch
from ganbench import regularizers
from ganbench.networks.build import NETWORKS, build_discriminator
from ganbench.regularizers import PENALTIES, Regularization
from ganbench.report import dirac_gan
from ganbench.terminal.arithmetic import REGULARIZED
from ganbench.training.run import set_up_game
from ganbench.training.step import adversarial_step
from torch import nn
from training_example import PIXELS, read_weights, resolve_run

NORM = 1.7
OPTIONS = {"weight": 3.0, "every": 1, "scale": 0.5}
SEPARATE = {"width": 3, "discriminator_norm": "none"}
"""A discriminator that judges each image on its own."""


class Linear(nn.Module):
    """D(x) = w·x, whose gradient is w everywhere."""

    def __init__(self) -> None:
        super().__init__()
        weight = torch.randn(64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        self.weight = nn.Parameter(NORM * weight / weight.norm())

    def forward(self, images):
        return images.flatten(1) @ self.weight


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def penalty_of(name: str, network: nn.Module, real: torch.Tensor, fake: torch.Tensor):
    return Regularization({name: OPTIONS}, noise()).penalty(network, real, fake, 0)


@pytest.fixture
def batches():
    return [torch.randn(5, 1, 8, 8, generator=noise(seed), dtype=torch.float64) for seed in (1, 2)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gradient_penalty", 3 * (NORM - 1) ** 2),
        ("dragan", 3 * (NORM - 1) ** 2),
        ("r1", 3 / 2 * NORM**2),
        ("r2", 3 / 2 * NORM**2),
    ],
    ids=["gradient_penalty", "dragan", "r1", "r2"],
)
def test_penalty_of_a_linear_discriminator_is_the_closed_form(batches, name, expected):
    network = Linear()
    penalty = penalty_of(name, network, *batches)
    assert float(penalty.detach()) == pytest.approx(expected, rel=1e-6)
    (gradient,) = torch.autograd.grad(penalty, network.weight)
    slope = 3 * NORM if name in ("r1", "r2") else 6 * (NORM - 1)
    torch.testing.assert_close(gradient, slope * network.weight.detach() / NORM)


def difference_quotients(network: nn.Module, image: torch.Tensor) -> torch.Tensor:
    shifts = 1e-5 * torch.eye(image.numel(), dtype=torch.float64).view(-1, *image.shape)
    with torch.no_grad():
        return (network(image + shifts) - network(image - shifts)) / 2e-5


@pytest.mark.parametrize(("name", "batch"), [("r1", 0), ("r2", 1)], ids=["r1", "r2"])
def test_penalty_of_a_network_equals_finite_differences(batches, name, batch):
    torch.manual_seed(0)
    network = build_discriminator(resolve_run(network=SEPARATE), (1, 8, 8)).double()
    squares = [(difference_quotients(network, image) ** 2).sum() for image in batches[batch]]
    expected = 3 / 2 * float(torch.stack(squares).mean())
    penalty = penalty_of(name, network, *batches)
    assert float(penalty.detach()) == pytest.approx(expected, rel=1e-6)


def test_gradient_norm_is_taken_per_image_and_not_over_the_batch(batches):
    network = Linear()
    norms = regularizers.gradients_at(network, batches[0]).norm(dim=1)
    torch.testing.assert_close(norms, torch.full((5,), NORM, dtype=torch.float64))


class Watched(Linear):
    """Keeps the images that it is applied to."""

    def forward(self, images):
        self.images = images.detach()
        return super().forward(images)


def test_gradient_penalty_is_taken_between_real_and_fake_images():
    real, fake = torch.zeros(50, 1, 8, 8).double(), torch.ones(50, 1, 8, 8).double()
    network = Watched()
    penalty_of("gradient_penalty", network, real, fake)
    between = network.images
    assert ((between >= 0) & (between <= 1)).all()
    assert between.flatten(1).std(dim=1).max() < 1e-6  # one share per image
    assert between[:, 0, 0, 0].std() > 0.2  # and another for each image


def test_dragan_is_taken_around_real_images_at_the_stated_distance(batches):
    network = Watched()
    penalty_of("dragan", network, *batches)
    delta = network.images - batches[0]
    assert float(delta.std()) == pytest.approx(0.5 * float(batches[0].std()), rel=0.15)


def test_squared_norm_has_a_finite_gradient_where_the_gradient_is_zero(batches):
    network = Linear()
    with torch.no_grad():
        network.weight.zero_()
    penalty_of("r1", network, *batches).backward()
    assert network.weight.grad.isfinite().all()


def test_weight_clip_keeps_every_weight_in_its_limits():
    network = nn.Linear(50, 50)
    regularizers.weight_clip(network, 0.02)
    assert max(float(weight.detach().abs().max()) for weight in network.parameters()) <= 0.02


def test_spectral_norm_makes_the_largest_singular_value_one():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(144, 1))
    before = [network[0].weight.detach().clone(), network[2].weight.detach().clone()]
    regularizers.spectral_norm(network)
    for layer, weight in zip((network[0], network[2]), before, strict=True):
        assert torch.equal(layer.parametrizations.weight.original, weight)
    for _ in range(200):
        network(torch.zeros(1, 1, 8, 8))
    for layer in (network[0], network[2]):
        largest = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)
        assert float(largest) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_spectral_norm_applies_to_every_weight_matrix_of_every_architecture(name, norm):
    torch.manual_seed(0)
    options = {"name": name, "width": 3, "discriminator_norm": norm}
    network = build_discriminator(resolve_run("cifar10", network=options), (3, 32, 32))
    regularizers.spectral_norm(network)
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
    assert len(layers) >= 4
    for layer in layers:
        for _ in range(200):
            matrix = layer.weight.detach().flatten(1)  # every read is a power iteration
        assert float(torch.linalg.matrix_norm(matrix, 2)) == pytest.approx(1, abs=1e-3)


def test_spectral_norm_takes_one_power_iteration_per_pass_and_saves_its_state():
    network = nn.Sequential(nn.Linear(6, 6))
    regularizers.spectral_norm(network)
    vector = network[0].parametrizations.weight[0]._u
    before, weight = vector.clone(), network[0].parametrizations.weight.original.detach()
    network(torch.zeros(1, 6))
    v = nn.functional.normalize(weight.T @ before, dim=0)
    torch.testing.assert_close(vector, nn.functional.normalize(weight @ v, dim=0))
    assert any(name.endswith("_u") for name in network.state_dict())


def test_lazy_penalty_is_added_at_every_kth_update_times_k(batches):
    network = Linear()
    every = Regularization({"r1": {"weight": 2.0, "every": 1}}, noise())
    lazy = Regularization({"r1": {"weight": 2.0, "every": 4}}, noise())
    penalties = [lazy.penalty(network, *batches, update) for update in range(8)]
    once = float(every.penalty(network, *batches, 3).detach())
    assert [penalty is not None for penalty in penalties] == [True, False, False, False] * 2
    assert [float(penalties[update].detach()) for update in (0, 4)] == pytest.approx([4 * once] * 2)


def test_regularizers_add_up(batches):
    network, options = Linear(), {"weight": 2.0, "every": 1}
    one, two, both = (
        Regularization(dict.fromkeys(names, options), noise()).penalty(network, *batches, 0).item()
        for names in (["r1"], ["r2"], ["r1", "r2"])
    )
    assert both == pytest.approx(one + two)


def test_one_pass_takes_the_same_gradients_of_all_penalties(batches):
    torch.manual_seed(0)
    network = build_discriminator(resolve_run(network=SEPARATE), (1, 8, 8)).double()
    options = {name: {**OPTIONS, "weight": weight} for weight, name in enumerate(PENALTIES, 1)}
    values, gradients, passes = [], [], []
    network.register_forward_hook(lambda *_: passes.append(1))
    for in_one_pass in (False, True):
        passes.clear()
        regularization = Regularization(options, noise(), in_one_pass=in_one_pass)
        penalty = regularization.penalty(network, *batches, 0)
        assert len(passes) == (1 if in_one_pass else len(PENALTIES))
        values.append(penalty.detach())
        weights = torch.autograd.grad(penalty, list(network.parameters()), allow_unused=True)
        gradients.append(torch.cat([part.flatten() for part in weights if part is not None]))
    torch.testing.assert_close(*values)
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("objective", ["minimax", "non_saturating"])
@pytest.mark.parametrize("name", [*PENALTIES, "weight_clip", "spectral_norm"])
def test_every_regularizer_goes_with_every_objective_and_changes_training(objective, name):
    discriminators = []
    for options in ({}, {name: {}}):
        parameters = resolve_run(objective=objective, regularizers=options)
        game = set_up_game(parameters, "digits", 0, PIXELS)
        for step in (1, 2):
            assert adversarial_step(game, step).generator.isfinite()
        discriminators.append(read_weights(game.discriminator.network))
    plain, regularized = discriminators
    assert plain.shape != regularized.shape or not torch.allclose(plain, regularized)


@pytest.mark.promise("matched-seeds")
def test_regularized_variants_keep_matched_seeds():
    plain, other = (
        set_up_game(resolve_run(regularizers=options), "digits", 0, PIXELS)
        for options in ({}, {"spectral_norm": {}, "r1": {}})
    )
    assert torch.equal(read_weights(plain.generator.network), read_weights(other.generator.network))
    weight = other.discriminator.network.layers[0].parametrizations.weight.original
    assert torch.equal(plain.discriminator.network.layers[0].weight, weight)
    adversarial_step(plain, 1)
    adversarial_step(other, 1)  # penalties draw from a stream of their own
    assert torch.equal(plain.sample_real(), other.sample_real())
    assert torch.equal(plain.sample_generator_latent(), other.sample_generator_latent())


def test_estimates_and_the_game_in_two_dimensions_know_every_penalty():
    assert set(REGULARIZED) == set(PENALTIES) == set(dirac_gan.PENALTIES)

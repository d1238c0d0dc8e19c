"""Updates of both players: closed forms on two small games, and steps written out by hand."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from ganbench.augmentation.augmentation import Augmentation
from ganbench.catalogue.objectives import OBJECTIVES
from ganbench.catalogue.updates import UPDATES
from ganbench.regularizers import Regularization
from ganbench.training.optimizers import build_optimizer
from ganbench.training.run import assemble_game, set_up_game
from ganbench.training.step import Game, adversarial_step
from scipy.optimize import linear_sum_assignment
from torch import nn
from training_example import PIXELS, choose_network, make_pixels, read_weights, resolve_run

H = 0.3
"""The learning rate of the small games."""
GAMMA = 0.7
SGD = {"name": "sgd", "lr": H, "momentum": 0.0, "nesterov": False}
ADAM = {"name": "adam", "lr": 0.05, "betas": [0.5, 0.9], "eps": 1e-8}
MATRIX = np.array([[1.0, 0.5], [-0.3, 2.0]])
JOINT = [kind for kind in UPDATES if kind != "alternating"]
every_kind = pytest.mark.parametrize("kind", UPDATES)
every_joint_kind = pytest.mark.parametrize("kind", JOINT)


class Point(nn.Module):
    """A generator whose samples are all the point θ."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.point = nn.Parameter(torch.zeros(size, dtype=torch.float64))

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        return self.point.expand(len(latents), -1)


class Slope(nn.Module):
    """A discriminator D(x) = xᵀAψ."""

    def __init__(self, matrix: np.ndarray) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(matrix.shape[1], dtype=torch.float64))
        self.register_buffer("matrix", torch.from_numpy(matrix))

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        return samples @ (self.matrix @ self.slope)


def make_game(
    kind: str, objective: str, matrix: np.ndarray, options: dict, k: int = 1, limit: float = 0.0
) -> Game:
    """All real samples are 0; the state of the game is w = (ψ, θ)."""
    size = len(matrix)
    real, latent = torch.zeros(3, size, dtype=torch.float64), torch.zeros(3, 1)
    return assemble_game(
        {
            "objective": {"name": objective, **OBJECTIVES[objective]},
            "discriminator_steps": k,
            "updates": kind,
            "consensus_weight": GAMMA,
        },
        Point(size),
        Slope(matrix),
        Regularization({"weight_clip": {"limit": limit}} if limit else {}),
        optimizer=lambda _player, weights: build_optimizer(options, weights),
        augment=Augmentation(None, {}, torch.device("cpu")),
        sample_real=lambda: real,
        sample_discriminator_latent=lambda: latent,
        sample_generator_latent=lambda: latent,
    )


def dirac_gan(kind: str, options: dict = SGD, **keys) -> Game:
    """The Dirac-GAN of Mescheder et al. 2018, Section 2: L(ψ, θ) = softplus(ψθ) up to signs."""
    return make_game(kind, "minimax", np.eye(1), options, **keys)


def bilinear_game(kind: str, options: dict = SGD) -> Game:
    """min over ψ and max over θ of θᵀAψ."""
    return make_game(kind, "wasserstein", MATRIX, options)


def read(game: Game) -> np.ndarray:
    return np.concatenate([read_weights(player.network).numpy() for player in game.players])


@torch.no_grad()
def write(game: Game, state: np.ndarray) -> None:
    parts = np.split(state, 2)
    for player, part in zip(game.players, parts, strict=True):
        for weight in player.network.parameters():
            weight.copy_(torch.from_numpy(part))


def dirac_field(w: np.ndarray) -> np.ndarray:
    """v = (σ(ψθ)θ, −σ(ψθ)ψ)."""
    sigma = 1 / (1 + np.exp(-w[0] * w[1]))
    return sigma * np.array([w[1], -w[0]])


def dirac_slope_of_norm(w: np.ndarray) -> np.ndarray:
    """∇½‖v‖² with ‖v‖² = σ(ψθ)²(ψ² + θ²)."""
    sigma = 1 / (1 + np.exp(-w[0] * w[1]))
    return sigma**2 * (w + (1 - sigma) * w @ w * w[::-1])


def bilinear_field(w: np.ndarray) -> np.ndarray:
    return np.concatenate([MATRIX.T @ w[2:], -MATRIX @ w[:2]])


def bilinear_slope_of_norm(w: np.ndarray) -> np.ndarray:
    return np.concatenate([MATRIX.T @ MATRIX @ w[:2], MATRIX @ MATRIX.T @ w[2:]])


GAMES = {
    "dirac": (dirac_gan, dirac_field, dirac_slope_of_norm, np.array([0.8, -0.6])),
    "bilinear": (
        bilinear_game,
        bilinear_field,
        bilinear_slope_of_norm,
        np.array([0.4, -0.2, 0.1, 0.3]),
    ),
}
every_game = pytest.mark.parametrize("name", GAMES)


def iterate(kind: str, field, slope_of_norm, w: np.ndarray, steps: int) -> list[np.ndarray]:
    """The trajectory of plain gradient steps, from the papers' formulas."""
    half, former, states = len(w) // 2, np.zeros_like(w), []
    for _ in range(steps):
        if kind == "alternating":
            w = w - H * np.concatenate([field(w)[:half], np.zeros(half)])
            w = w - H * np.concatenate([np.zeros(half), field(w)[half:]])
        elif kind == "simultaneous":
            w = w - H * field(w)
        elif kind == "extragradient":
            w = w - H * field(w - H * field(w))
        elif kind == "optimistic":
            gradient = field(w)
            w, former = w - 2 * H * gradient + H * former, gradient
        else:
            w = w - H * (field(w) + GAMMA * slope_of_norm(w))
        states.append(w)
    return states


@every_kind
@every_game
def test_a_hundred_steps_are_those_of_the_closed_form(name, kind):
    make, field, slope_of_norm, start = GAMES[name]
    game = make(kind)
    write(game, start)
    for step, expected in enumerate(iterate(kind, field, slope_of_norm, start, 100), start=1):
        adversarial_step(game, step)
        np.testing.assert_allclose(read(game), expected, rtol=1e-11, atol=1e-13)


def measure_jacobian(game: Game, size: int) -> np.ndarray:
    """Of one step at the equilibrium 0; with the former step of optimistic updates as state."""
    former = [
        tensor for player in game.players for tensor in player.optimizer.state.get("former", [])
    ]
    total = 2 * size if former else size

    def take_step(state: np.ndarray) -> np.ndarray:
        write(game, state[:size])
        if former:
            for tensor, part in zip(former, np.split(state[size:], 2), strict=True):
                tensor.copy_(torch.from_numpy(part))
        adversarial_step(game, 1)
        return np.concatenate([read(game), *(tensor.numpy() for tensor in former)])

    columns = [(take_step(1e-5 * e) - take_step(-1e-5 * e)) / 2e-5 for e in np.eye(total)]
    return np.stack(columns, axis=1)


def find_eigenvalues(kind: str, frequency: float) -> np.ndarray:
    """Those of the update where the field's Jacobian has the eigenvalues ±i · `frequency`."""
    alpha, i = H * frequency, 1j * np.array([1, -1])
    if kind == "alternating":  # Mescheder et al. 2018: on the unit circle for alpha up to 2
        real = 1 - alpha**2 / 2
        return real + i * np.sqrt(1 - real**2)
    if kind == "simultaneous":
        return 1 + alpha * i
    if kind == "extragradient":
        return 1 - alpha**2 + alpha * i
    if kind == "optimistic":  # λ² = λ − 2hμλ + hμ
        return np.concatenate([np.roots([1, 2 * alpha * mu - 1, -alpha * mu]) for mu in i])
    return 1 - H * GAMMA * frequency**2 + alpha * i


@every_kind
@pytest.mark.parametrize(
    ("make", "frequencies"),
    [(dirac_gan, [0.5]), (bilinear_game, np.linalg.svd(MATRIX)[1])],
    ids=["dirac", "bilinear"],
)
def test_eigenvalues_of_the_update_are_those_of_theory(make, frequencies, kind):
    measured = np.linalg.eigvals(measure_jacobian(make(kind), 2 * len(frequencies)))
    expected = np.concatenate([find_eigenvalues(kind, frequency) for frequency in frequencies])
    distances = np.abs(measured[:, None] - expected)
    pairs = linear_sum_assignment(distances)
    assert len(measured) == len(expected)
    assert distances[pairs].max() < 1e-6


def run_extra_adam(w: np.ndarray, steps: int) -> list[np.ndarray]:
    """Gidel et al. 2019, Algorithm 4: the moments and their bias advance twice a step."""
    first, second = ADAM["betas"]
    m, v, count, states = np.zeros_like(w), np.zeros_like(w), 0, []
    for _ in range(steps):
        ahead = w
        for _half in range(2):
            gradient, count = dirac_field(ahead), count + 1
            m = first * m + (1 - first) * gradient
            v = second * v + (1 - second) * gradient**2
            root = np.sqrt(v / (1 - second**count)) + 1e-8
            ahead = w - ADAM["lr"] * m / (1 - first**count) / root
        w = ahead
        states.append(w)
    return states


def run_optimistic_adam(w: np.ndarray, steps: int) -> list[np.ndarray]:
    """Daskalakis et al. 2018, Algorithm 1."""
    first, second = ADAM["betas"]
    m, v, former, states = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w), []
    for count in range(1, steps + 1):
        gradient = dirac_field(w)
        m = first * m + (1 - first) * gradient
        v = second * v + (1 - second) * gradient**2
        ratio = m / (1 - first**count) / (np.sqrt(v / (1 - second**count)) + 1e-8)
        w = w - 2 * ADAM["lr"] * ratio + ADAM["lr"] * former
        former = ratio
        states.append(w)
    return states


@pytest.mark.parametrize(
    ("kind", "run"), [("extragradient", run_extra_adam), ("optimistic", run_optimistic_adam)]
)
def test_a_hundred_steps_with_adam_are_those_of_the_paper(kind, run):
    start = np.array([0.8, -0.6])
    game = dirac_gan(kind, ADAM)
    write(game, start)
    for step, expected in enumerate(run(start, 100), start=1):
        adversarial_step(game, step)
        np.testing.assert_allclose(read(game), expected, rtol=1e-9, atol=1e-11)


def test_game_optimizers_reach_the_equilibrium_that_gradient_descent_leaves():
    distances = {}
    for kind in UPDATES:
        game = dirac_gan(kind)
        write(game, np.array([0.8, -0.6]))
        for step in range(1, 301):
            adversarial_step(game, step)
        distances[kind] = np.linalg.norm(read(game))
    assert max(distances[kind] for kind in ("extragradient", "optimistic", "consensus")) < 0.05
    assert 0.5 < distances["alternating"] < 2 < distances["simultaneous"]


def test_a_constraint_holds_after_each_half_of_an_extragradient_step():
    """Clipped to 0.1, ψ ahead is 0.1; without it, it would be further off."""
    game = dirac_gan("extragradient", limit=0.1)
    write(game, np.array([0.1, -2.0]))
    adversarial_step(game, 1)
    ahead = np.array([0.1, -2.0]) - H * dirac_field(np.array([0.1, -2.0]))
    assert ahead[0] > 0.1
    ahead[0] = 0.1
    theta = -2.0 - H * dirac_field(ahead)[1]
    np.testing.assert_allclose(read(game), [0.1, theta], rtol=1e-12)


@every_joint_kind
def test_earlier_discriminator_updates_are_its_own(kind):
    """With k = 3: two steps of ψ alone, then one of both; all of them optimistic if they are."""
    game, start = dirac_gan(kind, k=3), np.array([0.8, -0.6])
    write(game, start)
    adversarial_step(game, 1)
    w, former = start, np.zeros(2)
    for update in range(3):
        alone, gradient = np.array([1.0, float(update == 2)]), dirac_field(w)
        if kind == "extragradient" and update == 2:
            gradient = dirac_field(w - H * gradient)
        if kind == "consensus" and update == 2:
            gradient = gradient + GAMMA * dirac_slope_of_norm(w)
        change = H * alone * gradient
        w = w - (2 * change - former if kind == "optimistic" else change)
        former = change
    np.testing.assert_allclose(read(game), w, rtol=1e-12)


SAMPLERS = ("sample_real", "sample_discriminator_latent", "sample_generator_latent")


def note_samples(game: Game, drawn: list[torch.Tensor]) -> Game:
    """The game with every batch and latent that it draws added to `drawn`."""

    def note(draw: Callable[[], torch.Tensor]) -> torch.Tensor:
        drawn.append(draw())
        return drawn[-1]

    return replace(game, **{name: partial(note, getattr(game, name)) for name in SAMPLERS})


@pytest.mark.promise("matched-seeds")
@every_joint_kind
def test_every_kind_sees_the_batches_and_latents_of_the_others(kind):
    draws = {}
    for one, steps in (("alternating", 4), (kind, 2 if kind == "extragradient" else 4)):
        game = set_up_game(resolve_run(updates=one), "digits", 0, PIXELS)
        draws[one] = []
        game = note_samples(game, draws[one])
        for step in range(1, steps + 1):
            adversarial_step(game, step)
    assert len(draws[kind]) == len(draws["alternating"]) == 12
    assert all(map(torch.equal, draws[kind], draws["alternating"]))


def descend_by_hand(game: Game, kind: str, rate: float) -> None:
    """Two steps of an update of both players of a non-saturating game with R1 at odd updates."""
    generator, discriminator = (game.generator.network, game.discriminator.network)
    weights = [*discriminator.parameters(), *generator.parameters()]
    size = len(list(discriminator.parameters()))
    former = [torch.zeros_like(weight) for weight in weights]

    def take_gradients(penalised: bool, through: bool = False) -> list[torch.Tensor]:
        real = game.sample_real().requires_grad_()
        fake = generator(game.sample_discriminator_latent())
        logits = discriminator(real)
        loss = -(logits.sigmoid().log() + (1 - discriminator(fake).sigmoid()).log()).mean()
        if penalised:
            (slope,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
            loss = loss + 10 / 2 * 2 * slope.flatten(1).square().sum(1).mean()
        deceiving = discriminator(generator(game.sample_generator_latent()))
        other = -deceiving.sigmoid().log().mean()
        return [
            *torch.autograd.grad(loss, weights[:size], create_graph=through, retain_graph=True),
            *torch.autograd.grad(other, weights[size:], create_graph=through),
        ]

    def move(steps: list[torch.Tensor]) -> None:
        with torch.no_grad():
            for weight, change in zip(weights, steps, strict=True):
                weight.sub_(rate * change)

    for update in range(2):
        penalised = update == 0 and kind != "consensus"
        before = [weight.detach().clone() for weight in weights]
        gradients = take_gradients(penalised, through=kind == "consensus")
        if kind == "extragradient":
            move(gradients)
            gradients = take_gradients(penalised)
            for weight, value in zip(weights, before, strict=True):
                weight.data.copy_(value)
        if kind == "optimistic":
            steps = [2 * new - old for new, old in zip(gradients, former, strict=True)]
            former, gradients = gradients, steps
        if kind == "consensus":
            norm = GAMMA / 2 * sum(part.square().sum() for part in gradients)
            slopes = torch.autograd.grad(norm, weights)
            gradients = [part + slope for part, slope in zip(gradients, slopes, strict=True)]
        move(gradients)


@every_joint_kind
@pytest.mark.parametrize("norm", ["none", "layer"])
def test_two_steps_equal_those_written_out(kind, norm):
    parameters = resolve_run(
        updates=kind,
        consensus_weight=GAMMA,
        optimizer={"name": "sgd", "lr": 0.1},
        regularizers={} if kind == "consensus" else {"r1": {"every": 2}},
        network={"generator_norm": norm, "discriminator_norm": "none"},
    )
    game, reference = (set_up_game(parameters, "digits", 0, PIXELS) for _ in range(2))
    for step in (1, 2):
        adversarial_step(game, step)
    descend_by_hand(reference, kind, 0.1)
    for player, expected in zip(game.players, reference.players, strict=True):
        weights, expected_weights = read_weights(player.network), read_weights(expected.network)
        torch.testing.assert_close(weights, expected_weights, rtol=1e-4, atol=1e-5)


@every_joint_kind
def test_losses_and_gradients_are_those_of_one_pair_of_weights(kind):
    """What history.csv has of a step; the generator meets D as it was, not as it became."""
    game = set_up_game(resolve_run(updates=kind), "digits", 0, PIXELS)
    losses = adversarial_step(game, 1)
    expected = 1 - losses.generator_fake.sigmoid()
    torch.testing.assert_close(losses.generator_weight.abs(), expected)
    for player in game.players:
        for weight in player.network.parameters():
            assert weight.requires_grad
            assert weight.grad.isfinite().all()
            assert not weight.grad.requires_grad
    assert (losses.penalty is not None) == (kind == "consensus")
    for value in vars(losses).values():
        assert value is None or not value.requires_grad


NETWORKS = {
    "dcgan": ("digits", {"name": "dcgan", "width": 4, "discriminator_norm": "layer"}),
    "batch norm": ("digits", {"name": "dcgan", "width": 4, "discriminator_norm": "batch"}),
    "infogan": ("mnist", {"name": "infogan", "width": 2}),
    "mlp": ("digits", {"name": "mlp", "width": 8}),
    "sngan": ("cifar10", {"name": "sngan_resnet", "width": 2}),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_consensus_descends_both_losses_and_the_norm_of_their_gradients(name):
    """Along a random direction, against a difference of ‖v‖² that only needs v."""
    dataset, network = NETWORKS[name]
    noise = torch.Generator().manual_seed(0)
    draw = partial(torch.randn, generator=noise, dtype=torch.float64)
    samples = [draw(6, *make_pixels(dataset).shape[1:]), draw(6, 8), draw(6, 8)]
    samplers = {name: lambda x=x: x for name, x in zip(SAMPLERS, samples, strict=True)}

    def build(kind: str) -> Game:
        parameters = resolve_run(
            dataset, network=network, updates=kind, consensus_weight=GAMMA, latent={"size": 8}
        )
        game = set_up_game(parameters, dataset, 0, make_pixels(dataset))
        for player in game.players:
            player.network.double()
            player.optimizer.step = lambda: None
        return replace(game, **samplers)

    def read_field(game: Game) -> torch.Tensor:
        adversarial_step(game, 1)
        weights = [weight for player in game.players for weight in player.network.parameters()]
        return torch.cat([weight.grad.flatten() for weight in weights])

    consensus, plain = build("consensus"), build("simultaneous")
    slope = (read_field(consensus) - read_field(plain)) / GAMMA
    direction = draw(len(slope))
    weights = [weight for player in plain.players for weight in player.network.parameters()]
    parts = direction.split([weight.numel() for weight in weights])

    def measure_norm(distance: float) -> float:
        for weight, part in zip(weights, parts, strict=True):
            weight.data += distance * part.view_as(weight)
        norm = float(read_field(plain).square().sum() / 2)
        for weight, part in zip(weights, parts, strict=True):
            weight.data -= distance * part.view_as(weight)
        return norm

    measured = (measure_norm(1e-9) - measure_norm(-1e-9)) / 2e-9
    assert float(slope @ direction) == pytest.approx(measured, rel=1e-4)


def test_gradients_of_consensus_have_the_layout_of_their_weights():
    """An optimizer reads both as they lie in memory."""
    weights = []
    for channels_last in (False, True):
        parameters = resolve_run(
            updates="consensus", channels_last=channels_last, optimizer={"name": "sgd", "lr": 0.1}
        )
        game = set_up_game(parameters, "digits", 0, PIXELS)
        adversarial_step(game, 1)
        weights.append(torch.cat([read_weights(player.network) for player in game.players]))
    torch.testing.assert_close(*weights, rtol=1e-4, atol=1e-6)


@every_joint_kind
@pytest.mark.parametrize("objective", sorted(OBJECTIVES))
def test_every_objective_trains_with_every_kind(kind, objective):
    run = resolve_run(updates=kind, objective=objective, network=choose_network(objective))
    game = set_up_game(run, "digits", 0, PIXELS)
    before = [read_weights(player.network) for player in game.players]
    for step in (1, 2, 3):
        losses = adversarial_step(game, step)
        assert losses.discriminator.isfinite()
        assert losses.generator.isfinite()
    for player, weights in zip(game.players, before, strict=True):
        assert read_weights(player.network).isfinite().all()
        assert not torch.equal(read_weights(player.network), weights)

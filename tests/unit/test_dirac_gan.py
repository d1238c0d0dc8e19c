"""The Dirac-GAN of the report: the steps of training, published eigenvalues, what is drawn."""

import numpy as np
import pytest
import torch
from ganbench.augmentation.augmentation import Augmentation
from ganbench.catalogue.objectives import OBJECTIVES, read_objective
from ganbench.catalogue.updates import UPDATES
from ganbench.regularizers import Regularization
from ganbench.report.dirac_gan import DiracGame, list_dirac_games
from ganbench.report.figures.equilibrium_levels import (
    list_probability_levels,
    list_value_levels,
)
from ganbench.report.figures.phase_portraits import describe_game
from ganbench.training.optimizers import build_optimizer
from ganbench.training.run import assemble_game
from ganbench.training.step import adversarial_step
from report_example import make_study
from torch import nn

REGULARIZERS = {
    "r1": {"weight": 2.0, "every": 1},
    "r2": {"weight": 3.0, "every": 1},
    "gradient_penalty": {"weight": 1.5, "every": 1},
    "dragan": {"weight": 1.5, "every": 1, "scale": 0.5},
    "weight_clip": {"limit": 0.2},
    "lecam": {"weight": 2.0, "decay": 0.9},
    "spectral_norm": {},
}

WITH_LOGITS = {name for name, definition in OBJECTIVES.items() if "balance" not in definition}
"""BEGAN's discriminator is an auto-encoder and has no logits."""


def play(name: str, updates: str = "alternating", regularizer: str = "", k: int = 1) -> DiracGame:
    return DiracGame(
        objective=read_objective(name, OBJECTIVES[name]),
        options={regularizer: REGULARIZERS[regularizer]} if regularizer else {},
        updates=updates,
        consensus_weight=0.7,
        discriminator_steps=k,
    )


class Point(nn.Module):
    """A generator whose samples are all θ."""

    def __init__(self, theta: float) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor([theta], dtype=torch.float64))

    def forward(self, latents):
        return self.theta.expand(len(latents), 1)


class Line(nn.Module):
    """D(x) = u* + ψx, with ψ as the weight of a linear layer without bias."""

    def __init__(self, logit: float, psi: float) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1, bias=False, dtype=torch.float64)
        self.logit = logit
        with torch.no_grad():
            self.layer.weight.fill_(psi)

    def forward(self, points):
        return self.logit + self.layer(points)[:, 0]


def train(game: DiracGame, steps: int) -> np.ndarray:
    """The states of the same game in the code that trains."""
    psi, theta = game.start()[:2]
    options = {"name": "sgd", "lr": game.step_size, "momentum": 0.0, "nesterov": False}
    real, latent = torch.zeros(4, 1, dtype=torch.float64), torch.zeros(4, 1)
    regularization = Regularization(game.options, noise=torch.Generator())
    players = Point(theta), Line(game.logit, psi)
    regularization.prepare(players[1])
    definition = {"name": game.objective.name, **OBJECTIVES[game.objective.name]}
    torch_game = assemble_game(
        {
            "objective": definition,
            "discriminator_steps": game.discriminator_steps,
            "updates": game.updates,
            "consensus_weight": game.consensus_weight,
        },
        *players,
        regularization,
        optimizer=lambda _player, weights: build_optimizer(options, weights),
        augment=Augmentation(None, {}, torch.device("cpu")),
        sample_real=lambda: real,
        sample_discriminator_latent=lambda: latent,
        sample_generator_latent=lambda: latent,
    )
    regularization.constrain(players[1])
    states = [[next(players[1].parameters()).item(), theta]]
    for step in range(1, steps + 1):
        adversarial_step(torch_game, step)
        states.append([next(players[1].parameters()).item(), players[0].theta.item()])
    return np.array(states)


@pytest.mark.parametrize("updates", UPDATES)
@pytest.mark.parametrize("name", sorted(WITH_LOGITS))
def test_steps_are_those_of_training(name, updates):
    game = play(name, updates, k=2)
    states = game.play(12)
    np.testing.assert_allclose(states, train(game, len(states) - 1), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_steps_with_a_regularizer_are_those_of_training(regularizer):
    game = play("minimax", regularizer=regularizer)
    np.testing.assert_allclose(game.play(12), train(game, 12), rtol=1e-7, atol=1e-9)


def test_eigenvalues_are_those_of_the_papers():
    """Mescheder et al. 2018, Section 2: with frequency 1/2 and step h."""
    h, i = 0.1, 1j
    alpha = h / 2
    expected = {
        "alternating": 1 - alpha**2 / 2 + i * alpha * np.sqrt(1 - alpha**2 / 4),
        "simultaneous": 1 + alpha * i,
        "extragradient": 1 - alpha**2 + alpha * i,
        "consensus": 1 - h * 0.7 / 4 + alpha * i,
        "optimistic": np.roots([1, 2 * alpha * i - 1, -alpha * i])[0].conjugate(),
    }
    for updates, value in expected.items():
        first = play("minimax", updates).eigenvalues[0]
        assert (first.real, abs(first.imag)) == pytest.approx((value.real, abs(value.imag)), 1e-6)


@pytest.mark.parametrize(
    ("updates", "behaviour"),
    [
        ("alternating", "cycles"),
        ("simultaneous", "diverges"),
        ("extragradient", "converges"),
        ("optimistic", "converges"),
        ("consensus", "converges"),
    ],
)
@pytest.mark.parametrize("name", sorted(WITH_LOGITS))
def test_every_objective_behaves_as_its_updates_say(name, updates, behaviour):
    assert play(name, updates).behaviour == behaviour


@pytest.mark.parametrize(
    ("regularizer", "behaviour"),
    [
        ("r1", "converges"),
        ("r2", "converges"),
        ("weight_clip", "cycles"),
        ("lecam", "cycles"),  # of third order: it changes no eigenvalue
        ("gradient_penalty", "cycles"),  # Mescheder et al. 2018: does not converge
        ("spectral_norm", "diverges"),
    ],
)
def test_regularizers_settle_the_game_or_not_as_published(regularizer, behaviour):
    assert play("wasserstein", regularizer=regularizer).behaviour == behaviour


def test_a_penalty_too_stiff_for_the_step_gets_a_smaller_one():
    stiff = DiracGame(
        objective=read_objective("minimax", OBJECTIVES["minimax"]),
        options={"r1": {"weight": 100.0, "every": 16}},
    )
    assert stiff.step_size == pytest.approx(0.005)
    assert stiff.behaviour == "converges"


def test_a_generator_that_flees_the_data_diverges_by_any_updates():
    definition = {"discriminator": "softplus(-r) + softplus(f)", "generator": "softplus(f)"}
    for updates in UPDATES:
        game = DiracGame(objective=read_objective("fleeing", definition), updates=updates)
        assert game.behaviour == "diverges" or updates == "consensus"


def test_a_study_has_one_game_for_variants_that_play_the_same():
    study = make_study(
        variants=("minimax", "non_saturating", "same", "wgan_gp"),
        datasets=("digits", "mixture_1d"),
    )
    games = list_dirac_games(study)
    assert [variants for _, variants in games] == [
        ["minimax"],
        ["non_saturating", "same"],
        ["wgan_gp"],
    ]
    assert "0.9988 ± 0.04998i, of modulus 1. It cycles." in describe_game(*games[0])
    assert "kink at ψ = 0" in describe_game(*games[2])


def test_guide_lines_are_those_of_each_objectives_own_optimum():
    classical = make_study(variants=("minimax", "non_saturating"))
    assert [(level.value, level.label) for level in list_probability_levels(classical)] == [
        (0.5, "½")
    ]
    assert [level.label for level in list_value_levels(classical)] == ["−log 4"]
    mixed = make_study(variants=("minimax", "kl", "least_squares", "wasserstein"))
    assert [level.label for level in list_probability_levels(mixed)] == [
        "½: minimax",
        "0.731: kl",
        "0.622: least_squares",
    ]
    assert [round(level.value, 3) for level in list_value_levels(mixed)] == [-1.386, -1.627, -1.448]

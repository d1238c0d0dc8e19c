"""What a generator descends at D*: known results, made-up formulas, and errors that are caught."""

import numpy as np
import pytest
import sympy
import torch
from ganbench.catalogue.objectives import OBJECTIVES, read_objective
from ganbench.densities.mixtures import DENSITIES
from ganbench.formula.derivative import differentiate
from ganbench.formula.language import parse
from ganbench.formula.numpy_loss import evaluate
from ganbench.formula.pointwise import find_pointwise_game
from ganbench.formula.torch_loss import compile_loss
from ganbench.theory import descent_derivation, descent_formula
from ganbench.theory.derivation import derive
from ganbench.theory.integrand import split_integrand
from ganbench.theory.optimum import find_optimum
from ganbench.theory.pairwise import find_pairwise_loss
from ganbench.theory.proof_checks import ProofError
from scipy import integrate

X = np.linspace(-12, 12, 24001)
MINIMAX = OBJECTIVES["minimax"]["discriminator"]


@pytest.fixture(scope="module")
def descents() -> dict[str, dict]:
    return {name: derive(name, definition)["descent"] for name, definition in OBJECTIVES.items()}


def derive_descent(generator: str, discriminator: str = MINIMAX) -> dict:
    theory = derive("pair", {"discriminator": discriminator, "generator": generator})
    return theory["descent"]


DESCENDED = {
    "minimax": "2·JSD(p_data ‖ p_g)",
    "non_saturating": "KL(p_g ‖ p_data) − 2·JSD(p_data ‖ p_g)",  # Arjovsky & Bottou 2017, Thm 2.5
    "least_squares": "KL(p_data ‖ (p_data + p_g)/2) − 1/8·Δ(p_data, p_g)",
    "hinge": "2·TV(p_data, p_g)",
    "kl": "KL(p_data ‖ p_g)",
    "reverse_kl": "KL(p_g ‖ p_data)",
    "pearson_chi2": "χ²(p_data ‖ p_g)",
    "neyman_chi2": "χ²(p_g ‖ p_data)",
    "squared_hellinger": "H²(p_data, p_g)",
    "jensen_shannon": "2·JSD(p_data ‖ p_g)",
    "total_variation": "TV(p_data, p_g)",
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_each_generator_descends_its_divergence_or_says_why_not(descents, name):
    descent = descents[name]
    assert descent["applies"] == (name in DESCENDED)
    if descent["applies"]:
        assert (descent["name"], descent["method"]) == (DESCENDED[name], "sympy")
        assert descent["is_divergence"]
        assert descent["is_own"] == (name not in ("non_saturating", "least_squares"))
    else:
        assert "no D*" in descent["why_not"]


def normal(mean: float, std: float) -> np.ndarray:
    return np.exp(-(((X - mean) / std) ** 2) / 2) / std / np.sqrt(2 * np.pi)


def test_non_saturating_gradient_is_that_of_reverse_kl_less_two_jsd():
    """At N(0.8, 1.2²) against N(0, 1), by the mean; both sides are integrated from scratch."""
    p = normal(0.0, 1.0)

    def divergence(mean: float) -> float:
        q = normal(mean, 1.2)
        middle = (p + q) / 2
        kl = integrate.simpson(q * np.log(q / p), x=X)
        two_jsd = integrate.simpson(p * np.log(p / middle) + q * np.log(q / middle), x=X)
        return kl - two_jsd

    q = normal(0.8, 1.2)
    change = q * (X - 0.8) / 1.2**2
    loss = integrate.simpson(change * np.logaddexp(0, -np.log(p / q)), x=X)
    assert (divergence(0.801) - divergence(0.799)) / 0.002 == pytest.approx(loss, abs=1e-6)
    descent = derive_descent("softplus(-f)")
    h = sympy.lambdify(sympy.Symbol("t", positive=True), sympy.sympify(descent["formula"]))
    by_h = [integrate.simpson(q * h(p / q), x=X) for q in (normal(0.801, 1.2), normal(0.799, 1.2))]
    assert (by_h[0] - by_h[1]) / 0.002 == pytest.approx(loss, abs=1e-6)


def test_costs_off_the_data_and_of_dropped_modes_are_the_closed_forms(descents):
    costs = {
        "minimax": (np.log(2), np.log(2)),
        "non_saturating": ("∞", 1 - np.log(2)),
        "least_squares": (3 / 8, np.log(2) - 5 / 8),
        "kl": (1, "∞"),
        "reverse_kl": ("∞", 1),
        "squared_hellinger": (1, 1),
        "total_variation": (0.5, 0.5),
    }
    for name, (off_data, dropped) in costs.items():
        assert descents[name]["off_data"] == pytest.approx(off_data, abs=1e-6), name
        assert descents[name]["dropped"] == pytest.approx(dropped, abs=1e-6), name
        assert descents[name]["bounded"] == ("∞" not in (off_data, dropped))


def test_pull_on_samples_off_the_data_vanishes_for_minimax_only_of_the_classical(descents):
    assert descents["minimax"]["pull_off_data"] == 0
    assert descents["non_saturating"]["pull_off_data"] == pytest.approx(1)
    assert descents["neyman_chi2"]["pull_off_data"] == "∞"
    assert "unbounded force" in descents["neyman_chi2"]["sentence"]
    assert "hardly punishes dropped modes" in descents["non_saturating"]["sentence"]


def test_a_generator_that_maximises_the_jsd_is_told_so():
    descent = derive_descent("softplus(f)")
    assert descent["name"] == "−2·JSD(p_data ‖ p_g)"
    assert not descent["is_divergence"]
    assert descent["opposed"] == [[0.0, "∞"]]
    assert "highest where p_g = p_data" in descent["sentence"]
    assert all(part["means"] == [[-3.0, 3.0]] for part in descent["opposed_on_mixture_1d"])


def test_a_loss_that_rises_above_its_target_is_no_divergence_beyond_it():
    """square(f − 1) at u* = log t rises where t > e."""
    descent = derive_descent("square(f - 1)")
    assert not descent["is_divergence"]
    assert descent["not_convex"] == [[pytest.approx(np.e, rel=0.06), "∞"]]


def test_opposite_directions_on_the_mixture_are_those_of_the_integrals(descents):
    """Non-saturating, N(1, 1) on mixture_1d: its derivative by the mean has not the sign of V's."""
    p, q = DENSITIES["mixture_1d"].pdf(X[:, None]), normal(1.0, 1.0)
    change, log_ratio = q * (X - 1.0), np.log(p / q)
    loss = integrate.simpson(change * np.logaddexp(0, -log_ratio), x=X)
    value = integrate.simpson(change * -np.logaddexp(0, log_ratio), x=X)
    assert loss * value < 0
    (means,) = [
        part["means"]
        for part in descents["non_saturating"]["opposed_on_mixture_1d"]
        if part["std"] == 1
    ]
    assert any(low <= 1.0 <= high for low, high in means)
    assert not any(part["means"] for part in descents["minimax"]["opposed_on_mixture_1d"])


def test_kinks_and_optima_without_a_closed_form_are_integrated_numerically():
    for generator, discriminator in (
        ("relu(1 - f)", MINIMAX),
        ("softplus(-f)", "softplus(-r) + square(f)"),
    ):
        descent = derive_descent(generator, discriminator)
        assert (descent["method"], descent["formula"]) == ("numbers", None)
        assert descent["is_divergence"]


@pytest.mark.parametrize(
    ("generator", "reason"),
    [
        ("softplus(r - f)", "compares a real sample with a fake one"),
        ("square(f - mean(f))", "couples the samples of a batch"),
    ],
)
def test_a_generator_that_compares_samples_says_so(generator, reason):
    descent = derive_descent(generator)
    assert not descent["applies"]
    assert reason in descent["why_not"]


def test_a_wrong_formula_of_h_is_caught(monkeypatch):
    correct = descent_formula.find_divergence
    t = descent_formula.T
    monkeypatch.setattr(
        descent_formula,
        "find_divergence",
        lambda *arguments: correct(*arguments) + sympy.Rational(1, 1000) * (t - 1) ** 2,
    )
    objective = read_objective("minimax", OBJECTIVES["minimax"])
    optimum = find_optimum(split_integrand(objective.discriminator))
    with pytest.raises(ProofError, match="Gradient of ∫ p_g h"):
        descent_derivation.derive_descent(objective, optimum)


# What both the proof and the scores need: u*(t), and derivatives of formulas


@pytest.mark.parametrize(
    ("name", "logit"),
    [
        ("minimax", np.log),
        ("least_squares", lambda t: t / (1 + t)),
        ("hinge", lambda t: np.sign(t - 1)),
        ("kl", lambda t: 1 + np.log(t)),
        ("pearson_chi2", lambda t: 2 * (t - 1)),
        ("neyman_chi2", lambda t: 2 * np.log(t)),
        ("squared_hellinger", lambda t: np.log(t) / 2),
    ],
)
def test_the_solved_optimal_logit_is_the_published_one(name, logit):
    game = find_pointwise_game(read_objective(name, OBJECTIVES[name]).discriminator)
    ratios = np.exp(np.linspace(-12, 12, 24))
    np.testing.assert_allclose(game.find_logits(ratios), logit(ratios), rtol=1e-9, atol=1e-12)


def test_equilibria_have_the_logit_and_value_of_their_own_formula():
    games = {
        name: find_pointwise_game(read_objective(name, definition).discriminator)
        for name, definition in OBJECTIVES.items()
    }
    assert {name for name, game in games.items() if game is None} == {
        "wasserstein",
        "relativistic",
        "relativistic_average",
        "began",
    }
    assert games["minimax"].logit_at_equilibrium() == 0
    assert games["minimax"].value_at_equilibrium() == pytest.approx(-np.log(4))
    assert games["least_squares"].logit_at_equilibrium() == pytest.approx(0.5)
    assert games["least_squares"].value_at_equilibrium() == pytest.approx(-0.25)
    assert games["kl"].logit_at_equilibrium() == pytest.approx(1)
    assert games["hinge"].logit_at_equilibrium() is None  # any logit from -1 to 1 is best


@pytest.mark.parametrize(
    "text",
    [
        "softplus(-f) * sigmoid(f) + exp(-f / 3)",
        "tanh(f) / (2 + square(f)) - sqrt(1 + f ** 4)",
        "maximum(f, 0.3 * f - 1) + minimum(square(f), 2) - relu(1 - f) * abs(f + 2)",
        "log(1 + exp(f)) - mean(sigmoid(2 * f)) * r",
    ],
)
def test_first_and_second_derivatives_are_those_of_differences(text):
    formula = parse(text).expression
    first = differentiate(formula, "f")
    second = differentiate(first, "f")
    f = np.array([-3.3, -1.7, -0.4, 0.2, 1.15, 2.6])
    for derivative, function in ((first, formula), (second, first)):
        low, high = (evaluate(function, 0.7, f + h) for h in (-1e-6, 1e-6))
        expected = (high - low) / 2e-6
        np.testing.assert_allclose(evaluate(derivative, 0.7, f), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", DESCENDED)
def test_weight_on_samples_off_the_data_is_that_of_autograd(descents, name):
    """On disjoint supports D* = 0 or its like: the weight that torch's gradient has there."""
    objective = read_objective(name, OBJECTIVES[name])
    game = find_pointwise_game(objective.discriminator)
    logits = torch.tensor(game.find_logits([1e-12, 1e-13]), requires_grad=True)
    compile_loss(objective.generator)(None, logits).backward()
    measured = 2 * logits.grad.numpy()
    derived = descents[name]["weight_off_data"]
    if derived == "−∞":
        assert measured[1] < measured[0] < -1e10
    else:
        np.testing.assert_allclose(measured, derived, atol=2e-6)


# Discriminators that compare samples


def test_pairwise_divergence_of_a_relativistic_discriminator_is_one():
    loss = find_pairwise_loss(read_objective("r", OBJECTIVES["relativistic"]).discriminator)
    assert loss.is_divergence()
    assert loss.at_equality == pytest.approx(-np.log(2))
    assert loss.limit == pytest.approx(np.log(2))
    near, far = loss.measure(0.2, 1.0), loss.measure(1.0, 1.0)
    assert 0 < near < far < loss.limit
    # the best of the discriminators C(x) = -s·x, a lower bound by quadrature
    differences = np.linspace(-14, 14, 4001)
    density = np.exp(-((differences - 1.0) ** 2) / 4) / np.sqrt(4 * np.pi)
    linear = max(
        np.log(2) - integrate.simpson(density * np.logaddexp(0, -s * differences), x=differences)
        for s in np.linspace(0.1, 3, 30)
    )
    assert linear - 1e-4 <= far < linear + 0.02


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("softplus(f - r)", False),
        ("square(relu(1 - r + f))", False),
        ("softplus(mean(f) - r) + softplus(f - mean(r))", True),
        ("f - r", None),
        ("softplus(-r) + softplus(f)", None),
        ("softplus(f - r) + square(mean(f) - mean(r))", None),
    ],
)
def test_pairwise_losses_are_recognised_by_their_formula(text, expected):
    loss = find_pairwise_loss(parse(text))
    assert (loss and loss.averaged) is expected


def test_average_divergence_nears_its_bound_by_logits_on_few_samples():
    """Means over p_data = N(0, 1) and p_g = N(1, 1); C is large in both tails and 0 between."""
    loss = find_pairwise_loss(
        read_objective("ra", OBJECTIVES["relativistic_average"]).discriminator
    )
    p, q = normal(0.0, 1.0), normal(1.0, 1.0)
    logits = np.where(X > 6.5, -5e8, np.where(X < -5.5, 5e8, 0.0))
    real, fake = (integrate.simpson(density * logits, x=X) for density in (p, q))
    value = -integrate.simpson(p * loss.phi(logits - fake) + q * loss.phi(real - logits), x=X)
    assert value - loss.at_equality > 0.95 * loss.limit

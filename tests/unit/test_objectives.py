"""The catalogue of objectives against the papers, and the classical pair on the Dirac-GAN.

The definitions below are written out from the papers in float64, not read from the catalogue.
"""

import cmath
import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from ganbench.catalogue.objectives import OBJECTIVES, Objective, read_objective
from ganbench.formula.language import FormulaError
from ganbench.formula.torch_loss import compile_loss
from torch import Tensor

RANDOM = torch.Generator().manual_seed(0)
R = torch.randn(16, generator=RANDOM, dtype=torch.float64) * 2
F = torch.randn(16, generator=RANDOM, dtype=torch.float64) * 2


def probability(logits: Tensor) -> Tensor:
    """D(x) = 1 / (1 + e^-logit)"""
    return 1 / (1 + torch.exp(-logits))


def minimax(r: Tensor, f: Tensor) -> tuple[Tensor, Tensor]:
    """Goodfellow et al. 2014, Eq. 1: V = E log D(x) + E log(1 - D(G(z)))."""
    value = probability(r).log().mean() + (1 - probability(f)).log().mean()
    return -value, (1 - probability(f)).log().mean()


def non_saturating(r: Tensor, f: Tensor) -> tuple[Tensor, Tensor]:
    """Goodfellow et al. 2014, Section 3: G maximises E log D(G(z))."""
    return minimax(r, f)[0], -probability(f).log().mean()


def least_squares(r: Tensor, f: Tensor) -> tuple[Tensor, Tensor]:
    """Mao et al. 2017, Eq. 2 with a = 0, b = c = 1 (its Eq. 9)."""
    return ((r - 1) ** 2).mean() / 2 + (f**2).mean() / 2, ((f - 1) ** 2).mean() / 2


def wasserstein(r: Tensor, f: Tensor) -> tuple[Tensor, Tensor]:
    """Arjovsky et al. 2017, Eq. 3 and Algorithm 1."""
    return -(r.mean() - f.mean()), -f.mean()


def hinge(r: Tensor, f: Tensor) -> tuple[Tensor, Tensor]:
    """Lim & Ye 2017; Miyato et al. 2018, Eqs. 16 and 17: min(0, -1 + D), min(0, -1 - D)."""
    zero = torch.zeros_like(r)
    value = torch.min(zero, r - 1).mean() + torch.min(zero, -f - 1).mean()
    return -value, -f.mean()


def relativistic(r: Tensor, f: Tensor) -> tuple[Tensor, Tensor]:
    """Jolicoeur-Martineau 2018, RSGAN: -E log σ(C(x_r) - C(x_f)), and reversed."""
    return -probability(r - f).log().mean(), -probability(f - r).log().mean()


def relativistic_average(r: Tensor, f: Tensor) -> tuple[Tensor, Tensor]:
    """Jolicoeur-Martineau 2018, RaSGAN: D~(x_r) = σ(C(x_r) - E C(x_f)), D~(x_f) likewise."""
    real, fake = probability(r - f.mean()), probability(f - r.mean())
    discriminator = -real.log().mean() - (1 - fake).log().mean()
    return discriminator, -fake.log().mean() - (1 - real).log().mean()


# Nowozin et al. 2016, Tables 2 and 6: f(u), the output activation g(v), the conjugate f*(t).
F_GAN = {
    "kl": (lambda u: u * np.log(u), lambda v: v, lambda t: torch.exp(t - 1)),
    "reverse_kl": (
        lambda u: -np.log(u),
        lambda v: -torch.exp(-v),
        lambda t: -1 - torch.log(-t),
    ),
    "pearson_chi2": (lambda u: (u - 1) ** 2, lambda v: v, lambda t: t**2 / 4 + t),
    "neyman_chi2": (
        lambda u: (1 - u) ** 2 / u,
        lambda v: 1 - torch.exp(-v),
        lambda t: 2 - 2 * torch.sqrt(1 - t),
    ),
    "squared_hellinger": (
        lambda u: (np.sqrt(u) - 1) ** 2,
        lambda v: 1 - torch.exp(-v),
        lambda t: t / (1 - t),
    ),
    "jensen_shannon": (
        lambda u: -(u + 1) * np.log((1 + u) / 2) + u * np.log(u),
        lambda v: np.log(2) - torch.log(1 + torch.exp(-v)),
        lambda t: -torch.log(2 - torch.exp(t)),
    ),
    "total_variation": (lambda u: np.abs(u - 1) / 2, lambda v: torch.tanh(v) / 2, lambda t: t),
}


def f_gan(name: str) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Nowozin et al. 2016, Eq. 6: F = E g(V(x)) - E f*(g(V(G(z)))); D maximises, G minimises."""
    _, activation, conjugate = F_GAN[name]

    def losses(r: Tensor, f: Tensor) -> tuple[Tensor, Tensor]:
        value = activation(r).mean() - conjugate(activation(f)).mean()
        return -value, -conjugate(activation(f)).mean()

    return losses


K = {"k": torch.tensor(0.3, dtype=torch.float64)}
"""A value of the number of BEGAN that moves while training."""


def began(r: Tensor, f: Tensor) -> tuple[Tensor, Tensor]:
    """Berthelot et al. 2017, Section 3.4: L_D = L(x) − k L(G(z_D)), L_G = L(G(z_G))."""
    return r.mean() - K["k"] * f.mean(), f.mean()


PUBLISHED = {
    "began": began,
    "minimax": minimax,
    "non_saturating": non_saturating,
    "least_squares": least_squares,
    "wasserstein": wasserstein,
    "hinge": hinge,
    "relativistic": relativistic,
    "relativistic_average": relativistic_average,
    **{name: f_gan(name) for name in F_GAN},
}


def shipped(name: str) -> Objective:
    return read_objective(name, OBJECTIVES[name])


def test_every_shipped_objective_is_compared_with_its_paper():
    assert set(OBJECTIVES) == set(PUBLISHED)


@pytest.mark.parametrize("player", ["discriminator", "generator"])
@pytest.mark.parametrize("name", PUBLISHED)
def test_value_and_gradient_are_the_published_ones(name, player):
    r, f = R.clone().requires_grad_(), F.clone().requires_grad_()
    loss = compile_loss(getattr(shipped(name), player), K)(r, f)
    expected = PUBLISHED[name](r, f)[player == "generator"]
    assert loss.item() == pytest.approx(expected.item(), rel=1e-10, abs=1e-10)
    for gradient, expected_gradient in zip(
        gradients(loss, (r, f)), gradients(expected, (r, f)), strict=True
    ):
        torch.testing.assert_close(gradient, expected_gradient, rtol=1e-10, atol=1e-10)


def gradients(loss: Tensor, logits: tuple[Tensor, Tensor]) -> list[Tensor]:
    """The gradient in each of `logits`, zero for one that the loss does not use."""
    slopes = torch.autograd.grad(loss, logits, allow_unused=True)
    return [
        torch.zeros_like(x) if slope is None else slope
        for x, slope in zip(logits, slopes, strict=True)
    ]


@pytest.mark.parametrize("name", F_GAN)
def test_the_conjugate_of_an_f_gan_is_the_conjugate_of_its_f(name):
    """f*(t) = sup over u of u·t - f(u), at values t = g(v) of the output activation."""
    function, activation, conjugate = F_GAN[name]
    u = np.append(np.exp(np.linspace(-14, 9, 400_001)), 1.0)
    for v in (-1.3, -0.2, 0.0, 0.4, 1.1):
        t = activation(torch.tensor(v, dtype=torch.float64))
        supremum = np.max(u * t.item() - function(u))
        assert supremum == pytest.approx(conjugate(t).item(), abs=2e-6)


@pytest.mark.parametrize("name", F_GAN)
def test_the_activation_of_an_f_gan_increases_with_the_logit(name):
    """Nowozin et al. 2016, Section 3.2: activations are increasing."""
    v = torch.linspace(-3, 3, 50, dtype=torch.float64)
    assert (F_GAN[name][1](v).diff() > 0).all()


@pytest.mark.parametrize("player", ["discriminator", "generator"])
@pytest.mark.parametrize("name", PUBLISHED)
def test_losses_are_accurate_at_logits_of_100_in_float32(name, player):
    """Value and gradient equal those of float64 wherever they fit into float32."""
    loss = compile_loss(getattr(shipped(name), player), K)
    for logits in itertools.product((100.0, -100.0), repeat=2):
        results = []
        for dtype in (torch.float64, torch.float32):
            r, f = (torch.tensor([x], dtype=dtype, requires_grad=True) for x in logits)
            value = loss(r, f)
            results.append([value, *gradients(value, (r, f))])
        for exact, rounded in zip(*results, strict=True):
            if abs(exact.item()) < torch.finfo(torch.float32).max:
                assert rounded.item() == pytest.approx(exact.item(), rel=1e-5, abs=1e-37), logits
            else:
                assert abs(rounded.item()) == np.inf, logits


def test_constants_of_least_squares_can_be_set():
    """Mao et al. 2017, Eq. 8: a = -1, b = 1, c = 0."""
    definition = {**OBJECTIVES["least_squares"], "constants": {"a": -1, "b": 1, "c": 0}}
    objective = read_objective("symmetric", definition)
    discriminator = compile_loss(objective.discriminator)(R, F)
    generator = compile_loss(objective.generator)(R, F)
    expected = ((R - 1) ** 2).mean() / 2 + ((F + 1) ** 2).mean() / 2
    assert discriminator.item() == pytest.approx(expected.item())
    assert generator.item() == pytest.approx((F**2).mean().item() / 2)


def test_every_shipped_objective_cites_its_source():
    for name, definition in OBJECTIVES.items():
        assert {"title", "year", "paper", "known_for"} <= set(definition), name
        assert str(definition["year"]) in definition["paper"], name


def test_constants_are_those_of_the_papers():
    constants = {
        name: set(definition["constants"])
        for name, definition in OBJECTIVES.items()
        if "constants" in definition
    }
    assert constants == {"least_squares": {"a", "b", "c"}, "began": {"gamma", "gain"}}


def test_an_invalid_formula_is_reported_with_its_objective_and_player():
    pair = {"discriminator": "softplus(f)", "generator": "softplus(q)"}
    with pytest.raises(
        FormulaError, match=r"^objective 'pair', generator: 'softplus\(q\)', column 10"
    ):
        read_objective("pair", pair)
    pair["generator"] = "softplus(r)"
    with pytest.raises(FormulaError, match=r"objective 'pair', generator: .* does not depend on f"):
        read_objective("pair", pair)


# The Dirac-GAN (Mescheder et al. 2018, Definition 2.1): data at 0, a generator at θ, D(x) = ψx.

Step = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Maps (ψ, θ) to a pair of the same kind."""


def vector_field(name: str, gamma: float = 0.0) -> Step:
    """(ψ', θ'): minus the gradient of each player's loss. R1 adds γ/2 ψ² to the discriminator's."""
    objective = shipped(name)
    losses = compile_loss(objective.discriminator), compile_loss(objective.generator)

    def field(psi: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
        psi, theta = psi * 1, theta * 1  # copies that a gradient can be taken in
        r, f = (psi * 0.0)[None], (psi * theta)[None]
        discriminator = losses[0](r, f) + gamma / 2 * psi**2
        generator = losses[1](r, f)
        return (
            -torch.autograd.grad(discriminator, psi, create_graph=True)[0],
            -torch.autograd.grad(generator, theta, create_graph=True)[0],
        )

    return field


def scalar(x: float) -> Tensor:
    return torch.tensor(x, dtype=torch.float64, requires_grad=True)


PAIR = pytest.mark.parametrize("name", ["minimax", "non_saturating"])


@pytest.mark.parametrize("gamma", [0.0, 0.7])
@pytest.mark.parametrize(("name", "sign"), [("minimax", 1), ("non_saturating", -1)])
def test_the_classical_pair_has_the_vector_field_of_the_dirac_gan(name, sign, gamma):
    for psi in (-2.0, -0.3, 0.0, 1.7):
        for theta in (-1.1, 0.0, 0.4, 3.0):
            field = vector_field(name, gamma)(scalar(psi), scalar(theta))
            sigma = 1 / (1 + np.exp(-psi * theta))
            expected = -theta * sigma - gamma * psi, psi / (1 + np.exp(-sign * psi * theta))
            assert [x.item() for x in field] == pytest.approx(expected, abs=1e-12)


def jacobian(step: Step) -> np.ndarray:
    """The Jacobian of `step` at the equilibrium ψ = θ = 0."""
    psi, theta = scalar(0.0), scalar(0.0)
    rows = [
        torch.autograd.grad(output, (psi, theta), retain_graph=True, allow_unused=True)
        for output in step(psi, theta)
    ]
    return np.array([[0.0 if x is None else x.item() for x in row] for row in rows])


def simultaneous(name: str, step_size: float, gamma: float) -> Step:
    field = vector_field(name, gamma)

    def step(psi: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
        d_psi, d_theta = field(psi, theta)
        return psi + step_size * d_psi, theta + step_size * d_theta

    return step


def alternating(name: str, step_size: float, gamma: float) -> Step:
    field = vector_field(name, gamma)

    def step(psi: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
        psi = psi + step_size * field(psi, theta)[0]
        return psi, theta + step_size * field(psi, theta)[1]

    return step


def eigenvalues(matrix: np.ndarray) -> list[complex]:
    """Sorted by real, then by imaginary part."""
    return sorted(np.linalg.eigvals(matrix), key=lambda z: (round(z.real, 9), round(z.imag, 9)))


@PAIR
def test_without_a_regularizer_the_flow_circles_the_equilibrium(name):
    """Mescheder et al. 2018, Lemma 2.2: eigenvalues ± f'(0) i, with f'(0) = 1/2."""
    flow = eigenvalues(jacobian(vector_field(name)))
    assert flow == pytest.approx([-0.5j, 0.5j], abs=1e-12)


@PAIR
@pytest.mark.parametrize("h", [0.01, 0.3, 1.0])
def test_simultaneous_steps_diverge_and_alternating_ones_stay_on_a_circle(name, h):
    """Lemmas 2.3 and 2.4: 1 ± hi/2; and modulus 1 for h f'(0) < 2."""
    diverging = eigenvalues(jacobian(simultaneous(name, h, 0.0)))
    assert diverging == pytest.approx([1 - 0.5j * h, 1 + 0.5j * h], abs=1e-12)
    assert min(map(abs, diverging)) > 1
    circling = eigenvalues(jacobian(alternating(name, h, 0.0)))
    middle = 1 - h**2 / 8
    spread = cmath.sqrt(middle**2 - 1)
    assert circling == pytest.approx([middle - spread, middle + spread], abs=1e-10)
    assert list(map(abs, circling)) == pytest.approx([1.0, 1.0], abs=1e-10)


@PAIR
@pytest.mark.parametrize("gamma", [0.2, 1.0, 3.0])
def test_with_r1_the_flow_and_both_kinds_of_steps_converge(name, gamma):
    """Lemma 3.3: eigenvalues -γ/2 ± √(γ²/4 - 1/4), all with a negative real part."""
    flow = np.array(eigenvalues(jacobian(vector_field(name, gamma))))
    spread = cmath.sqrt(gamma**2 / 4 - 1 / 4)
    expected = sorted([-gamma / 2 - spread, -gamma / 2 + spread], key=lambda z: (z.real, z.imag))
    assert list(flow) == pytest.approx(expected, abs=1e-7)
    assert (flow.real < 0).all()
    h = 0.1
    together = np.array(eigenvalues(jacobian(simultaneous(name, h, gamma))))
    assert list(together) == pytest.approx(list(1 + h * flow), abs=1e-7)
    assert max(abs(together)) < 1
    in_turn = jacobian(alternating(name, h, gamma))
    product = np.array([[1, 0], [h / 2, 1]]) @ np.array([[1 - h * gamma, -h / 2], [0, 1]])
    assert in_turn == pytest.approx(product, abs=1e-12)
    assert max(map(abs, np.linalg.eigvals(in_turn))) < 1

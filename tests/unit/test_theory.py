"""The derived proof: what it finds, which divergences it recognises, which errors it catches.

Published optima and divergences are written out here, not read from the catalogue.
"""

import json
import time
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
import sympy
from ganbench.catalogue.objectives import OBJECTIVES
from ganbench.formula.language import parse
from ganbench.formula.numpy_loss import evaluate
from ganbench.theory import derivation, divergences, numeric, optimum, proof_checks, quadrature
from ganbench.theory.derivation import derive
from ganbench.theory.gradient_weight import find_gradient_weight
from ganbench.theory.integrand import A, B, Integrand, U, split_integrand
from ganbench.theory.optimum import Optimum, find_optimum
from ganbench.theory.printing import print_number
from ganbench.theory.proof_checks import Check, ProofError
from ganbench.theory.solve import NoClosedForm, find_roots
from scipy import integrate, optimize

X = sympy.Symbol("x", real=True)
UNSOLVABLE = "f - r"
"""A discriminator without an optimum, for tests of the generator: nothing is integrated."""


@pytest.fixture(scope="module")
def catalogue() -> tuple[dict[str, dict], float]:
    """The derivation of every shipped objective, and the processor time in seconds."""
    start = time.process_time()
    derivations = {name: derive(name, definition) for name, definition in OBJECTIVES.items()}
    return derivations, time.process_time() - start


@pytest.fixture
def derivations(catalogue) -> dict[str, dict]:
    return catalogue[0]


def derive_pair(discriminator: str, generator: str = "-f") -> dict:
    return derive("pair", {"discriminator": discriminator, "generator": generator})


def solve(discriminator: str) -> tuple[Integrand, Optimum]:
    integrand = split_integrand(parse(discriminator))
    return integrand, find_optimum(integrand)


def equals(text: str, expected: sympy.Expr) -> bool:
    expression = sympy.sympify(text, locals={"a": A, "b": B})
    return sympy.simplify(expression - expected) == 0


def weight_at(theory: dict, d_fake: float) -> float:
    curve = theory["gradient_weight"]
    return float(np.interp(d_fake, curve["d_fake"], curve["weight"]))


# The classical pair

CLASSICAL = pytest.mark.parametrize("name", ["minimax", "non_saturating"])


@CLASSICAL
def test_the_classical_optimal_discriminator_is_a_over_a_plus_b(derivations, name):
    theory = derivations[name]
    assert theory["solvable"]
    assert theory["method"] == "sympy"
    assert equals(theory["optimal_discriminator"], A / (A + B))
    assert equals(theory["optimal_logit"], sympy.log(A / B))
    assert "positive for all a, b > 0" in theory["steps"][1]["text"]


@CLASSICAL
def test_the_classical_value_is_twice_the_jsd_less_log_4(derivations, name):
    theory = derivations[name]
    assert theory["divergence"]["proof"] == "symbolic"
    assert theory["divergence"]["factor"] == 2.0
    assert theory["divergence"]["constant"] == pytest.approx(-np.log(4), abs=1e-15)
    assert theory["value_at_equilibrium"] == {
        "value": pytest.approx(-2 * np.log(2), abs=1e-15),
        "exact": "-2*log(2)",
    }


def test_the_minimax_gradient_vanishes_where_the_discriminator_rejects(derivations):
    theory = derivations["minimax"]
    curve = theory["gradient_weight"]
    assert curve["weight"] == pytest.approx([-d for d in curve["d_fake"]], abs=1e-14)
    assert (curve["expression"], curve["at_zero"], curve["at_one"]) == ("-D", 0.0, -1.0)
    assert "vanishes as D(G(z)) → 0, where the discriminator rejects" in theory["steps"][3]["text"]


def test_the_non_saturating_gradient_does_not_vanish_there(derivations):
    theory = derivations["non_saturating"]
    curve = theory["gradient_weight"]
    assert curve["weight"] == pytest.approx([d - 1 for d in curve["d_fake"]], abs=1e-14)
    assert (curve["at_zero"], curve["at_one"]) == (-1.0, 0.0)
    assert "tends to −1 as D(G(z)) → 0" in theory["steps"][3]["text"]


def test_only_an_objective_with_its_border_at_one_half_rejects_there(derivations):
    texts = {
        name: " ".join(step["text"] for step in theory["steps"])
        for name, theory in derivations.items()
    }
    assert all("rejects the sample" in texts[name] for name in ("minimax", "hinge"))
    assert not any("rejects the sample" in texts[name] for name in ("least_squares", "kl"))


def test_a_complete_proof_has_five_steps(derivations):
    assert [step["title"] for step in derivations["minimax"]["steps"]] == [
        "The integrand at one point",
        "The optimal discriminator",
        "The value at the optimum",
        "The generator's gradient",
        "What the generator descends",
    ]


# The catalogue

DIVERGENCES = {
    "minimax": "2·JSD(p_data ‖ p_g) − log 4",
    "non_saturating": "2·JSD(p_data ‖ p_g) − log 4",
    "least_squares": "1/8·Δ(p_data, p_g) − 1/4",
    "hinge": "2·TV(p_data, p_g) − 2",
    "kl": "KL(p_data ‖ p_g)",
    "reverse_kl": "KL(p_g ‖ p_data)",
    "pearson_chi2": "χ²(p_data ‖ p_g)",
    "neyman_chi2": "χ²(p_g ‖ p_data)",
    "squared_hellinger": "H²(p_data, p_g)",
    "jensen_shannon": "2·JSD(p_data ‖ p_g)",
    "total_variation": "TV(p_data, p_g)",
}
NO_OPTIMUM = {
    "began": "has k, which moves while training",
    "wasserstein": "falls without bound",
    "relativistic": "compares a real sample with a fake one",
    "relativistic_average": "the mean() couples the samples of a batch",
}


def test_every_shipped_objective_is_among_those_checked_here():
    assert set(DIVERGENCES) | set(NO_OPTIMUM) == set(OBJECTIVES)


@pytest.mark.parametrize(("name", "divergence"), DIVERGENCES.items(), ids=DIVERGENCES)
def test_the_divergence_of_each_objective_is_recognised(derivations, name, divergence):
    assert derivations[name]["divergence"]["text"] == divergence


@pytest.mark.parametrize(("name", "reason"), NO_OPTIMUM.items(), ids=NO_OPTIMUM)
def test_an_objective_without_a_pointwise_optimum_says_why(derivations, name, reason):
    theory = derivations[name]
    assert not theory["solvable"]
    assert theory["optimal_discriminator"] is None
    assert theory["value_at_equilibrium"] is None
    assert reason in theory["why_not"]
    assert "gradient_weight" in theory


@pytest.mark.parametrize(
    ("name", "logit"),
    [
        # Nowozin et al. 2016, Table 5: T* = g(u*)
        ("kl", 1 + sympy.log(A / B)),
        ("reverse_kl", sympy.log(A / B)),
        ("pearson_chi2", 2 * (A / B - 1)),
        ("neyman_chi2", 2 * sympy.log(A / B)),
        ("squared_hellinger", sympy.log(A / B) / 2),
        ("jensen_shannon", sympy.log(A / B)),
        # Mao et al. 2017, Eq. 5, with a = 0 and b = 1
        ("least_squares", A / (A + B)),
    ],
)
def test_the_optimal_logit_is_the_published_one(derivations, name, logit):
    assert equals(derivations[name]["optimal_logit"], logit)


def test_the_optimal_hinge_discriminator_is_at_a_kink(derivations):
    d_star = sympy.sympify(derivations["hinge"]["optimal_discriminator"])
    for a, u in ((2, 1), (0.5, -1)):
        assert float(d_star.subs({"a": a, "b": 1})) == pytest.approx(1 / (1 + np.exp(-u)))


def test_the_optimal_total_variation_discriminator_is_a_limit(derivations):
    theory = derivations["total_variation"]
    d_star = sympy.sympify(theory["optimal_discriminator"])
    assert [d_star.subs({"a": a, "b": 1}) for a in (2, 0.5)] == [1, 0]
    assert "a limit that no discriminator attains" in theory["steps"][1]["text"]


def test_the_whole_catalogue_takes_seconds(catalogue):
    assert catalogue[1] < 15


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_derivation_is_plain_json_with_passed_checks(derivations, name):
    theory = derivations[name]
    assert json.loads(json.dumps(theory, allow_nan=False)) == theory
    assert theory["objective"] == name
    assert theory["title"] == OBJECTIVES[name]["title"]
    checks = theory["checks"]
    assert checks
    assert all(check["passed"] and check["error"] <= check["tolerance"] for check in checks)
    quadratures = [check for check in checks if "quadrature" in check["name"]]
    assert all(check["tolerance"] <= 1e-8 for check in quadratures)
    assert bool(quadratures) == theory["solvable"]
    curve = theory["gradient_weight"]
    assert len(curve["d_fake"]) == len(curve["weight"]) == 199


ELEMENTS = {
    "div",
    "math",
    "mfrac",
    "mi",
    "mn",
    "mo",
    "mroot",
    "mrow",
    "mspace",
    "msqrt",
    "msub",
    "msup",
    "mtable",
    "mtd",
    "mtext",
    "mtr",
}
"""Elements that browsers draw."""


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_mathml_is_well_formed_and_drawn_by_browsers(derivations, name):
    theory = derivations[name]
    printed = [formula["mathml"] for formula in theory["formulas"].values()]
    printed += [step["mathml"] for step in theory["steps"]]
    for mathml in printed:
        elements = ElementTree.fromstring(f"<div>{mathml}</div>").iter()
        assert {element.tag for element in elements} <= ELEMENTS


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_weight_is_the_derivative_of_the_generators_formula(derivations, name):
    definition = OBJECTIVES[name]
    expression = parse(definition["generator"], definition.get("constants")).expression
    for d_fake in (0.1, 0.35, 0.8):
        f = np.log(d_fake / (1 - d_fake))
        low, high = (evaluate(expression, 0.0, f + h) for h in (-1e-5, 1e-5))
        slope = (high - low) / 2e-5
        assert weight_at(derivations[name], d_fake) == pytest.approx(slope, abs=1e-3)


# Named divergences


NAMED = {divergence.name: divergence for divergence in divergences.DIVERGENCES}


@pytest.mark.parametrize("name", NAMED)
def test_a_named_divergence_is_convex_and_zero_for_equal_densities(name):
    density = numeric.to_numpy(NAMED[name].density, A, B)
    assert density(0.7, 0.7) == pytest.approx(0.0, abs=1e-15)
    t = np.linspace(0.1, 8, 300)
    assert (np.diff(density(t, 1.0), 2) > -1e-12).all()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # two Gaussians of standard deviation 1 whose means are 1 apart
        ("KL(p_data ‖ p_g)", 0.5),
        ("KL(p_g ‖ p_data)", 0.5),
        ("J(p_data, p_g)", 1.0),
        ("χ²(p_data ‖ p_g)", np.e - 1),
        ("χ²(p_g ‖ p_data)", np.e - 1),
        ("H²(p_data, p_g)", 2 - 2 * np.exp(-1 / 8)),
        ("TV(p_data, p_g)", 0.3829249225480262),  # 2Φ(1/2) - 1
    ],
)
def test_a_named_divergence_has_its_closed_form_on_gaussians(name, expected):
    density = numeric.to_numpy(NAMED[name].density, A, B)
    p, q = quadrature.PAIRS[0]
    value, _ = integrate.quad(lambda x: density(p(x), q(x)), -20, 20, points=[0.5], epsabs=1e-12)
    assert value == pytest.approx(expected, abs=1e-9)


def test_no_two_named_divergences_are_the_same():
    for divergence in divergences.DIVERGENCES:
        density = 3 * divergence.density - A / 2 - B
        match = divergences.recognise(density, sympy.Rational(-3, 2))
        assert (match.divergence, match.factor) == (divergence, 3)


# Objectives that a study defines


def test_a_divergence_is_recognised_by_its_formula_not_by_its_name():
    theory = derive_pair("exp(-r) - r + exp(f) + f", "-exp(f)")
    assert theory["divergence"]["text"] == "J(p_data, p_g) − 2"
    misnamed = derive("minimax", {"discriminator": "exp(-r) + f", "generator": "-f"})
    assert misnamed["divergence"]["name"] == "KL(p_g ‖ p_data)"


def test_a_divergence_without_a_name_is_printed_as_an_f_divergence():
    """An α-divergence: T = -e^(-r/2) and its conjugate; u* and the value derived by hand."""
    theory = derive_pair("exp(-0.3 * r) + exp(0.7 * f)")
    assert theory["solvable"]
    assert theory["divergence"] is None
    assert equals(theory["optimal_discriminator"], 3 * A / (3 * A + 7 * B))
    t = sympy.Rational(3, 7)
    expected = -float(t**-0.3 + t**0.7)
    assert theory["value_at_equilibrium"]["value"] == pytest.approx(expected)
    assert "an f-divergence plus a constant" in theory["steps"][2]["text"]


def test_one_sided_label_smoothing_moves_the_optimum():
    """Salimans et al. 2016, Section 3.4: D* = α p_data / (p_data + p_g)."""
    _, smoothed = solve("0.9 * softplus(-r) + (1 - 0.9) * softplus(r) + softplus(f)")
    assert equals(smoothed.discriminator, sympy.Rational(9, 10) * A / (A + B))


def test_a_formula_in_probabilities_is_derived_like_one_in_logits():
    theory = derive_pair("-log(sigmoid(r)) - log(1 - sigmoid(f))", "-log(sigmoid(f))")
    assert theory["divergence"]["text"] == "2·JSD(p_data ‖ p_g) − log 4"
    assert theory["gradient_weight"]["expression"] == "D - 1"


def test_the_logarithm_of_a_product_splits():
    _, product = solve("-log(sigmoid(r) * sigmoid(-f))")
    match = divergences.recognise(-product.value, -2 * sympy.log(2))
    assert (match.divergence.name, match.factor) == ("JSD(p_data ‖ p_g)", 2)
    assert equals(product.discriminator, A / (A + B))


def test_an_optimum_without_a_closed_form_is_searched_directly():
    theory = derive_pair("softplus(-r) + square(f)")
    assert theory["solvable"]
    assert theory["method"] == "direct minimisation"
    assert theory["optimal_discriminator"] is None
    assert "sympy finds no closed form" in theory["steps"][1]["text"]
    # at a = b: σ(-u) = 2u
    u = optimize.brentq(lambda u: 1 / (1 + np.exp(u)) - 2 * u, 0, 1)
    expected = -(np.log1p(np.exp(-u)) + u**2)
    assert theory["value_at_equilibrium"]["value"] == pytest.approx(expected, abs=1e-9)


def test_an_optimum_may_change_from_a_kink_to_a_stationary_point():
    """a·(1-u)² for u < 1, zero above; b·|u|."""
    integrand, pieces = solve("square(relu(1 - r)) + abs(f)")
    d_star = numeric.to_numpy(pieces.discriminator, A, B)
    for a, u in ((0.25, 0.0), (4.0, 1 - 1 / 8)):
        assert float(d_star(a, 1.0)) == pytest.approx(1 / (1 + np.exp(-u)))
    assert proof_checks.check_minimum(integrand, pieces).passed


def test_a_discriminator_that_ignores_the_data_measures_no_distance():
    assert "measures no distance" in derive_pair("softplus(r) + softplus(f)")["steps"][2]["text"]


@pytest.mark.parametrize(
    ("discriminator", "reason"),
    [
        ("-square(r) + softplus(f)", "falls without bound as u → "),
        ("log(r) + f", "no finite value at logits near -50"),
        ("1 / r + square(f)", "no finite value at logits near 0"),
        ("maximum(r, f)", "not the sum of a function of r and a function of f"),
        ("square(r - f)", "not the sum of a function of r and a function of f"),
        ("square(r - mean(r)) + f", "couples the samples of a batch"),
    ],
)
def test_a_discriminator_without_a_pointwise_optimum_says_why(discriminator, reason):
    theory = derive_pair(discriminator)
    assert not theory["solvable"]
    assert reason in theory["why_not"]


def test_a_mean_over_a_whole_term_couples_no_samples():
    integrand = split_integrand(parse("mean(softplus(-r)) + 2 * mean(mean(softplus(f)))"))
    assert integrand.real == sympy.log(1 + sympy.exp(-U))
    assert integrand.fake == 2 * sympy.log(1 + sympy.exp(U))


def test_a_generator_without_a_value_everywhere_has_no_weight():
    theory = derive_pair(UNSOLVABLE, "-log(f)")
    assert "gradient_weight" not in theory
    assert "no finite value at logits near -50" in theory["steps"][-2]["text"]


def test_a_generator_with_a_kink_has_its_weight_in_pieces():
    theory = derive_pair(UNSOLVABLE, "relu(1 - f)")
    assert (weight_at(theory, 0.5), weight_at(theory, 0.9)) == (-1.0, 0.0)
    assert "zero from D(G(z)) = 0.7311 to 1" in theory["steps"][-2]["text"]


def test_a_paired_generator_depends_on_the_real_sample_too(derivations):
    curve = derivations["relativistic"]["gradient_weight"]
    d, d_real = sympy.symbols("D D_x")
    odds = d / (1 - d) / (d_real / (1 - d_real))
    assert sympy.simplify(sympy.sympify(curve["expression"]) + 1 / (1 + odds)) == 0
    assert curve["given"] == "D(x) = 1/2"
    average = derivations["relativistic_average"]["gradient_weight"]
    assert "all logits of one kind" in average["given"]


@pytest.mark.parametrize(
    "discriminator",
    [
        "exp(exp(-r)) + exp(exp(f))",
        "((1 + exp(-r)) ** 8 + 1) ** 8 + exp(f)",
        "exp(-0.123456789 * r) + exp(0.987654321 * f)",
        "tanh(-tanh(tanh(r))) + tanh(tanh(tanh(f)))",
        "abs(abs(abs(abs(r) - 1) - 1) - 1) + relu(1 - relu(1 - relu(1 - f)))",
        "softplus(tanh(exp(3) + r)) * 2 + exp(f)",
        "sqrt(1 + square(r - 1)) + sqrt(1 + square(f))",
    ],
)
def test_no_formula_takes_long(discriminator):
    start = time.process_time()
    derive_pair(discriminator)
    assert time.process_time() - start < 5


# Errors are caught


def test_a_wrong_optimum_is_caught(monkeypatch):
    shift = sympy.Rational(1, 100)
    monkeypatch.setattr(
        optimum, "find_roots", lambda *arguments: [root + shift for root in find_roots(*arguments)]
    )
    with pytest.raises(ProofError, match=r"does not hold: Integrand at u\*"):
        derive("minimax", OBJECTIVES["minimax"])


def test_a_wrong_second_derivative_is_caught():
    integrand, best = solve("softplus(-r) + softplus(f)")
    (candidate,) = best.candidates
    assert proof_checks.check_curvature(integrand, candidate).passed
    wrong = replace(candidate, second_derivative=-candidate.second_derivative)
    assert not proof_checks.check_curvature(integrand, wrong).passed


@pytest.mark.parametrize(
    "error",
    [{"factor": sympy.Integer(1)}, {"constant": -sympy.log(2)}],
    ids=["factor", "constant"],
)
def test_a_wrong_value_is_caught(monkeypatch, error):
    recognise = divergences.recognise
    monkeypatch.setattr(
        divergences, "recognise", lambda *arguments: replace(recognise(*arguments), **error)
    )
    with pytest.raises(ProofError, match=r"V\(G, D\*\), quadrature on 3 pairs"):
        derive("minimax", OBJECTIVES["minimax"])


def test_a_wrong_gradient_is_caught(monkeypatch):
    saturating = find_gradient_weight(parse("-softplus(f)"))
    monkeypatch.setattr(derivation, "find_gradient_weight", lambda formula: saturating)
    with pytest.raises(ProofError, match="Gradient weight"):
        derive_pair(UNSOLVABLE, "softplus(-f)")


def test_a_better_discriminator_than_the_derived_one_is_caught():
    integrand, best = solve("relu(1 - r) + relu(1 + f)")
    assert proof_checks.check_minimum(integrand, best).passed
    one_kink = replace(best, candidates=best.candidates[:1], thresholds=())
    assert not proof_checks.check_minimum(integrand, one_kink).passed


def test_an_error_of_nan_does_not_pass():
    with pytest.raises(ProofError, match="error nan"):
        proof_checks.verify([Check("Something", np.nan, 1e-8)])


# Roots, limits, constants and numbers


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (sympy.exp(X) - A / B, [sympy.log(A / B)]),
        (sympy.exp(-X / 2) - sympy.exp(X), [0]),
        (A * (X - 1) + B * X, [A / (A + B)]),
        (X**2 - 2, [-sympy.sqrt(2), sympy.sqrt(2)]),
        (sympy.tanh(X) - sympy.Rational(1, 2), [sympy.log(3) / 2]),
        (sympy.exp(X) + 1, []),
        (X**3 + 8, [-2]),
    ],
    ids=str,
)
def test_all_real_roots_are_found_exactly(expression, expected):
    roots = sorted(find_roots(expression, X), key=sympy.default_sort_key)
    expected = sorted(map(sympy.sympify, expected), key=sympy.default_sort_key)
    differences = [sympy.simplify(root - e) for root, e in zip(roots, expected, strict=True)]
    assert differences == [0] * len(roots)


@pytest.mark.parametrize(
    "expression", [sympy.exp(X) + X, sympy.sin(X), sympy.exp(X**2) - 2], ids=str
)
def test_an_equation_without_a_closed_form_is_rejected(expression):
    with pytest.raises(NoClosedForm):
        find_roots(expression, X)


@pytest.mark.parametrize(
    ("expression", "below", "above"),
    [
        (sympy.log(1 + sympy.exp(X)), 0.0, np.inf),
        (sympy.exp(X) / (1 + sympy.exp(X)), 0.0, 1.0),
        (sympy.log(1 + sympy.exp(X)) - sympy.log(1 + sympy.exp(X - 1)), 0.0, 1.0),
        (1 / (1 + X**2), 0.0, 0.0),
        (sympy.exp(sympy.exp(X)), 1.0, np.inf),
        (sympy.tanh(sympy.exp(X)) - X, np.inf, -np.inf),
    ],
    ids=str,
)
def test_limits_are_found_numerically(expression, below, above):
    assert numeric.find_limit(expression, X, -1) == below
    assert numeric.find_limit(expression, X, 1) == above


def test_half_of_a_constant_goes_to_each_part_of_the_integrand():
    integrand = split_integrand(parse("softplus(-r) + softplus(f) - 2 * 0.5"))
    u = np.linspace(-3, 3, 7)
    expected = 0.3 * (np.logaddexp(0, -u) - 0.5) + 0.6 * (np.logaddexp(0, u) - 0.5)
    assert integrand.evaluate(0.3, 0.6, u) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (-2 * sympy.log(2), "−2 log 2"),
        (9 * sympy.log(3) / 5, "9 log(3)/5"),
        (sympy.Integer(3) ** sympy.Rational(7, 10), "3^(7/10)"),
        (sympy.Rational(-1, 8), "−1/8"),
    ],
)
def test_exact_numbers_are_printed_unambiguously(number, text):
    assert print_number(number) == text

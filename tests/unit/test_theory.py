"""The classical proof, executed: what is derived, what is recognised, and that a slip is caught."""

import json
import time
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
import sympy
from ganbench.catalogue import objectives
from ganbench.formula.language import parse
from ganbench.theory import checks, derivation, divergences, numeric, optimum, quadrature
from ganbench.theory.checks import ProofError
from ganbench.theory.derivation import derive
from ganbench.theory.integrand import A, B, NoOptimum, split
from ganbench.theory.solve import Unsolved, roots
from ganbench.theory.weight import weight
from scipy import integrate
from scipy import optimize as minimisation

CATALOGUE = objectives.OBJECTIVES
X = sympy.Symbol("x", real=True)


@pytest.fixture(scope="module")
def derived() -> dict[str, dict]:
    start = time.perf_counter()
    found = {name: derive(name, definition) for name, definition in CATALOGUE.items()}
    found["seconds"] = time.perf_counter() - start
    return found


def mine(discriminator: str, generator: str = "-f", **constants: float) -> dict:
    definition = {"discriminator": discriminator, "generator": generator, "constants": constants}
    return derive("mine", definition)


def same(text: str, expected: sympy.Expr) -> bool:
    found = sympy.sympify(text, locals={"a": A, "b": B})
    return sympy.simplify(found - expected) == 0


def at(found: dict, d_fake: float) -> float:
    curve = found["gradient_weight"]
    return float(np.interp(d_fake, curve["d_fake"], curve["weight"]))


# The classical pair


@pytest.mark.parametrize("name", ["minimax", "non_saturating"])
def test_the_classical_discriminator_is_a_over_a_plus_b(derived, name):
    found = derived[name]
    assert found["solvable"]
    assert found["method"] == "sympy"
    assert same(found["optimal_discriminator"], A / (A + B))
    assert same(found["optimal_logit"], sympy.log(A / B))
    assert "positive for all a, b > 0: a minimum" in found["steps"][1]["text"]


@pytest.mark.parametrize("name", ["minimax", "non_saturating"])
def test_the_classical_value_is_twice_the_jsd_less_log_4(derived, name):
    found = derived[name]
    assert found["divergence"]["text"] == "2·JSD(p_data ‖ p_g) − log 4"
    assert found["divergence"]["proof"] == "symbolic"
    assert found["divergence"]["factor"] == 2.0
    assert found["divergence"]["constant"] == pytest.approx(-np.log(4), abs=1e-15)
    assert found["value_at_equilibrium"] == {
        "value": pytest.approx(-2 * np.log(2), abs=1e-15),
        "exact": "-2*log(2)",
    }


def test_the_minimax_gradient_vanishes_where_the_discriminator_rejects(derived):
    found = derived["minimax"]
    curve = found["gradient_weight"]
    assert curve["weight"] == pytest.approx([-d for d in curve["d_fake"]], abs=1e-14)
    assert (curve["expression"], curve["at_zero"], curve["at_one"]) == ("-D", 0.0, -1.0)
    assert "vanishes as D(G(z)) → 0, where the discriminator rejects" in found["steps"][3]["text"]


def test_the_non_saturating_gradient_does_not(derived):
    curve = derived["non_saturating"]["gradient_weight"]
    assert curve["weight"] == pytest.approx([d - 1 for d in curve["d_fake"]], abs=1e-14)
    assert (curve["at_zero"], curve["at_one"]) == (-1.0, 0.0)
    assert "tends to −1 as D(G(z)) → 0" in derived["non_saturating"]["steps"][3]["text"]


def test_the_steps_of_the_proof_are_four(derived):
    assert [step["title"] for step in derived["minimax"]["steps"]] == [
        "The integrand at one point",
        "The optimal discriminator",
        "The value at the optimum",
        "The generator's gradient",
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
    "wasserstein": "falls without bound",
    "relativistic": "does not split into a part of r and a part of f",
    "relativistic_average": r"mean\(\) ties the samples of a batch together",
}


def test_every_objective_is_derived_or_says_why_not(derived):
    assert set(DIVERGENCES) | set(NO_OPTIMUM) == set(CATALOGUE)


@pytest.mark.parametrize(("name", "divergence"), DIVERGENCES.items())
def test_the_divergence_of_each_objective_is_recognised(derived, name, divergence):
    assert derived[name]["divergence"]["text"] == divergence


@pytest.mark.parametrize(("name", "why"), NO_OPTIMUM.items())
def test_an_objective_without_a_pointwise_optimum_says_why(derived, name, why):
    found = derived[name]
    assert not found["solvable"]
    assert found["optimal_discriminator"] is None
    assert found["value_at_equilibrium"] is None
    with pytest.raises(AssertionError, match=why):
        raise AssertionError(found["why_not"])
    assert "gradient_weight" in found


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
def test_the_optimal_logit_is_the_published_one(derived, name, logit):
    assert same(derived[name]["optimal_logit"], logit)


def test_the_best_hinge_discriminator_is_at_a_kink_and_of_total_variation_at_infinity(derived):
    d_star = sympy.sympify(derived["hinge"]["optimal_discriminator"])
    for a, sign in ((2, 1), (0.5, -1)):
        found = float(d_star.subs({"a": a, "b": 1}))
        assert found == pytest.approx(1 / (1 + np.exp(-sign)))
    d_star = sympy.sympify(derived["total_variation"]["optimal_discriminator"])
    assert [d_star.subs({"a": a, "b": 1}) for a in (2, 0.5)] == [1, 0]
    assert "limit that none reaches" in derived["total_variation"]["steps"][1]["text"]


def test_the_whole_catalogue_takes_seconds(derived):
    assert derived["seconds"] < 15


@pytest.mark.parametrize("name", CATALOGUE)
def test_what_is_derived_is_plain_json_with_its_errors(derived, name):
    found = derived[name]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["objective"] == name
    assert found["title"] == CATALOGUE[name]["title"]
    assert all(
        check["passed"] and check["error"] <= check["tolerance"] for check in found["checks"]
    )
    assert found["checks"]
    quadratures = [check for check in found["checks"] if "quadrature" in check["name"]]
    assert all(check["tolerance"] <= 1e-8 for check in quadratures)
    assert bool(quadratures) == found["solvable"]
    assert len(found["gradient_weight"]["d_fake"]) == len(found["gradient_weight"]["weight"]) == 199


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_mathematics_is_well_formed_and_of_elements_that_browsers_draw(derived, name):
    shown = [formula["mathml"] for formula in derived[name]["formulas"].values()]
    shown += [step["mathml"] for step in derived[name]["steps"]]
    for mathml in shown:
        for element in ElementTree.fromstring(f"<div>{mathml}</div>").iter():
            assert element.tag in (
                *("div", "math", "mrow", "mi", "mn", "mo", "mfrac", "msup", "msub", "msqrt"),
                *("mroot", "mtable", "mtr", "mtd", "mtext", "mspace"),
            )


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_weight_is_the_derivative_of_the_generators_formula(derived, name):
    expression = parse(CATALOGUE[name]["generator"], CATALOGUE[name].get("constants")).expression
    for d_fake in (0.1, 0.35, 0.8):
        f = np.log(d_fake / (1 - d_fake))
        low, high = (numeric.evaluate(expression, 0.0, f + h) for h in (-1e-5, 1e-5))
        assert at(derived[name], d_fake) == pytest.approx((high - low) / 2e-5, abs=1e-3)


# The divergences are what they are called


@pytest.mark.parametrize("known", divergences.KNOWN, ids=lambda known: known.name)
def test_a_known_divergence_is_zero_for_equal_densities_and_convex(known):
    density = numeric.lambdified(known.density, A, B)
    assert density(0.7, 0.7) == pytest.approx(0.0, abs=1e-15)
    t = np.linspace(0.1, 8, 300)
    assert (np.diff(density(t, 1.0), 2) > -1e-12).all()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # two Gaussians of deviation 1, their means 1 apart
        ("KL(p_data ‖ p_g)", 0.5),
        ("KL(p_g ‖ p_data)", 0.5),
        ("J(p_data, p_g)", 1.0),
        ("χ²(p_data ‖ p_g)", np.e - 1),
        ("χ²(p_g ‖ p_data)", np.e - 1),
        ("H²(p_data, p_g)", 2 - 2 * np.exp(-1 / 8)),
        ("TV(p_data, p_g)", 0.3829249225480262),  # 2Φ(1/2) - 1
    ],
)
def test_a_known_divergence_has_its_closed_form_on_gaussians(name, expected):
    (known,) = (each for each in divergences.KNOWN if each.name == name)
    density = numeric.lambdified(known.density, A, B)
    p, q = quadrature.PAIRS[0]
    found, _ = integrate.quad(lambda x: density(p(x), q(x)), -20, 20, points=[0.5], epsabs=1e-12)
    assert found == pytest.approx(expected, abs=1e-9)


def test_no_two_known_divergences_are_one():
    for known in divergences.KNOWN:
        match = divergences.recognise(3 * known.density - A / 2 - B, sympy.Rational(-3, 2))
        assert (match.divergence, match.factor) == (known, 3)


# A study's own objectives


def test_a_divergence_of_ones_own_is_recognised_by_what_it_is_not_by_its_name():
    found = mine("exp(-r) - r + exp(f) + f", "-exp(f)")
    assert found["divergence"]["text"] == "J(p_data, p_g) − 2"
    assert (
        derive("minimax", {"discriminator": "exp(-r) + f", "generator": "-f"})["divergence"]["name"]
        == "KL(p_g ‖ p_data)"
    )


def test_a_divergence_without_a_name_is_printed_as_an_f_divergence():
    """α-divergence: T = -e^(-r/2) and its conjugate; u* and the value by hand."""
    found = mine("exp(-0.3 * r) + exp(0.7 * f)")
    assert found["solvable"]
    assert found["divergence"] is None
    assert same(found["optimal_discriminator"], 3 * A / (3 * A + 7 * B))
    t = sympy.Rational(3, 7)
    expected = -float(t**-0.3 + t**0.7)
    assert found["value_at_equilibrium"]["value"] == pytest.approx(expected)
    assert "f-divergence, up to a constant, that has no name here" in found["steps"][2]["text"]


def test_one_sided_label_smoothing_moves_the_optimum():
    """Salimans et al. 2016, Section 3.4: D* = α p_data / (p_data + p_g)."""
    found = mine("s * softplus(-r) + (1 - s) * softplus(r) + softplus(f)", "softplus(-f)", s=0.9)
    assert same(found["optimal_discriminator"], sympy.Rational(9, 10) * A / (A + B))


def test_what_is_written_in_probabilities_is_derived_as_well():
    found = mine("-log(sigmoid(r)) - log(1 - sigmoid(f))", "-log(sigmoid(f))")
    assert found["divergence"]["text"] == "2·JSD(p_data ‖ p_g) − log 4"
    assert found["gradient_weight"]["expression"] == "D - 1"


def test_a_product_that_is_a_sum_splits():
    found = mine("-log(sigmoid(r) * sigmoid(-f))")
    assert found["divergence"]["text"] == "2·JSD(p_data ‖ p_g) − log 4"


def test_what_sympy_cannot_solve_is_minimised_directly_and_says_so():
    found = mine("softplus(-r) + square(f)")
    assert found["solvable"]
    assert found["method"] == "direct minimisation"
    assert found["optimal_discriminator"] is None
    assert "sympy finds no closed form" in found["steps"][1]["text"]
    # at a = b: σ(-u) = 2u
    u = minimisation.brentq(lambda u: 1 / (1 + np.exp(u)) - 2 * u, 0, 1)
    assert found["value_at_equilibrium"]["value"] == pytest.approx(
        -(np.log1p(np.exp(-u)) + u**2), abs=1e-9
    )


def test_an_optimum_made_of_several_pieces_is_put_together():
    """a·(u-1)² left of 1 and nothing right of it; b·|u|."""
    found = mine("square(relu(1 - r)) + abs(f)")
    d_star = sympy.sympify(found["optimal_discriminator"])
    for a, u in ((0.25, 0.0), (4.0, 1 - 1 / 8)):
        assert float(d_star.subs({"a": a, "b": 1})) == pytest.approx(1 / (1 + np.exp(-u)))


def test_a_discriminator_that_ignores_the_data_measures_no_distance():
    assert "measures no distance" in mine("softplus(r) + softplus(f)")["steps"][2]["text"]


@pytest.mark.parametrize(
    ("discriminator", "why"),
    [
        ("-square(r) + softplus(f)", "falls without bound as u → "),
        ("log(r) + f", "no finite value at logits near -50"),
        ("1 / r + square(f)", "no finite value at logits near 0"),
        ("maximum(r, f)", "does not split"),
        ("square(r - f)", "does not split"),
        ("square(r - mean(r)) + f", "ties the samples of a batch together"),
    ],
)
def test_what_has_no_pointwise_optimum_says_why(discriminator, why):
    found = mine(discriminator)
    assert not found["solvable"]
    assert why in found["why_not"]


def test_a_mean_that_ties_nothing_together_is_no_obstacle():
    assert mine("mean(softplus(-r)) + 2 * mean(mean(softplus(f)))")["solvable"]


def test_a_generator_without_a_value_everywhere_has_no_weight():
    found = mine("softplus(-r) + softplus(f)", "-log(f)")
    assert "gradient_weight" not in found
    assert "no finite value at logits near -50" in found["steps"][-1]["text"]


def test_a_generator_with_a_kink_has_its_weight_in_pieces():
    found = mine("relu(1 - r) + relu(1 + f)", "relu(1 - f)")
    assert (at(found, 0.5), at(found, 0.9)) == (-1.0, 0.0)
    assert "zero from D(G(z)) = 0.7311 to 1" in found["steps"][-1]["text"]


def test_a_paired_generator_depends_on_the_real_sample_too(derived):
    found = derived["relativistic"]["gradient_weight"]
    d, d_real = sympy.symbols("D D_x")
    odds = d / (1 - d) / (d_real / (1 - d_real))
    assert sympy.simplify(sympy.sympify(found["expression"]) + 1 / (1 + odds)) == 0
    assert found["given"] == "D(x) = 1/2"
    assert "all logits of one kind" in derived["relativistic_average"]["gradient_weight"]["given"]


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
    start = time.perf_counter()
    mine(discriminator)
    assert time.perf_counter() - start < 5


# What would be wrong is caught


def test_a_wrong_optimum_is_caught(monkeypatch):
    monkeypatch.setattr(
        optimum, "roots", lambda *given: [root + sympy.Rational(1, 100) for root in roots(*given)]
    )
    with pytest.raises(ProofError, match=r"does not hold: Integrand at u\*, direct minim"):
        derive("minimax", CATALOGUE["minimax"])


def test_a_wrong_second_derivative_is_caught():
    integrand = split(parse("softplus(-r) + softplus(f)"))
    (candidate,) = optimum.optimum(integrand).candidates
    assert checks.curvature(integrand, candidate).passed
    wrong = replace(candidate, second_derivative=-candidate.second_derivative)
    assert not checks.curvature(integrand, wrong).passed


@pytest.mark.parametrize("slip", [{"factor": sympy.Integer(1)}, {"constant": -sympy.log(2)}])
def test_a_wrong_value_is_caught(monkeypatch, slip):
    right = divergences.recognise
    monkeypatch.setattr(
        derivation.divergences, "recognise", lambda *given: replace(right(*given), **slip)
    )
    with pytest.raises(ProofError, match=r"V\(G, D\*\), quadrature on 3 pairs"):
        derive("minimax", CATALOGUE["minimax"])


def test_a_wrong_gradient_is_caught(monkeypatch):
    saturating = weight(parse("-softplus(f)"))
    monkeypatch.setattr(derivation, "weight", lambda formula: saturating)
    with pytest.raises(ProofError, match="Gradient weight"):
        derive("non_saturating", CATALOGUE["non_saturating"])


def test_a_better_discriminator_than_the_claimed_one_is_caught():
    integrand = split(parse("relu(1 - r) + relu(1 + f)"))
    best = optimum.optimum(integrand)
    assert checks.minimum(integrand, best).passed
    only_one_kink = replace(best, candidates=best.candidates[:1], thresholds=())
    assert not checks.minimum(integrand, only_one_kink).passed


def test_an_error_that_is_not_a_number_does_not_pass():
    with pytest.raises(ProofError, match="error nan"):
        checks.verify([checks.Check("Something", np.nan, 1e-8)])


# The parts


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
)
def test_roots_are_all_found_exactly(expression, expected):
    found = sorted(roots(expression, X), key=sympy.default_sort_key)
    expected = sorted(map(sympy.sympify, expected), key=sympy.default_sort_key)
    assert [sympy.simplify(f - e) for f, e in zip(found, expected, strict=True)] == [0] * len(found)


@pytest.mark.parametrize("expression", [sympy.exp(X) + X, sympy.sin(X), sympy.exp(X**2) - 2])
def test_what_cannot_be_solved_is_not_tried(expression):
    with pytest.raises(Unsolved):
        roots(expression, X)


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
)
def test_limits_are_found_by_numbers(expression, below, above):
    assert numeric.limit(expression, X, -1) == below
    assert numeric.limit(expression, X, 1) == above


def test_constants_of_a_split_loss_go_half_to_each_part():
    integrand = split(parse("softplus(-r) + softplus(f) - 2 * 0.5"))
    u = np.linspace(-3, 3, 7)
    expected = 0.3 * (np.logaddexp(0, -u) - 0.5) + 0.6 * (np.logaddexp(0, u) - 0.5)
    assert integrand.value(0.3, 0.6, u) == pytest.approx(expected, abs=1e-14)


def test_why_there_is_no_optimum_is_an_exception_with_the_reason():
    with pytest.raises(NoOptimum, match="compares a real sample with a fake one"):
        split(parse("softplus(f - r)"))

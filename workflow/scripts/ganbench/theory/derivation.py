"""Derives the classical GAN proof, and what the generator descends, from two formulas.

At one point x let a = p_data(x) > 0, b = p_g(x) > 0 and u the discriminator's logit. The
discriminator maximises V = −L_D (Goodfellow et al. 2014, Proposition 1 and Theorem 1; the
generator's gradient as in Section 3).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy

from ganbench.catalogue import objectives
from ganbench.catalogue.objectives import Objective
from ganbench.formula.boundary import separates_at_zero
from ganbench.formula.mathml import to_mathml
from ganbench.theory import divergences, numeric, proof_checks, quadrature, steps
from ganbench.theory.descent_derivation import derive_descent
from ganbench.theory.divergences import Match
from ganbench.theory.gradient_weight import D_FAKE, find_gradient_weight
from ganbench.theory.integrand import A, B, Integrand, NotDerivable, split_integrand
from ganbench.theory.optimum import Optimum, check_bounded, find_optimum
from ganbench.theory.pairwise import derive_pairwise
from ganbench.theory.printing import print_value
from ganbench.theory.proof_checks import Check
from ganbench.theory.solve import NoClosedForm


def derive(name: str, definition: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the content of `theory/{name}.json`, as plain JSON values:

    - `solvable`: whether a pointwise optimal discriminator exists; if not, `why_not`.
    - `method`: `sympy`, or `direct minimisation` where sympy finds no closed form.
    - `optimal_logit`, `optimal_discriminator`: sympy expressions in a = p_data(x) and b = p_g(x),
      as text, or None.
    - `value_at_equilibrium`: V(G, D*) at p_data = p_g.
    - `divergence`: V(G, D*) = factor·divergence + constant, or None if it has no name.
    - `steps`: the `title`, `text`, `mathml` and `check` of each step.
    - `checks`: the numerical error of each statement.
    - `descent`: h, the divergence whose gradient the generator follows at D*, at `log_t`; what it
      costs to have samples `off_data` and data `dropped`; where it is `opposed` to V(G, D*).
      If it does not apply, only `why_not` is set.
    - `pairwise`: the divergence of a D that compares real samples with fake ones, if it is one.
    - `gradient_weight`: ∂L_G/∂f against D(G(z)); absent where the generator's formula has no
      finite value at some logit.

    Raises FormulaError for an invalid formula, ProofError where a check contradicts a statement.
    """
    objective = objectives.read_objective(name, definition)
    result = {
        "objective": name,
        "title": definition.get("title") or name,
        "formulas": {
            player: {"text": formula.text, "mathml": to_mathml(formula.expression)}
            for player, formula in (
                ("discriminator", objective.discriminator),
                ("generator", objective.generator),
            )
        },
    }
    value, optimum = _derive_value(objective)
    result |= value
    for part in (
        derive_pairwise(objective.discriminator),
        _derive_gradient(objective),
        derive_descent(objective, optimum),
    ):
        result["steps"] += part.pop("steps")
        result["checks"] += part.pop("checks")
        result |= part
    return result


def _derive_value(objective: Objective) -> tuple[dict[str, Any], Optimum | None]:
    """Steps 1 to 3, up to the first that does not apply, and the optimum in closed form, if any."""
    result = {
        "solvable": True,
        "why_not": "",
        "method": None,
        "optimal_logit": None,
        "optimal_discriminator": None,
        "value_at_equilibrium": None,
        "divergence": None,
        "steps": [],
        "checks": [],
    }
    optimum = None
    try:
        integrand = split_integrand(objective.discriminator)
        result["steps"].append(steps.explain_integrand(integrand))
        solution, optimum = _solve(integrand)
    except NotDerivable as reason:
        step = steps.explain_no_optimum(str(reason), first=not result["steps"])
        solution = {"solvable": False, "why_not": str(reason), "steps": [step]}
    return result | solution | {"steps": result["steps"] + solution["steps"]}, optimum


def _solve(integrand: Integrand) -> tuple[dict[str, Any], Optimum | None]:
    """Steps 2 and 3, and the optimum in closed form, if there is one."""
    try:
        optimum = find_optimum(integrand)
        return _solve_symbolically(integrand, optimum), optimum
    except NoClosedForm:
        return _solve_numerically(integrand), None


def _solve_symbolically(integrand: Integrand, optimum: Optimum) -> dict[str, Any]:
    density = -optimum.value
    constant = _evaluate_at_equilibrium(density)
    match = divergences.recognise(density, constant)
    is_constant = divergences.is_constant(density)
    optimum_checks = _check_optimum(integrand, optimum)
    value_checks = _check_value(integrand, optimum, constant, match)
    proof_checks.verify(optimum_checks + value_checks)
    return {
        "method": "sympy",
        "optimal_logit": str(optimum.logit),
        "optimal_discriminator": str(optimum.discriminator),
        "value_at_equilibrium": {"value": float(constant), "exact": str(constant)},
        "divergence": match and _divergence_to_json(match),
        "steps": [
            steps.explain_optimum(optimum, optimum_checks),
            steps.explain_value(density, constant, match, is_constant, value_checks),
        ],
        "checks": [check.to_json() for check in optimum_checks + value_checks],
    }


def _check_optimum(integrand: Integrand, optimum: Optimum) -> list[Check]:
    checks = [proof_checks.check_minimum(integrand, optimum)]
    if [candidate.kind for candidate in optimum.candidates] == ["stationary"]:
        curvature = proof_checks.check_curvature(integrand, optimum.candidates[0])
        checks += [curvature] if curvature else []
    return checks


def _check_value(
    integrand: Integrand, optimum: Optimum, constant: sympy.Expr, match: Match | None
) -> list[Check]:
    """Raises NoClosedForm where the formula as written is beyond float64 at u*."""
    derived = match.factor * match.divergence.density if match else -optimum.value
    offset = match.constant if match else sympy.Integer(0)
    logit = numeric.to_numpy(optimum.logit, A, B)
    checks = [
        quadrature.check_value(integrand, optimum, derived, offset),
        quadrature.check_equilibrium(integrand, logit, float(constant)),
    ]
    if not all(np.isfinite(check.error) for check in checks):
        raise NoClosedForm
    return checks


def _divergence_to_json(match: Match) -> dict[str, str | float]:
    return {
        "title": match.divergence.title,
        "name": match.divergence.name,
        "integral": match.divergence.integral,
        "factor": float(match.factor),
        "constant": float(match.constant),
        "text": print_value(match.factor, match.divergence.name, match.constant),
        "proof": match.proof,
    }


def _solve_numerically(integrand: Integrand) -> dict[str, Any]:
    """Searches u* directly at three values of a/b."""
    check_bounded(integrand)
    ratios = np.array([0.25, 1.0, 4.0])
    logits, minima = proof_checks.minimise_integrand(integrand, ratios, np.ones(3))
    constant = -float(minima[1])
    check = quadrature.check_jensen_bound(integrand, constant)
    proof_checks.verify([check])
    return {
        "method": "direct minimisation",
        "value_at_equilibrium": {"value": constant, "exact": None},
        "steps": [
            steps.explain_searched_optimum(ratios, logits),
            steps.explain_searched_value(constant, check),
        ],
        "checks": [check.to_json()],
    }


def _derive_gradient(objective: Objective) -> dict[str, Any]:
    """Step 4."""
    try:
        weight = find_gradient_weight(objective.generator)
    except NotDerivable as reason:
        return {"steps": [steps.explain_no_gradient(str(reason))], "checks": []}
    check = proof_checks.check_gradient(objective.generator, weight)
    proof_checks.verify([check])
    values = weight.evaluate(D_FAKE)
    finite = np.isfinite(values)
    return {
        "gradient_weight": {
            "expression": str(weight.expression),
            "given": steps.list_assumptions(weight),
            "d_fake": D_FAKE[finite].tolist(),
            "weight": values[finite].tolist(),
            "at_zero": _finite_or_none(weight.at_zero),
            "at_one": _finite_or_none(weight.at_one),
        },
        "steps": [
            steps.explain_gradient(weight, check, separates_at_zero(objective.discriminator))
        ],
        "checks": [check.to_json()],
    }


def _evaluate_at_equilibrium(density: sympy.Expr) -> sympy.Expr:
    """The density at a = b = 1, with logarithms of fractions expanded."""
    return sympy.expand_mul(
        density.subs({A: 1, B: 1}).replace(
            lambda part: isinstance(part, sympy.log) and part.args[0].is_Rational,
            lambda part: sympy.expand_log(part, force=True),
        )
    )


def _finite_or_none(limit: float) -> float | None:
    return limit if np.isfinite(limit) else None

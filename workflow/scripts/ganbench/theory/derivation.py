"""The four steps of the classical proof, derived of any objective from its two formulas.

At one point x let a = p_data(x) > 0, b = p_g(x) > 0 and u be the discriminator's logit. V = −L_D
is what the discriminator maximises (Goodfellow et al. 2014, Proposition 1 and Theorem 1; the
generator's gradient as in its Section 3).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy

from ganbench.catalogue import objectives
from ganbench.catalogue.objectives import Objective
from ganbench.formula.mathml import to_mathml
from ganbench.theory import checks, divergences, numeric, quadrature
from ganbench.theory import steps as wording
from ganbench.theory.checks import Check
from ganbench.theory.integrand import A, B, Integrand, NoOptimum, split
from ganbench.theory.optimum import Optimum, check_bounded, optimum
from ganbench.theory.solve import Unsolved
from ganbench.theory.weight import GRID, weight


def derive(name: str, definition: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that `theory/{objective}.json` holds, as plain JSON.

    `solvable`: whether a pointwise optimal discriminator exists, else `why_not`. `method`: `sympy`,
    or `direct minimisation` where sympy finds no closed form. `steps`: `title`, `text`, `mathml`,
    `check`. `optimal_discriminator` and `optimal_logit`: in a = p_data(x) and b = p_g(x), as sympy
    reads them, or None. `value_at_equilibrium`: V(G, D*) at p_data = p_g. `divergence`: V(G, D*) =
    factor·divergence + constant, where it has a name. `gradient_weight`: ∂L_G/∂f against D(G(z)),
    absent where the generator's formula has no value at some logit.
    `checks`: every statement's numerical error.

    Raises FormulaError for a wrong formula, ProofError where a check contradicts a statement.
    """
    objective = objectives.read_objective(name, definition)
    found = {
        "objective": name,
        "title": definition.get("title") or name,
        "formulas": {
            player: {"text": formula.text, "mathml": to_mathml(formula.expression)}
            for player, formula in (
                ("discriminator", objective.discriminator),
                ("generator", objective.generator),
            )
        },
        **_discriminator(objective),
    }
    generator = _generator(objective)
    found["steps"] += generator.pop("steps")
    found["checks"] += generator.pop("checks")
    return found | generator


def _discriminator(objective: Objective) -> dict[str, Any]:
    """Steps 1 to 3, as far as they go."""
    found = {
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
    try:
        integrand = split(objective.discriminator)
        found["steps"].append(wording.integrand(integrand))
        try:
            return found | _solved(integrand, optimum(integrand), found["steps"])
        except Unsolved:
            return found | _searched(integrand, found["steps"])
    except NoOptimum as why:
        found["steps"].append(wording.no_optimum(str(why), first=not found["steps"]))
        return found | {"solvable": False, "why_not": str(why)}


def _solved(integrand: Integrand, best: Optimum, steps: list[dict[str, str]]) -> dict[str, Any]:
    density = -best.value
    constant = _exact_sum(density)
    match = divergences.recognise(density, constant)
    claimed = match.factor * match.divergence.density if match else density
    offset = match.constant if match else sympy.Integer(0)
    at_optimum = [checks.minimum(integrand, best)]
    if [each.kind for each in best.candidates] == ["stationary"]:
        at_optimum.append(checks.curvature(integrand, best.candidates[0]))
    at_optimum = [each for each in at_optimum if each]
    logit = numeric.lambdified(best.logit, A, B)
    at_value = [
        quadrature.value(integrand, best, claimed, offset),
        quadrature.equilibrium(integrand, logit, float(constant)),
    ]
    if not all(np.isfinite(each.error) for each in at_value):
        raise Unsolved  # at u* the formula as written is beyond float64
    checks.verify(at_optimum + at_value)
    steps += [
        wording.optimum(best, at_optimum),
        wording.value(density, constant, match, divergences.is_constant(density), at_value),
    ]
    return {
        "method": "sympy",
        "optimal_logit": str(best.logit),
        "optimal_discriminator": str(best.discriminator),
        "value_at_equilibrium": {"value": float(constant), "exact": str(constant)},
        "divergence": wording.divergence(match),
        "checks": [each.plain() for each in at_optimum + at_value],
    }


def _searched(integrand: Integrand, steps: list[dict[str, str]]) -> dict[str, Any]:
    """Steps 2 and 3 where sympy has no closed form: a direct search over u at given a/b."""
    check_bounded(integrand)
    ratios = np.array([0.25, 1.0, 4.0])
    logits, lowest = checks.directly(integrand, ratios, np.ones(3))
    constant = -float(lowest[1])
    found = quadrature.jensen(integrand, constant)
    checks.verify([found])
    steps += [
        wording.searched_optimum(ratios, logits),
        wording.searched_value(constant, found),
    ]
    return {
        "method": "direct minimisation",
        "value_at_equilibrium": {"value": constant, "exact": None},
        "checks": [found.plain()],
    }


def _generator(objective: Objective) -> dict[str, Any]:
    """Step 4."""
    try:
        derived = weight(objective.generator)
    except NoOptimum as why:
        return {"steps": [wording.no_gradient(str(why))], "checks": []}
    check: Check = checks.gradient(objective.generator, derived)
    checks.verify([check])
    sampled = derived.sampled(GRID)
    finite = np.isfinite(sampled)
    return {
        "gradient_weight": {
            "expression": str(derived.expression),
            "given": wording.given(derived),
            "d_fake": GRID[finite].tolist(),
            "weight": sampled[finite].tolist(),
            "at_zero": _finite(derived.at_zero),
            "at_one": _finite(derived.at_one),
        },
        "steps": [wording.gradient(derived, check)],
        "checks": [check.plain()],
    }


def _exact_sum(density: sympy.Expr) -> sympy.Expr:
    """The density at a = b = 1, logarithms of fractions expanded."""
    at_one = density.subs({A: 1, B: 1})
    return sympy.expand_mul(
        at_one.replace(
            lambda part: isinstance(part, sympy.log) and part.args[0].is_Rational,
            lambda part: sympy.expand_log(part, force=True),
        )
    )


def _finite(limit: float) -> float | None:
    return limit if np.isfinite(limit) else None

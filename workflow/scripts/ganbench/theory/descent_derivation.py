"""Derives what a generator descends at D*, checks it, and puts it into JSON values."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from ganbench.catalogue.objectives import Objective
from ganbench.formula.pointwise import find_pointwise_game
from ganbench.theory import descent_formula, numeric
from ganbench.theory.descent import Descent
from ganbench.theory.descent_checks import (
    EXACT_TOLERANCE,
    TABLE_TOLERANCE,
    LogRatioFunction,
    check_gradient_of_divergence,
)
from ganbench.theory.descent_facts import DescentFacts
from ganbench.theory.descent_words import explain_descent, summarise_descent
from ganbench.theory.divergences import T
from ganbench.theory.integrand import NotDerivable, split_integrand
from ganbench.theory.optimum import Optimum
from ganbench.theory.printing import expression_to_mathml
from ganbench.theory.proof_checks import Check, verify
from ganbench.theory.solve import NoClosedForm
from ganbench.theory.steps import make_step

LOG_RATIOS = np.linspace(-7.0, 7.0, 57)
"""Values of log t at which h is reported."""
TITLE = "What the generator descends"


@dataclass(frozen=True)
class _Divergence:
    """h as an expression, None if numbers alone give it, as a function of log t, and its check."""

    formula: sympy.Expr | None
    function: LogRatioFunction
    check: Check


def derive_descent(objective: Objective, optimum: Optimum | None) -> dict[str, Any]:
    """The `descent` of an objective with its `steps` and `checks`; see `derivation.derive`.

    `optimum` is the discriminator's in closed form, if there is one.
    """
    try:
        facts, divergence = _derive(objective, optimum)
    except NotDerivable as reason:
        text = f"{str(reason)[0].upper()}{str(reason)[1:]}."
        return {
            "descent": {"applies": False, "why_not": str(reason)},
            "steps": [make_step(TITLE, text, [], [])],
            "checks": [],
        }
    tolerance = 1e-9 if divergence.formula is not None else 1e-6
    named = None
    if not facts.is_flat:
        named = descent_formula.name_divergence(divergence.function, tolerance)
    formula = divergence.formula
    proved = bool(named) and formula is not None and descent_formula.is_proved(formula, named)
    step = explain_descent(facts, formula, named, proved, divergence.check)
    return {
        "descent": {
            "applies": True,
            "why_not": "",
            "method": "numbers" if formula is None else "sympy",
            "formula": None if formula is None else str(formula),
            "mathml": None if formula is None else expression_to_mathml(formula),
            "name": named.text if named else None,
            "proof": ("symbolic" if proved else "numerical") if named else None,
            "log_t": LOG_RATIOS.tolist(),
            "h": divergence.function(LOG_RATIOS).tolist(),
            **_list_facts(facts),
            "sentence": summarise_descent(facts),
        },
        "steps": [step],
        "checks": [divergence.check.to_json()],
    }


def _derive(objective: Objective, optimum: Optimum | None) -> tuple[DescentFacts, _Divergence]:
    game = find_pointwise_game(objective.discriminator)
    if game is None:
        raise NotDerivable(
            "there is no D* decided at single points that could stand still, so the generator's "
            "gradient is that of no ∫ p_g h(p_data/p_g) dx"
        )
    try:
        generator = split_integrand(objective.generator).fake
    except NotDerivable as reason:
        raise NotDerivable(f"in the generator's loss, {reason}") from None
    descent = Descent(objective, game)
    return DescentFacts(descent), _find_divergence(descent, generator, optimum)


def _find_divergence(
    descent: Descent, generator: sympy.Expr, optimum: Optimum | None
) -> _Divergence:
    """h in closed form if sympy has it and the check confirms it, else from its table."""
    table = check_gradient_of_divergence(descent, descent.divergence_at, TABLE_TOLERANCE)
    try:
        if optimum is None:
            raise NoClosedForm
        formula = descent_formula.find_divergence(generator, optimum)
        closed = numeric.to_numpy(formula, T)
        function = lambda log_ratios: closed(np.exp(log_ratios))  # noqa: E731
        check = check_gradient_of_divergence(descent, function, EXACT_TOLERANCE)
        if table.passed:  # otherwise the integrals themselves do not converge
            verify([check])
        if check.passed:
            return _Divergence(formula, function, check)
    except NoClosedForm:
        pass
    if not table.passed:
        raise NotDerivable(
            "the gradients of h and of the generator's loss could not be integrated to "
            f"{TABLE_TOLERANCE:g} on Gaussians"
        )
    return _Divergence(None, descent.divergence_at, table)


def _list_facts(facts: DescentFacts) -> dict[str, Any]:
    return {
        "is_own": facts.is_own,
        "is_divergence": bool(facts.falls) and not facts.rises,
        "not_convex": _to_json(facts.rises),
        "off_data": _to_json(facts.off_data),
        "dropped": _to_json(facts.dropped),
        "bounded": math.isfinite(facts.off_data + facts.dropped),
        "logit_off_data": _to_json(facts.logit_off_data),
        "weight_off_data": _to_json(facts.weight_off_data),
        "pull_off_data": _to_json(facts.pull_off_data),
        "pull_on_data": _to_json(facts.pull_on_data),
        "opposed": _to_json(facts.opposed),
        "opposed_on_mixture_1d": [
            {"std": std, "means": _to_json(intervals)}
            for std, intervals in facts.opposed_on_mixture.items()
        ],
    }


def _to_json(value: Any) -> Any:
    """JSON has no infinity: it is the text `∞` or `−∞`."""
    if isinstance(value, list | tuple):
        return [_to_json(part) for part in value]
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return float(f"{value:.10g}")

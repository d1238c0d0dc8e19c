"""h of a generator's descent in closed form, and its name as a sum of named divergences."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from math import lcm

import numpy as np
import sympy
from sympy.integrals.rationaltools import ratint

from ganbench.theory import numeric
from ganbench.theory.algebra import bound_degree, cancel_and_factor, replace_irrationals
from ganbench.theory.divergences import DIVERGENCES, Divergence, T
from ganbench.theory.integrand import A, B, U
from ganbench.theory.optimum import Candidate, Optimum
from ganbench.theory.printing import print_value
from ganbench.theory.solve import NoClosedForm

LARGEST_POWER = 12
"""Integrands of a higher degree are left to numbers."""
_W = sympy.Symbol("w", positive=True)


def find_divergence(generator: sympy.Expr, optimum: Optimum) -> sympy.Expr:
    """h(t) with h(1) = h′(1) = 0, from the generator's loss g as an expression in U.

    Raises NoClosedForm where no method applies.
    """
    losses = [_find_loss(generator, candidate) for candidate in optimum.candidates]
    offset = _find_offset(losses, optimum.thresholds)
    losses = [loss - offset for loss in losses]
    integrals = [_integrate_over_square(loss) for loss in losses]
    constants = _join_continuously(integrals, optimum.thresholds)
    pieces = [
        _tidy(-T * (integral - constant))
        for integral, constant in zip(integrals, constants, strict=True)
    ]
    ends = [sympy.Lt(T, threshold) for threshold in optimum.thresholds]
    return sympy.Piecewise(*zip(pieces, [*ends, sympy.true], strict=True))


def _find_loss(generator: sympy.Expr, candidate: Candidate) -> sympy.Expr:
    """G(t) = g(u*(t)) on the piece of one candidate."""
    if candidate.logit.is_infinite:
        limit = numeric.find_limit(generator, U, 1 if candidate.logit > 0 else -1)
        if not np.isfinite(limit):
            raise NoClosedForm
        return numeric.rationalise(limit)
    return generator.subs(U, candidate.logit).subs({A: T, B: 1})


def _find_offset(losses: list[sympy.Expr], thresholds: tuple[sympy.Expr, ...]) -> sympy.Expr:
    """G(1), or the mean of both sides where G jumps there."""
    sides = [
        losses[sum(bool(threshold <= 1) for threshold in thresholds)],
        losses[sum(bool(threshold < 1) for threshold in thresholds)],
    ]
    return sum(side.subs(T, 1) for side in sides) / 2


def _join_continuously(
    integrals: list[sympy.Expr], thresholds: tuple[sympy.Expr, ...]
) -> list[sympy.Expr]:
    """What to subtract from each integral, so that their whole is continuous and 0 at t = 1."""
    constants = [sympy.Integer(0)]
    for before, after, threshold in zip(integrals[:-1], integrals[1:], thresholds, strict=True):
        constants.append(constants[-1] + after.subs(T, threshold) - before.subs(T, threshold))
    here = sum(bool(threshold <= 1) for threshold in thresholds)
    at_one = integrals[here].subs(T, 1) - constants[here]
    return [constant + at_one for constant in constants]


def _integrate_over_square(loss: sympy.Expr) -> sympy.Expr:
    """∫ `loss`/t² dt for a sum of rational functions of a root of t and of their logarithms."""
    if loss.has(sympy.Max, sympy.Min, sympy.Abs, sympy.Heaviside, sympy.sign):
        raise NoClosedForm
    constants: dict[sympy.Symbol, sympy.Expr] = {}
    expanded = sympy.expand(sympy.expand_log(sympy.expand(loss), force=True))
    roots = [power.exp.q for power in expanded.atoms(sympy.Pow) if power.exp.is_Rational]
    n = lcm(*roots) if roots else 1
    in_root = _replace_irrationals(expanded.subs(T, _W**n), constants)
    total = sympy.Integer(0)
    for term in sympy.Add.make_args(in_root):
        factor, rest = term.as_independent(_W)
        if rest.func == sympy.log:
            (inside,) = rest.args
            total -= factor * rest / _W**n
            total += factor * _integrate_rational(sympy.diff(inside, _W) / inside / _W**n)
        else:
            total += factor * _integrate_rational(rest * n / _W ** (n + 1))
    return total.subs(constants).subs(_W, sympy.root(T, n))


def _replace_irrationals(
    expression: sympy.Expr, constants: dict[sympy.Symbol, sympy.Expr]
) -> sympy.Expr:
    """As `replace_irrationals`, and within logarithms too."""
    logarithms = {
        part: sympy.Dummy(positive=True) for part in expression.atoms(sympy.log) if part.has(_W)
    }
    outside = replace_irrationals(expression.xreplace(logarithms), constants)
    back = {
        symbol: sympy.log(replace_irrationals(part.args[0], constants))
        for part, symbol in logarithms.items()
    }
    return outside.xreplace(back)


def _integrate_rational(expression: sympy.Expr) -> sympy.Expr:
    expression = sympy.cancel(sympy.together(expression))
    if not bound_degree(expression, {_W}) <= LARGEST_POWER or not expression.is_rational_function(
        _W
    ):
        raise NoClosedForm
    integral = ratint(expression, _W, real=True)
    if integral.has(sympy.RootSum, sympy.Integral, sympy.I):
        raise NoClosedForm
    return integral


def _tidy(expression: sympy.Expr) -> sympy.Expr:
    """The expression sorted by its logarithms, with a factored coefficient for each."""
    expression = expression.replace(sympy.log, lambda x: sympy.log(sympy.together(x)))
    expanded = sympy.expand(sympy.expand_log(sympy.expand(expression), force=True))
    logarithms = sorted(
        (part for part in expanded.atoms(sympy.log) if part.has(T)), key=sympy.default_sort_key
    )
    total = sympy.Integer(0)
    for logarithm in logarithms:
        coefficient = expanded.coeff(logarithm, 1)
        expanded = sympy.expand(expanded - coefficient * logarithm)
        total += cancel_and_factor(coefficient) * logarithm
    return total + cancel_and_factor(sympy.together(expanded))


@dataclass(frozen=True)
class NamedSum:
    """∫ p_g h dx as a sum of named divergences, each with its factor."""

    parts: tuple[tuple[sympy.Expr, Divergence], ...]

    @property
    def text(self) -> str:
        """The sum in plain text."""
        first, *rest = self.parts
        text = print_value(first[0], first[1].name, sympy.Integer(0))
        for factor, divergence in rest:
            sign = "−" if factor < 0 else "+"
            text += f" {sign} {print_value(abs(factor), divergence.name, sympy.Integer(0))}"
        return text


_FITTED = np.linspace(-3.0, 3.0, 13)
_COMPARED = np.linspace(-14.0, 14.0, 57)


def name_divergence(h: Callable[[np.ndarray], np.ndarray], tolerance: float) -> NamedSum | None:
    """One or two of the named divergences that add up to ∫ p_g h dx, or None.

    They are fitted to h at 13 values of t and compared with it at 57 others; `h` is a function of
    log t. A multiple of t − 1 integrates to 0.
    """
    for count in (1, 2):
        for chosen in combinations(DIVERGENCES, count):
            factors = _fit(h, chosen, tolerance)
            if factors is not None:
                ordered = sorted(
                    zip(factors, chosen, strict=True), key=lambda part: bool(part[0] < 0)
                )
                return NamedSum(tuple(ordered))
    return None


def _fit(
    h: Callable[[np.ndarray], np.ndarray], chosen: tuple[Divergence, ...], tolerance: float
) -> list[sympy.Expr] | None:
    columns = [*(_tabulate(divergence)[0] for divergence in chosen), np.expm1(_FITTED)]
    scale = 1 + np.exp(_FITTED)
    matrix = np.stack(columns, axis=1) / scale[:, None]
    solution, *_ = np.linalg.lstsq(matrix, h(_FITTED) / scale, rcond=None)
    factors = [numeric.rationalise(float(value), 1e-6) for value in solution[:-1]]
    if any(not factor.is_Rational or abs(factor) < 1e-3 or factor.q > 64 for factor in factors):
        return None
    parts = [_tabulate(divergence)[1] for divergence in chosen]
    fitted = sum(float(factor) * part for factor, part in zip(factors, parts, strict=True))
    error = np.abs(h(_COMPARED) - fitted - solution[-1] * np.expm1(_COMPARED))
    error /= 1 + np.abs(h(_COMPARED)) + np.exp(_COMPARED)
    return factors if error.max() < tolerance else None


@cache
def _tabulate(divergence: Divergence) -> tuple[np.ndarray, np.ndarray]:
    """Its density where p_g = 1, at the two lists of log t."""
    density = numeric.to_numpy(divergence.density, A, B)
    return density(np.exp(_FITTED), 1.0), density(np.exp(_COMPARED), 1.0)


def is_proved(h: sympy.Expr, named: NamedSum) -> bool:
    """Whether sympy proves that h and the named sum differ by a multiple of t − 1 alone."""
    if h.has(sympy.Piecewise):
        return False
    parts = [factor * part.density.subs({A: T, B: 1}) for factor, part in named.parts]
    rest = _tidy(h - sum(parts))
    return not rest.has(sympy.log) and sympy.cancel(rest / (T - 1)).is_number

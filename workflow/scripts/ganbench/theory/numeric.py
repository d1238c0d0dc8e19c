"""Numerical tools of the proof: evaluation of formulas without sympy, limits, direct search.

The checks of a derivation use these, so that an error in the algebra cannot confirm itself.
"""

from collections.abc import Callable, Iterator
from typing import Any

import mpmath
import numpy as np
import sympy

from ganbench.formula.language import Apply, Expression, Number
from ganbench.formula.numpy_loss import Array, evaluate

INFINITE_LOGIT = 1e15
"""The logit used in place of infinity in float64."""
LOGITS = np.linspace(-50.0, 50.0, 2001)
"""Logits at which a formula must have a value."""
SEARCH_LIMIT = 60.0
"""A direct search covers logits from −SEARCH_LIMIT to SEARCH_LIMIT."""


def find_gap(expression: Expression) -> float | None:
    """A logit r = f near which the formula has no finite value, or None if there is none.

    Infinite values are accepted beyond ±2, where they may be numbers too large for float64. A
    divisor that changes its sign counts as a gap.
    """
    values = np.broadcast_to(evaluate(expression, LOGITS, LOGITS), LOGITS.shape)
    gaps = LOGITS[np.isnan(values) | (np.isinf(values) & (np.abs(LOGITS) <= 2.0))]
    for divisor in _find_divisors(expression):
        values = np.broadcast_to(evaluate(divisor, LOGITS, LOGITS), LOGITS.shape)
        gaps = np.append(gaps, LOGITS[1:][np.sign(values[1:]) * np.sign(values[:-1]) <= 0])
    return float(gaps[0]) if gaps.size else None


def _find_divisors(expression: Expression) -> Iterator[Expression]:
    if isinstance(expression, Apply):
        match expression:
            case Apply("/", (_, divisor)):
                yield divisor
            case Apply("**", (base, Number(exponent))) if exponent < 0:
                yield base
        for argument in expression.arguments:
            yield from _find_divisors(argument)


def to_numpy(expression: sympy.Expr, *symbols: sympy.Symbol) -> Callable[..., Array]:
    """`expression` as a float64 function of arrays; NaN where it has no real value."""
    if any(max(abs(number.p), number.q) > 2**53 for number in expression.atoms(sympy.Rational)):
        expression = expression.evalf(17)  # numpy takes no roots of longer integers
    function = sympy.lambdify(symbols, expression, "numpy")

    def compute(*values: Array) -> Array:
        with np.errstate(all="ignore"):
            result = function(*(np.asarray(value, dtype=np.float64) for value in values))
        return np.broadcast_to(result, np.broadcast_shapes(*map(np.shape, values))) * 1.0

    return compute


def evaluate_precisely(
    expression: sympy.Expr, symbol: sympy.Symbol, values: np.ndarray
) -> np.ndarray:
    """`expression` at each of `values`, computed with 40 digits; NaN where it has no real value."""
    function = _to_mpmath(expression, symbol)

    def compute(value: float) -> float:
        try:
            return float(function(mpmath.mpf(float(value))))
        except (ArithmeticError, TypeError, ValueError):
            return np.nan

    with mpmath.workdps(40):
        return np.array([compute(value) for value in values])


def find_limit(expression: sympy.Expr, symbol: sympy.Symbol, sign: int) -> float:
    """The limit of `expression` as `symbol` goes to +∞ (`sign` 1) or −∞ (−1).

    Read off its values at 10¹², 10¹⁵ and 10¹⁸, computed with 50 digits: finite where they agree,
    infinite where they keep growing or falling, otherwise NaN.
    """
    function = _to_mpmath(expression, symbol)
    with mpmath.workdps(50):
        try:
            near, far, farthest = (function(sign * mpmath.mpf(10) ** n) for n in (12, 15, 18))
            if abs(farthest - far) < 1e-9 and abs(far - near) < 1e-6:
                return 0.0 if abs(farthest) < 1e-12 else float(farthest)
            if farthest > far > near and farthest > 0:
                return np.inf
            if farthest < far < near and farthest < 0:
                return -np.inf
            if farthest == far and mpmath.isinf(far):
                return float(far)
        except (ArithmeticError, TypeError, ValueError):
            pass
    return np.nan


def _to_mpmath(expression: sympy.Expr, symbol: sympy.Symbol) -> Callable[[Any], Any]:
    """`expression` as a function of one mpmath number of any size."""
    # sympy takes seconds to print Heaviside's function
    printable = expression.replace(sympy.Heaviside, lambda x, at_zero: sympy.Function("step")(x))
    functions = {"exp": _exp, "tanh": _tanh, "step": lambda x: (mpmath.sign(x) + 1) / 2}
    return sympy.lambdify([symbol], printable, [functions, "mpmath"])


def _exp(x: Any) -> Any:
    if abs(x) < 1e20:
        return mpmath.exp(x)
    return mpmath.inf if x > 0 else mpmath.mpf(0)


def _tanh(x: Any) -> Any:
    return mpmath.tanh(x) if abs(x) < 1e3 else mpmath.sign(x)


def rationalise(value: float, tolerance: float = 1e-9) -> sympy.Expr:
    """The fraction with a denominator up to 1000 within `tolerance` of `value`, else `value`."""
    if value in (np.inf, -np.inf):
        return sympy.oo if value > 0 else -sympy.oo
    fraction = sympy.nsimplify(value, rational=True, tolerance=tolerance)
    short = sympy.Rational(fraction).limit_denominator(1000)
    return short if abs(float(short) - value) <= tolerance else sympy.Float(value)


def minimise(function: Callable[[Array], Array], count: int) -> tuple[Array, Array]:
    """The minimisers and minima, both `(count,)`, of `count` functions of one logit.

    `function` maps logits `(count, points)` to values of the same shape. The search, which uses no
    derivatives, starts with a grid over ±SEARCH_LIMIT and refines it ten times around the lowest
    point.
    """
    centre, width = np.zeros((count, 1)), SEARCH_LIMIT
    for points in (4801, *[201] * 10):
        logits = centre + width * np.linspace(-1.0, 1.0, points)
        logits = np.clip(logits, -SEARCH_LIMIT, SEARCH_LIMIT)
        values = function(logits)
        values = np.where(np.isnan(values), np.inf, values)
        lowest = np.argmin(values, axis=1)[:, None]
        centre = np.take_along_axis(logits, lowest, axis=1)
        width = width * 2.5 / points if points > 201 else width / 50
    return centre[:, 0], np.take_along_axis(values, lowest, axis=1)[:, 0]

"""Numbers for the proof: formulas evaluated without sympy, limits, direct minimisation.

The checks of a derivation go this way, so that a slip in the algebra cannot confirm itself.
"""

from collections.abc import Callable, Iterator
from typing import Any

import mpmath
import numpy as np
import sympy
from scipy import special

from ganbench.formula.language import ARITHMETIC, Apply, Expression, Number, Variable

Array = Any
"""A float or a float64 array."""
FARTHEST = 1e15
"""The logit that stands for infinity in float64."""
GRID = np.linspace(-50.0, 50.0, 2001)
"""Logits at which a formula must have a value."""
WIDEST = 60.0
"""A direct search looks at logits from −WIDEST to WIDEST."""

_FUNCTIONS: dict[tuple[str, int], Callable[..., Array]] = {
    **ARITHMETIC,
    ("softplus", 1): lambda a: np.logaddexp(0.0, a),
    ("sigmoid", 1): special.expit,
    ("log", 1): np.log,
    ("exp", 1): np.exp,
    ("tanh", 1): np.tanh,
    ("relu", 1): lambda a: np.maximum(a, 0.0),
    ("abs", 1): np.abs,
    ("square", 1): np.square,
    ("sqrt", 1): np.sqrt,
    ("mean", 1): lambda a: a,
    ("maximum", 2): np.maximum,
    ("minimum", 2): np.minimum,
}


def evaluate(expression: Expression, r: Array, f: Array) -> Array:
    """The formula in float64 at real logits `r` and fake logits `f`.

    `mean` is over a batch whose logits are all equal: it changes nothing. NaN where there is no
    value.
    """
    with np.errstate(all="ignore"):
        return _evaluate(expression, {"r": np.asarray(r, float), "f": np.asarray(f, float)})


def _evaluate(expression: Expression, logits: dict[str, Array]) -> Array:
    match expression:
        case Number(value):
            return np.float64(value)
        case Variable(name):
            return logits[name]
        case Apply(function, arguments):
            parts = [_evaluate(each, logits) for each in arguments]
            return _FUNCTIONS[function, len(parts)](*parts)


def gap(expression: Expression) -> float | None:
    """A logit, r = f, near which the formula has no finite value; None where it has one everywhere.

    Infinity counts as a value at logits beyond ±2, where it may be a number too large for float64;
    what a formula divides by may not change its sign.
    """
    values = np.broadcast_to(evaluate(expression, GRID, GRID), GRID.shape)
    missing = GRID[np.isnan(values) | (np.isinf(values) & (np.abs(GRID) <= 2.0))]
    for below in _divisors(expression):
        divisor = np.broadcast_to(evaluate(below, GRID, GRID), GRID.shape)
        missing = np.append(missing, GRID[1:][np.sign(divisor[1:]) * np.sign(divisor[:-1]) <= 0])
    return float(missing[0]) if missing.size else None


def _divisors(expression: Expression) -> Iterator[Expression]:
    if isinstance(expression, Apply):
        match expression:
            case Apply("/", (_, below)):
                yield below
            case Apply("**", (base, Number(power))) if power < 0:
                yield base
        for argument in expression.arguments:
            yield from _divisors(argument)


def lambdified(expression: sympy.Expr, *symbols: sympy.Symbol) -> Callable[..., Array]:
    """`expression` as a float64 function of arrays; NaN where it has no real value."""
    if any(max(abs(each.p), each.q) > 2**53 for each in expression.atoms(sympy.Rational)):
        expression = expression.evalf(17)  # numpy takes no roots of longer integers
    function = sympy.lambdify(symbols, expression, "numpy")

    def evaluated(*values: Array) -> Array:
        with np.errstate(all="ignore"):
            result = function(*(np.asarray(value, dtype=np.float64) for value in values))
        return np.broadcast_to(result, np.broadcast_shapes(*map(np.shape, values))) * 1.0

    return evaluated


def precise(expression: sympy.Expr, symbol: sympy.Symbol, values: np.ndarray) -> np.ndarray:
    """`expression` at each of `values`, worked out in 40 digits; NaN where it has no real value."""
    function = _in_mpmath(expression, symbol)

    def at(value: float) -> float:
        try:
            return float(function(mpmath.mpf(float(value))))
        except (ArithmeticError, TypeError, ValueError):
            return np.nan

    with mpmath.workdps(40):
        return np.array([at(value) for value in values])


def limit(expression: sympy.Expr, symbol: sympy.Symbol, sign: int) -> float:
    """The limit of `expression` as `symbol` goes to +∞ (`sign` 1) or −∞ (−1), in 50 digits.

    From the values at 10¹², 10¹⁵ and 10¹⁸: they agree, or grow without bound, or NaN: no telling.
    """
    function = _in_mpmath(expression, symbol)
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


def _in_mpmath(expression: sympy.Expr, symbol: sympy.Symbol) -> Callable[[Any], Any]:
    """`expression` as a function of one mpmath number, whatever its size."""
    # sympy takes seconds to print Heaviside's function
    steps = expression.replace(sympy.Heaviside, lambda x, at_zero: sympy.Function("step")(x))
    own = {"exp": _exp, "tanh": _tanh, "step": lambda x: (mpmath.sign(x) + 1) / 2}
    return sympy.lambdify([symbol], steps, [own, "mpmath"])


def _exp(x: Any) -> Any:
    if abs(x) < 1e20:
        return mpmath.exp(x)
    return mpmath.inf if x > 0 else mpmath.mpf(0)


def _tanh(x: Any) -> Any:
    return mpmath.tanh(x) if abs(x) < 1e3 else mpmath.sign(x)


def exact(value: float, tolerance: float = 1e-9) -> sympy.Expr:
    """The short fraction that is `value` within `tolerance`, or `value` as it is."""
    if value in (np.inf, -np.inf):
        return sympy.oo if value > 0 else -sympy.oo
    fraction = sympy.nsimplify(value, rational=True, tolerance=tolerance)
    short = sympy.Rational(fraction).limit_denominator(1000)
    return short if abs(float(short) - value) <= tolerance else sympy.Float(value)


def lowest(function: Callable[[Array], Array], count: int) -> tuple[Array, Array]:
    """Where `count` functions of one logit are lowest, and how low: both `(count,)`.

    `function` takes logits `(count, points)`. Direct search: a grid over ±WIDEST, then around
    the lowest point, ten times over, each 50 times finer. No derivative is used.
    """
    centre, width = np.zeros((count, 1)), WIDEST
    for points in (4801, *[201] * 10):
        logits = centre + width * np.linspace(-1.0, 1.0, points)
        logits = np.clip(logits, -WIDEST, WIDEST)
        values = np.where(np.isnan(found := function(logits)), np.inf, found)
        best = np.argmin(values, axis=1)[:, None]
        centre = np.take_along_axis(logits, best, axis=1)
        width = width * 2.5 / points if points > 201 else width / 50
    return centre[:, 0], np.take_along_axis(values, best, axis=1)[:, 0]

"""A formula as a sympy expression."""

import math
from collections.abc import Callable
from fractions import Fraction

import sympy

from ganbench.formula.language import ARITHMETIC, Apply, Expression, Formula, Number, Variable

SYMBOLS = {name: sympy.Symbol(name, real=True) for name in ("r", "f")}
MEAN = sympy.Function("mean", real=True)
"""The mean over a batch: left as it is, for no single point defines it."""
SHORT = 10_000
"""The largest denominator of a fraction that a number is read as."""
ROUNDING = 4e-16
"""By how much of itself a number may be off through arithmetic that was folded."""

_FUNCTIONS: dict[tuple[str, int], Callable[..., sympy.Expr]] = {
    **ARITHMETIC,
    ("softplus", 1): lambda a: sympy.log(1 + sympy.exp(a)),
    ("sigmoid", 1): lambda a: 1 / (1 + sympy.exp(-a)),
    ("log", 1): sympy.log,
    ("exp", 1): sympy.exp,
    ("tanh", 1): sympy.tanh,
    ("relu", 1): lambda a: sympy.Max(a, 0),
    ("abs", 1): sympy.Abs,
    ("square", 1): lambda a: a**2,
    ("sqrt", 1): sympy.sqrt,
    ("mean", 1): MEAN,
    ("maximum", 2): sympy.Max,
    ("minimum", 2): sympy.Min,
}


def to_sympy(formula: Formula) -> sympy.Expr:
    """`formula` in the real symbols of `SYMBOLS`, for one real and one fake sample."""
    return _convert(formula.expression)


def _convert(expression: Expression) -> sympy.Expr:
    match expression:
        case Number(value):
            return _number(value)
        case Variable(name):
            return SYMBOLS[name]
        case Apply(function, arguments):
            return _FUNCTIONS[function, len(arguments)](*map(_convert, arguments))


def _number(value: float) -> sympy.Expr:
    """The exact number that `value` stands for.

    The short fraction that it is, up to the rounding of folded arithmetic (0.1 and 1 - 0.9 are
    1/10), or the logarithm of one (a formula's log(2) is folded too), or the decimal as written.
    """
    fraction = _short(value)
    if math.isclose(fraction, value, rel_tol=ROUNDING):
        return sympy.Rational(fraction.numerator, fraction.denominator)
    if abs(value) < math.log(SHORT):
        fraction = _short(math.exp(value))
        if fraction and math.isclose(math.log(fraction), value, rel_tol=ROUNDING):
            return sympy.log(sympy.Rational(fraction.numerator, fraction.denominator))
    return sympy.Rational(repr(value))


def _short(value: float) -> Fraction:
    return Fraction(value).limit_denominator(SHORT)

"""A formula as a sympy expression."""

import math
from collections.abc import Callable
from fractions import Fraction

import sympy

from ganbench.formula.language import ARITHMETIC, Apply, Expression, Formula, Number, Variable

SYMBOLS = {name: sympy.Symbol(name, real=True) for name in ("r", "f")}
MEAN = sympy.Function("mean", real=True)
"""The mean over a batch. It stays unevaluated: it is not a function of a single sample."""
LARGEST_DENOMINATOR = 10_000
"""Numbers are read as fractions with denominators up to this one."""
ROUNDING = 4e-16
"""Relative error that a number may have gained when arithmetic on numbers was folded."""

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
    """The loss of one real and one fake sample, in the real symbols of `SYMBOLS`."""
    return _convert(formula.expression)


def _convert(expression: Expression) -> sympy.Expr:
    match expression:
        case Number(value):
            return _exact_number(value)
        case Variable(name):
            return SYMBOLS[name]
        case Apply(function, arguments):
            return _FUNCTIONS[function, len(arguments)](*map(_convert, arguments))


def _exact_number(value: float) -> sympy.Expr:
    """The number that the author of the formula meant by `value`.

    This is a short fraction if one equals `value` up to `ROUNDING` (0.1 and 1 - 0.9 are both
    1/10), else the logarithm of one (log(2) is folded too), else the decimal as written.
    """
    fraction = _short_fraction(value)
    if math.isclose(fraction, value, rel_tol=ROUNDING):
        return sympy.Rational(fraction.numerator, fraction.denominator)
    if abs(value) < math.log(LARGEST_DENOMINATOR):
        fraction = _short_fraction(math.exp(value))
        if fraction and math.isclose(math.log(fraction), value, rel_tol=ROUNDING):
            return sympy.log(sympy.Rational(fraction.numerator, fraction.denominator))
    return sympy.Rational(repr(value))


def _short_fraction(value: float) -> Fraction:
    return Fraction(value).limit_denominator(LARGEST_DENOMINATOR)

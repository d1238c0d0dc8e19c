"""Simplification of rational expressions, with bounded effort.

Irrational constants such as e^(3/7) are handled as symbols, because sympy would treat them as
powers of e^(1/7) and build polynomials of enormous degree. Expressions of high degree are left
unchanged.
"""

import sympy

LARGEST_DEGREE = 60
"""Expressions are expanded up to this bound on their degree."""


def cancel_and_factor(expression: sympy.Expr) -> sympy.Expr:
    """Reduces a rational expression to lowest terms and factors it; leaves others unchanged."""
    constants: dict[sympy.Symbol, sympy.Expr] = {}
    rational = replace_irrationals(expression, constants)
    if not 0 < bound_degree(rational, rational.free_symbols) <= LARGEST_DEGREE:
        return expression
    return sympy.factor(sympy.cancel(rational)).subs(constants)


def replace_irrationals(
    expression: sympy.Expr, constants: dict[sympy.Symbol, sympy.Expr]
) -> sympy.Expr:
    """Replaces each irrational number by a symbol; adds symbol and number to `constants`."""
    if expression.is_Rational:
        return expression
    if expression.is_Add or expression.is_Mul or (expression.is_Pow and expression.exp.is_Integer):
        return expression.func(*(replace_irrationals(part, constants) for part in expression.args))
    if expression.free_symbols or not expression.is_finite:
        return expression
    for symbol, number in constants.items():
        if number == expression:
            return symbol
    symbol = sympy.Dummy(real=True, positive=expression.is_positive)
    constants[symbol] = expression
    return symbol


def bound_degree(expression: sympy.Expr, symbols: set[sympy.Symbol]) -> float:
    """An upper bound on the degree in `symbols` of numerator and denominator over one fraction bar.

    Infinite where the expression is not algebraic.
    """
    if expression in symbols:
        return 1
    if not expression.free_symbols & symbols:
        return 0
    if expression.is_Pow and expression.exp.is_Rational:
        exponent = expression.exp
        return abs(exponent.p) * exponent.q * bound_degree(expression.base, symbols)
    if expression.is_Add or expression.is_Mul:
        return sum(bound_degree(part, symbols) for part in expression.args)
    return float("inf")

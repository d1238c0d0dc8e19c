"""Rational expressions brought together and factored, as far as that is little work.

Numbers such as e^(3/7) count as letters: as numbers they are roots of polynomials of enormous
degree. What would be of high degree is left as it is.
"""

import sympy

LARGEST = 60
"""Beyond this bound on the degree nothing is expanded."""


def reduced(expression: sympy.Expr) -> sympy.Expr:
    """The same in lowest terms and factored, or as it is where that is much work."""
    letters: dict[sympy.Symbol, sympy.Expr] = {}
    lettered = with_letters(expression, letters)
    if not 0 < degree(lettered, lettered.free_symbols) <= LARGEST:
        return expression
    return sympy.factor(sympy.cancel(lettered)).subs(letters)


def with_letters(expression: sympy.Expr, letters: dict[sympy.Symbol, sympy.Expr]) -> sympy.Expr:
    """The same with a letter for each number that is not rational; `letters` says which."""
    if expression.is_Rational:
        return expression
    if expression.is_Add or expression.is_Mul or (expression.is_Pow and expression.exp.is_Integer):
        return expression.func(*(with_letters(each, letters) for each in expression.args))
    if expression.free_symbols or not expression.is_finite:
        return expression
    for letter, number in letters.items():
        if number == expression:
            return letter
    letter = sympy.Dummy(real=True, positive=expression.is_positive)
    letters[letter] = expression
    return letter


def degree(expression: sympy.Expr, symbols: set[sympy.Symbol]) -> float:
    """A bound on the degree of numerator and denominator in `symbols` once brought together.

    Infinite where the expression is not algebraic.
    """
    if expression in symbols:
        return 1
    if not expression.free_symbols & symbols:
        return 0
    if expression.is_Pow and expression.exp.is_Rational:
        return abs(expression.exp.p) * expression.exp.q * degree(expression.base, symbols)
    if expression.is_Add or expression.is_Mul:
        return sum(degree(each, symbols) for each in expression.args)
    return float("inf")

"""Exact roots of an expression in a logit, or none: bounded work, never a general solver.

An expression in exponentials eᵏᵘ becomes rational in t = e^(u/n), an algebraic one is already
rational in u. Its numerator is factored, and factors of degree one and two are solved.
"""

from math import lcm

import sympy

from ganbench.theory.algebra import LARGEST, degree, with_letters


class Unsolved(Exception):
    """Outside what is solved here: the caller goes on numerically."""


def roots(expression: sympy.Expr, symbol: sympy.Symbol) -> list[sympy.Expr]:
    """Every real root in `symbol`, as expressions in the other symbols; some may never be real.

    Raises Unsolved where the roots cannot be listed.
    """
    expression = without_tanh(expression)
    inside = [each for each in expression.atoms(sympy.exp) if each.has(symbol)]
    if not inside:
        return _rational_roots(expression, symbol)
    rates = {each: _rate(each, symbol) for each in inside}
    n = lcm(*(int(rate.q) for rate in rates.values()))
    if n > LARGEST or any(abs(n * rate) > LARGEST for rate in rates.values()):
        raise Unsolved
    power = sympy.Dummy("t", positive=True)
    replaced = {
        each: power ** (n * rate) * sympy.exp(each.args[0] - rate * symbol)
        for each, rate in rates.items()
    }
    rational = expression.xreplace(replaced)
    if rational.has(symbol):
        raise Unsolved
    found = _rational_roots(rational, power)
    return [n * sympy.log(root) for root in found if root.is_positive is not False]


def without_tanh(expression: sympy.Expr) -> sympy.Expr:
    """The same with exponentials for every tanh."""
    return expression.replace(sympy.tanh, lambda x: 1 - 2 / (sympy.exp(2 * x) + 1))


def _rate(exponential: sympy.Expr, symbol: sympy.Symbol) -> sympy.Rational:
    rate = sympy.diff(exponential.args[0], symbol)
    if not rate.is_Rational:
        raise Unsolved
    return rate


def _rational_roots(expression: sympy.Expr, symbol: sympy.Symbol) -> list[sympy.Expr]:
    letters: dict[sympy.Symbol, sympy.Expr] = {}
    lettered = with_letters(expression, letters)
    if degree(lettered, lettered.free_symbols) > LARGEST:
        raise Unsolved
    try:
        numerator, _ = sympy.fraction(sympy.cancel(sympy.together(lettered)))
        _, factors = sympy.factor_list(numerator, symbol)
        found = [root for factor, _ in factors for root in _polynomial_roots(factor, symbol)]
    except sympy.PolynomialError as error:
        raise Unsolved from error
    return [root.subs(letters) for root in found if not root.has(sympy.I)]


def _polynomial_roots(factor: sympy.Expr, symbol: sympy.Symbol) -> list[sympy.Expr]:
    match sympy.Poly(factor, symbol).all_coeffs():
        case [_]:
            return []
        case [slope, constant]:
            return [sympy.cancel(-constant / slope)]
        case [square, slope, constant]:
            root = sympy.sqrt(sympy.factor(slope**2 - 4 * square * constant))
            return [(-slope + sign * root) / (2 * square) for sign in (1, -1)]
        case [leading, *middle, constant] if not any(middle):
            return _binomial_roots(sympy.cancel(-constant / leading), len(middle) + 1)
    raise Unsolved


def _binomial_roots(power: sympy.Expr, degree: int) -> list[sympy.Expr]:
    """The real roots of xⁿ = `power`."""
    if power.is_positive:
        root = sympy.root(power, degree)
        return [root] if degree % 2 else [root, -root]
    if power.is_negative:
        return [-sympy.root(-power, degree)] if degree % 2 else []
    raise Unsolved

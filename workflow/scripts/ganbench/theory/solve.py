"""Exact real roots of an expression in a logit, with bounded effort: not a general solver.

An expression in exponentials eᵏᵘ becomes rational in t = e^(u/n); an algebraic one is already
rational in u. The numerator is factored, and linear, quadratic and binomial factors are solved.
"""

from math import lcm

import sympy

from ganbench.theory.algebra import LARGEST_DEGREE, bound_degree, replace_irrationals


class NoClosedForm(Exception):
    """The symbolic methods do not apply; the caller continues numerically."""


def find_roots(expression: sympy.Expr, symbol: sympy.Symbol) -> list[sympy.Expr]:
    """All real roots in `symbol`, as expressions in the other symbols.

    Some may be real for no value of the other symbols. Raises NoClosedForm where the roots cannot
    be listed.
    """
    expression = replace_tanh(expression)
    exponentials = [part for part in expression.atoms(sympy.exp) if part.has(symbol)]
    if not exponentials:
        return _find_rational_roots(expression, symbol)
    rates = {exponential: _find_rate(exponential, symbol) for exponential in exponentials}
    n = lcm(*(int(rate.q) for rate in rates.values()))
    if n > LARGEST_DEGREE or any(abs(n * rate) > LARGEST_DEGREE for rate in rates.values()):
        raise NoClosedForm
    t = sympy.Dummy("t", positive=True)
    powers = {
        exponential: t ** (n * rate) * sympy.exp(exponential.args[0] - rate * symbol)
        for exponential, rate in rates.items()
    }
    rational = expression.xreplace(powers)
    if rational.has(symbol):
        raise NoClosedForm
    roots = _find_rational_roots(rational, t)
    return [n * sympy.log(root) for root in roots if root.is_positive is not False]


def replace_tanh(expression: sympy.Expr) -> sympy.Expr:
    """Writes every tanh in exponentials."""
    return expression.replace(sympy.tanh, lambda x: 1 - 2 / (sympy.exp(2 * x) + 1))


def _find_rate(exponential: sympy.Expr, symbol: sympy.Symbol) -> sympy.Rational:
    rate = sympy.diff(exponential.args[0], symbol)
    if not rate.is_Rational:
        raise NoClosedForm
    return rate


def _find_rational_roots(expression: sympy.Expr, symbol: sympy.Symbol) -> list[sympy.Expr]:
    constants: dict[sympy.Symbol, sympy.Expr] = {}
    rational = replace_irrationals(expression, constants)
    if bound_degree(rational, rational.free_symbols) > LARGEST_DEGREE:
        raise NoClosedForm
    try:
        numerator, _ = sympy.fraction(sympy.cancel(sympy.together(rational)))
        _, factors = sympy.factor_list(numerator, symbol)
        roots = [root for factor, _ in factors for root in _find_polynomial_roots(factor, symbol)]
    except sympy.PolynomialError as error:
        raise NoClosedForm from error
    return [root.subs(constants) for root in roots if not root.has(sympy.I)]


def _find_polynomial_roots(factor: sympy.Expr, symbol: sympy.Symbol) -> list[sympy.Expr]:
    match sympy.Poly(factor, symbol).all_coeffs():
        case [_]:
            return []
        case [slope, constant]:
            return [sympy.cancel(-constant / slope)]
        case [square, slope, constant]:
            root = sympy.sqrt(sympy.factor(slope**2 - 4 * square * constant))
            return [(-slope + sign * root) / (2 * square) for sign in (1, -1)]
        case [leading, *middle, constant] if not any(middle):
            return _find_binomial_roots(sympy.cancel(-constant / leading), len(middle) + 1)
    raise NoClosedForm


def _find_binomial_roots(power: sympy.Expr, degree: int) -> list[sympy.Expr]:
    """The real roots of xⁿ = `power`."""
    if power.is_positive:
        root = sympy.root(power, degree)
        return [root] if degree % 2 else [root, -root]
    if power.is_negative:
        return [-sympy.root(-power, degree)] if degree % 2 else []
    raise NoClosedForm

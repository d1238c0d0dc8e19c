"""An expression with kinks as smooth pieces on intervals."""

from itertools import combinations, pairwise
from typing import NamedTuple

import sympy

from ganbench.theory.solve import Unsolved, roots

KINKED = (sympy.Max, sympy.Min, sympy.Abs)
MOST = 32
"""More pieces than this are not listed."""


class Piece(NamedTuple):
    """A smooth expression between two values of its symbol."""

    low: sympy.Expr
    high: sympy.Expr
    expression: sympy.Expr


def pieces(expression: sympy.Expr, symbol: sympy.Symbol) -> list[Piece]:
    """`expression` without Max, Min and Abs, from −∞ to ∞. Raises Unsolved where it cannot say."""
    waiting, smooth = [Piece(-sympy.oo, sympy.oo, expression)], []
    while waiting:
        piece = waiting.pop()
        kinked = [each for each in piece.expression.atoms(*KINKED) if each.has(symbol)]
        innermost = [each for each in kinked if not any(part.atoms(*KINKED) for part in each.args)]
        if not innermost:
            smooth.append(piece)
        else:
            waiting += _split(piece, min(innermost, key=sympy.default_sort_key), symbol)
        if len(waiting) + len(smooth) > MOST:
            raise Unsolved
    return _joined(sorted(smooth, key=lambda piece: piece.low))


def _split(piece: Piece, kinked: sympy.Expr, symbol: sympy.Symbol) -> list[Piece]:
    """The piece between the kinks of one Max, Min or Abs, each with the argument that holds."""
    if isinstance(kinked, sympy.Abs):
        differences = [kinked.args[0]]
    else:
        differences = [first - second for first, second in combinations(kinked.args, 2)]
    kinks = {root for difference in differences for root in roots(difference, symbol)}
    inside = sorted(kink for kink in kinks if kink.is_real and piece.low < kink < piece.high)
    ends = [piece.low, *inside, piece.high]
    return [
        Piece(low, high, piece.expression.xreplace({kinked: _holds(kinked, symbol, low, high)}))
        for low, high in pairwise(ends)
    ]


def _holds(
    kinked: sympy.Expr, symbol: sympy.Symbol, low: sympy.Expr, high: sympy.Expr
) -> sympy.Expr:
    at = inner_point(low, high)
    if isinstance(kinked, sympy.Abs):
        return kinked.args[0] if kinked.args[0].subs(symbol, at) >= 0 else -kinked.args[0]
    value = kinked.subs(symbol, at).evalf()
    return min(kinked.args, key=lambda each: abs((each.subs(symbol, at) - value).evalf()))


def inner_point(low: sympy.Expr, high: sympy.Expr) -> sympy.Expr:
    """A point between two, either of which may be infinite."""
    match low.is_infinite, high.is_infinite:
        case True, True:
            return sympy.Integer(0)
        case True, False:
            return high - 1
        case False, True:
            return low + 1
    return (low + high) / 2


def _joined(smooth: list[Piece]) -> list[Piece]:
    """Neighbours with one expression as one piece."""
    joined: list[Piece] = []
    for piece in smooth:
        if joined and joined[-1].expression == piece.expression:
            joined[-1] = joined[-1]._replace(high=piece.high)
        else:
            joined.append(piece)
    return joined

"""Splits an expression with kinks into smooth pieces on intervals."""

from itertools import combinations, pairwise
from typing import NamedTuple

import sympy

from ganbench.theory.solve import NoClosedForm, find_roots

KINKED = (sympy.Max, sympy.Min, sympy.Abs)
MOST_PIECES = 32


class Piece(NamedTuple):
    """A smooth expression on the interval from `low` to `high` of its symbol."""

    low: sympy.Expr
    high: sympy.Expr
    expression: sympy.Expr


def find_pieces(expression: sympy.Expr, symbol: sympy.Symbol) -> list[Piece]:
    """The pieces of `expression` from −∞ to ∞, free of Max, Min and Abs of `symbol`.

    Raises NoClosedForm where a kink cannot be located or there are more than `MOST_PIECES`.
    """
    pending, smooth = [Piece(-sympy.oo, sympy.oo, expression)], []
    while pending:
        piece = pending.pop()
        kinked = [part for part in piece.expression.atoms(*KINKED) if part.has(symbol)]
        innermost = [
            part for part in kinked if not any(inner.atoms(*KINKED) for inner in part.args)
        ]
        if not innermost:
            smooth.append(piece)
        else:
            pending += _split(piece, min(innermost, key=sympy.default_sort_key), symbol)
        if len(pending) + len(smooth) > MOST_PIECES:
            raise NoClosedForm
    return _merge(sorted(smooth, key=lambda piece: piece.low))


def _split(piece: Piece, kinked: sympy.Expr, symbol: sympy.Symbol) -> list[Piece]:
    """Splits a piece at the kinks of one Max, Min or Abs and replaces that by its active branch."""
    if isinstance(kinked, sympy.Abs):
        differences = [kinked.args[0]]
    else:
        differences = [first - second for first, second in combinations(kinked.args, 2)]
    kinks = {root for difference in differences for root in find_roots(difference, symbol)}
    inside = sorted(kink for kink in kinks if kink.is_real and piece.low < kink < piece.high)
    ends = [piece.low, *inside, piece.high]
    return [
        Piece(
            low, high, piece.expression.xreplace({kinked: _find_branch(kinked, symbol, low, high)})
        )
        for low, high in pairwise(ends)
    ]


def _find_branch(
    kinked: sympy.Expr, symbol: sympy.Symbol, low: sympy.Expr, high: sympy.Expr
) -> sympy.Expr:
    """The smooth expression that a Max, Min or Abs equals between `low` and `high`."""
    point = _inner_point(low, high)
    if isinstance(kinked, sympy.Abs):
        inner = kinked.args[0]
        return inner if inner.subs(symbol, point) >= 0 else -inner
    value = kinked.subs(symbol, point).evalf()
    return min(kinked.args, key=lambda branch: abs((branch.subs(symbol, point) - value).evalf()))


def _inner_point(low: sympy.Expr, high: sympy.Expr) -> sympy.Expr:
    match low.is_infinite, high.is_infinite:
        case True, True:
            return sympy.Integer(0)
        case True, False:
            return high - 1
        case False, True:
            return low + 1
    return (low + high) / 2


def _merge(pieces: list[Piece]) -> list[Piece]:
    """Merges neighbours that have the same expression."""
    merged: list[Piece] = []
    for piece in pieces:
        if merged and merged[-1].expression == piece.expression:
            merged[-1] = merged[-1]._replace(high=piece.high)
        else:
            merged.append(piece)
    return merged

"""Step 4 of the proof: the weight ∂L_G/∂f of a generated sample's gradient, against D(G(z))."""

from dataclasses import dataclass

import numpy as np
import sympy

from ganbench.formula.language import Formula
from ganbench.formula.symbolic import MEAN
from ganbench.theory import numeric
from ganbench.theory.algebra import reduced
from ganbench.theory.integrand import F, R, in_sympy
from ganbench.theory.pieces import Piece, pieces
from ganbench.theory.solve import Unsolved, roots, without_tanh

D = sympy.Symbol("D", positive=True)
"""D(G(z)) = σ(f)"""
D_REAL = sympy.Symbol("D_x", positive=True)
"""D(x) = σ(r)"""
GRID = np.linspace(0.005, 0.995, 199)
"""Values of D(G(z)) at which the weight is sampled."""


@dataclass(frozen=True)
class Weight:
    """∂L_G/∂f in D(G(z)), and in D(x) where the generator's loss holds real logits too.

    `at_zero` and `at_one` are its limits as D(G(z)) → 0 and → 1, ±inf where it grows without
    bound, NaN where that cannot be told. `zeros` are values of D(G(z)) between where it is zero,
    and `flat` intervals of them. With D(x) = 1/2 in all of these.
    """

    expression: sympy.Expr
    averaged: bool
    at_zero: float
    at_one: float
    zeros: tuple[sympy.Expr, ...]
    flat: tuple[tuple[sympy.Expr, sympy.Expr], ...]

    @property
    def paired(self) -> bool:
        """Whether it depends on the real logits."""
        return self.expression.has(D_REAL)

    def sampled(self, d_fake: np.ndarray) -> np.ndarray:
        """The weight at values of D(G(z)), with D(x) = 1/2."""
        return numeric.precise(self.expression.subs(D_REAL, sympy.Rational(1, 2)), D, d_fake)


def weight(formula: Formula) -> Weight:
    """The weight of a generator's formula. A mean is over a batch whose logits are all equal.

    Raises NoOptimum where the formula has no finite value at some logit.
    """
    loss = in_sympy(formula)
    averaged = loss.has(MEAN)
    while loss.has(MEAN):
        loss = loss.replace(MEAN, lambda x: x)
    slopes = _slopes(loss)
    at_half = [Piece(*(part.subs(R, 0) for part in piece)) for piece in slopes]
    return Weight(
        expression=_in_discriminator(slopes),
        averaged=averaged,
        at_zero=numeric.limit(at_half[0].expression, F, -1),
        at_one=numeric.limit(at_half[-1].expression, F, 1),
        zeros=tuple(zero for piece in at_half for zero in _zeros(piece)),
        flat=tuple((_sigmoid(low), _sigmoid(high)) for low, high, slope in at_half if slope == 0),
    )


def _slopes(loss: sympy.Expr) -> list[Piece]:
    """∂L/∂f on each smooth piece; on one piece with step functions where r moves the kinks."""
    try:
        smooth = pieces(loss, F)
    except (Unsolved, TypeError):
        smooth = [Piece(-sympy.oo, sympy.oo, loss)]
    return [Piece(low, high, sympy.diff(part, F)) for low, high, part in smooth]


def _in_discriminator(slopes: list[Piece]) -> sympy.Expr:
    *before, last = [(_shown(slope), _sigmoid(high)) for _, high, slope in slopes]
    return sympy.Piecewise(*((slope, end > D) for slope, end in before), (last[0], True))


def _shown(slope: sympy.Expr) -> sympy.Expr:
    """A slope in D and D_x instead of logits."""
    not_d, not_real = sympy.symbols("not_d not_real", positive=True)  # 1 - D and 1 - D_x
    in_d = without_tanh(slope)
    in_d = in_d.subs({F: sympy.log(D / not_d), R: sympy.log(D_REAL / not_real)})
    in_d = in_d.subs({not_d: 1 - D, not_real: 1 - D_REAL})
    return reduced(in_d)


def _sigmoid(logit: sympy.Expr) -> sympy.Expr:
    if logit.is_infinite:
        return sympy.Integer(1 if logit > 0 else 0)
    return _shown(1 / (1 + sympy.exp(-logit)))


def _zeros(piece: Piece) -> list[sympy.Expr]:
    try:
        found = roots(piece.expression, F) if piece.expression.has(F) else []
    except Unsolved:
        return []
    return [_sigmoid(zero) for zero in found if zero.is_real and piece.low < zero < piece.high]

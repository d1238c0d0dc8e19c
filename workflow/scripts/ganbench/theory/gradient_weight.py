"""Step 4 of the proof: the weight ∂L_G/∂f of a generated sample's gradient, against D(G(z))."""

from dataclasses import dataclass

import numpy as np
import sympy

from ganbench.formula.language import Formula
from ganbench.formula.symbolic import MEAN
from ganbench.theory import numeric
from ganbench.theory.algebra import cancel_and_factor
from ganbench.theory.integrand import F, R, to_finite_sympy
from ganbench.theory.pieces import Piece, find_pieces
from ganbench.theory.solve import NoClosedForm, find_roots, replace_tanh

D = sympy.Symbol("D", positive=True)
"""D(G(z)) = σ(f)"""
D_REAL = sympy.Symbol("D_x", positive=True)
"""D(x) = σ(r)"""
D_FAKE = np.linspace(0.005, 0.995, 199)
"""Values of D(G(z)) at which the weight is reported."""


@dataclass(frozen=True)
class GradientWeight:
    """∂L_G/∂f as an expression in D(G(z)), and in D(x) if the generator's loss uses real logits.

    `averaged` is true if the loss contains a mean over the batch; its logits are then taken as
    equal. All other fields are for D(x) = 1/2. `at_zero` and `at_one` are the limits as
    D(G(z)) → 0 and → 1: ±inf where the weight grows without bound, NaN where the limit could not
    be determined. `zeros` are the values of D(G(z)) at which the weight is zero, `flat` the
    intervals on which it is.
    """

    expression: sympy.Expr
    averaged: bool
    at_zero: float
    at_one: float
    zeros: tuple[sympy.Expr, ...]
    flat: tuple[tuple[sympy.Expr, sympy.Expr], ...]

    @property
    def paired(self) -> bool:
        """Whether the weight depends on the real logits."""
        return self.expression.has(D_REAL)

    def evaluate(self, d_fake: np.ndarray) -> np.ndarray:
        """The weight at values of D(G(z)), with D(x) = 1/2."""
        at_half = self.expression.subs(D_REAL, sympy.Rational(1, 2))
        return numeric.evaluate_precisely(at_half, D, d_fake)


def find_gradient_weight(formula: Formula) -> GradientWeight:
    """Differentiates a generator's loss; a mean is over a batch whose logits are all equal.

    Raises NotDerivable where the formula has no finite value at some logit.
    """
    loss = to_finite_sympy(formula)
    averaged = loss.has(MEAN)
    while loss.has(MEAN):
        loss = loss.replace(MEAN, lambda x: x)
    slopes = _find_slopes(loss)
    at_half = [Piece(*(part.subs(R, 0) for part in piece)) for piece in slopes]
    return GradientWeight(
        expression=_join(slopes),
        averaged=averaged,
        at_zero=numeric.find_limit(at_half[0].expression, F, -1),
        at_one=numeric.find_limit(at_half[-1].expression, F, 1),
        zeros=tuple(zero for piece in at_half for zero in _find_zeros(piece)),
        flat=tuple((_sigmoid(low), _sigmoid(high)) for low, high, slope in at_half if slope == 0),
    )


def _find_slopes(loss: sympy.Expr) -> list[Piece]:
    """∂L/∂f on each smooth piece; a single piece with step functions if kinks move with r."""
    try:
        pieces = find_pieces(loss, F)
    except (NoClosedForm, TypeError):
        pieces = [Piece(-sympy.oo, sympy.oo, loss)]
    return [Piece(low, high, sympy.diff(part, F)) for low, high, part in pieces]


def _join(slopes: list[Piece]) -> sympy.Expr:
    """One expression in D and D_x from the slopes of all pieces."""
    *before, last = slopes
    cases = [
        (_substitute_discriminator(piece.expression), _sigmoid(piece.high)) for piece in before
    ]
    otherwise = _substitute_discriminator(last.expression)
    return sympy.Piecewise(*((slope, end > D) for slope, end in cases), (otherwise, True))


def _substitute_discriminator(expression: sympy.Expr) -> sympy.Expr:
    """Writes an expression in logits in terms of D and D_x."""
    not_d, not_real = sympy.symbols("not_d not_real", positive=True)  # 1 - D and 1 - D_x
    expression = replace_tanh(expression)
    expression = expression.subs({F: sympy.log(D / not_d), R: sympy.log(D_REAL / not_real)})
    return cancel_and_factor(expression.subs({not_d: 1 - D, not_real: 1 - D_REAL}))


def _sigmoid(logit: sympy.Expr) -> sympy.Expr:
    if logit.is_infinite:
        return sympy.Integer(1 if logit > 0 else 0)
    return _substitute_discriminator(1 / (1 + sympy.exp(-logit)))


def _find_zeros(piece: Piece) -> list[sympy.Expr]:
    try:
        roots = find_roots(piece.expression, F) if piece.expression.has(F) else []
    except NoClosedForm:
        return []
    return [_sigmoid(root) for root in roots if root.is_real and piece.low < root < piece.high]

"""Step 1 of the proof: the discriminator's loss as an integral over x of one number per point."""

from dataclasses import dataclass

import numpy as np
import sympy

from ganbench.formula.language import Formula
from ganbench.formula.symbolic import MEAN, SYMBOLS, to_sympy
from ganbench.theory import numeric

A = sympy.Symbol("a", positive=True)
"""p_data(x)"""
B = sympy.Symbol("b", positive=True)
"""p_g(x)"""
U = sympy.Symbol("u", real=True)
"""The discriminator's logit at x."""
R, F = SYMBOLS["r"], SYMBOLS["f"]


class NoOptimum(Exception):
    """There is no pointwise optimal discriminator; the message says why."""


@dataclass(frozen=True)
class Integrand:
    """L_D = ∫ a·real(u) + b·fake(u) dx, with a = p_data(x), b = p_g(x), u the logit at x."""

    real: sympy.Expr
    fake: sympy.Expr
    formula: Formula

    @property
    def expression(self) -> sympy.Expr:
        """a·real(u) + b·fake(u)."""
        return A * self.real + B * self.fake

    def value(self, a: numeric.Array, b: numeric.Array, u: numeric.Array) -> numeric.Array:
        """The same from the formula as written, in float64, without sympy.

        The formula at r = u holds the fake part at f = 0 too; it cancels, up to constants, which
        `split` shares out equally.
        """
        u = np.where(np.isinf(u), np.sign(u) * numeric.FARTHEST, u)
        at = self.formula.expression
        base = numeric.evaluate(at, 0.0, 0.0)
        real = numeric.evaluate(at, u, 0.0) - base + self._at_zero(self.real)
        fake = numeric.evaluate(at, 0.0, u) - base + self._at_zero(self.fake)
        with np.errstate(all="ignore"):
            return a * real + b * fake

    def _at_zero(self, part: sympy.Expr) -> float:
        return float(part.subs(U, 0))


def split(formula: Formula) -> Integrand:
    """The integrand of a discriminator's formula.

    Constant terms go half to each part. Raises NoOptimum where the loss is not a sum of a function
    of r and a function of f, or has no value at some logit.
    """
    loss = sympy.Add(*map(_without_mean, sympy.Add.make_args(in_sympy(formula))))
    if loss.has(MEAN):
        raise NoOptimum(
            "the mean() ties the samples of a batch together: the loss at a sample depends on the "
            "discriminator at all others, so no single point x has an integrand of its own"
        )
    _check_sum(formula)
    real, fake = _parts(loss)
    return Integrand(real, fake, formula)


def _without_mean(term: sympy.Expr) -> sympy.Expr:
    """A term that is a mean over the batch, in a loss that is the mean over the batch."""
    factor, rest = term.as_coeff_Mul()
    while rest.func == MEAN:
        rest = rest.args[0]
    return factor * rest


def in_sympy(formula: Formula) -> sympy.Expr:
    """The formula in sympy. Raises NoOptimum where it has no finite value at some logit."""
    gap = numeric.gap(formula.expression)
    if gap is not None:
        raise NoOptimum(f"the formula has no finite value at logits near {gap:g}")
    try:
        loss = to_sympy(formula)
    except ValueError:  # of a maximum or minimum of what is not real
        loss = sympy.nan
    if loss.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo):
        raise NoOptimum("the formula has no finite value at some logit")
    return loss


def _check_sum(formula: Formula) -> None:
    """∂²L/∂r∂f = 0, as differences between all pairs of nine logits: L(r, f) = l(r) + l(f)."""
    points = np.array([-7.3, -3.1, -1.7, -0.6, 0.0, 0.45, 1.3, 2.9, 6.7])
    values = numeric.evaluate(formula.expression, points[:, None], points[None, :])
    values = np.broadcast_to(values, (9, 9))
    scale = np.maximum(1.0, np.abs(values))
    with np.errstate(invalid="ignore"):  # where a value is beyond float64
        mixed = values - values[:, 4:5] - values[4:5, :] + values[4, 4]
        together = (np.abs(mixed) / scale > 1e-9).any()
    if together:
        raise NoOptimum(
            "the formula does not split into a part of r and a part of f: it compares a real "
            "sample with a fake one, so no single point x has an integrand of its own. The loss "
            "is an integral over pairs of points"
        )


def _parts(loss: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    terms = sympy.Add.make_args(loss)
    if any({R, F} <= term.free_symbols for term in terms):
        constant = loss.subs({R: 0, F: 0}) / 2
        return loss.subs({R: U, F: 0}) - constant, loss.subs({F: U, R: 0}) - constant
    constant = sympy.Add(*(term for term in terms if not term.free_symbols)) / 2
    real = sympy.Add(*(term for term in terms if R in term.free_symbols)) + constant
    fake = sympy.Add(*(term for term in terms if F in term.free_symbols)) + constant
    return real.subs(R, U), fake.subs(F, U)

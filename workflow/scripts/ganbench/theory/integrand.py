"""Step 1 of the proof: the discriminator's loss as an integral over x, and its integrand."""

from dataclasses import dataclass

import numpy as np
import sympy

from ganbench.formula.language import Formula
from ganbench.formula.numpy_loss import Array, evaluate
from ganbench.formula.symbolic import MEAN, SYMBOLS, to_sympy
from ganbench.theory import numeric

A = sympy.Symbol("a", positive=True)
"""p_data(x)"""
B = sympy.Symbol("b", positive=True)
"""p_g(x)"""
U = sympy.Symbol("u", real=True)
"""The discriminator's logit at x."""
R, F = SYMBOLS["r"], SYMBOLS["f"]


class NotDerivable(Exception):
    """A step of the proof does not apply to this formula; the message says why."""


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

    def evaluate(self, a: Array, b: Array, u: Array) -> Array:
        """The integrand in float64, computed without sympy from the formula as written.

        With f fixed at 0, the formula at r = u is the real part plus a constant, and likewise for
        the fake part. The constants are those of `split_integrand`.
        """
        u = np.where(np.isinf(u), np.sign(u) * numeric.INFINITE_LOGIT, u)
        loss = self.formula.expression
        at_zero = evaluate(loss, 0.0, 0.0)
        real = evaluate(loss, u, 0.0) - at_zero + float(self.real.subs(U, 0))
        fake = evaluate(loss, 0.0, u) - at_zero + float(self.fake.subs(U, 0))
        with np.errstate(all="ignore"):
            return a * real + b * fake


def split_integrand(formula: Formula) -> Integrand:
    """Splits a discriminator's loss into its part on real samples and its part on fake ones.

    Half of the constant terms goes to each part. Raises NotDerivable where the loss is not the sum
    of a function of r and a function of f, or has no finite value at some logit.
    """
    terms = sympy.Add.make_args(to_finite_sympy(formula))
    loss = sympy.Add(*map(_without_mean, terms))
    if loss.has(MEAN):
        raise NotDerivable(
            "the mean() couples the samples of a batch: the loss at one sample depends on the "
            "logits of all others, so there is no integrand at a single point x"
        )
    _check_sum(formula)
    real, fake = _split(loss)
    return Integrand(real, fake, formula)


def _without_mean(term: sympy.Expr) -> sympy.Expr:
    """Strips means around a whole term: the loss is the mean over the batch anyway."""
    factor, rest = term.as_coeff_Mul()
    while rest.func == MEAN:
        rest = rest.args[0]
    return factor * rest


def to_finite_sympy(formula: Formula) -> sympy.Expr:
    """The formula in sympy. Raises NotDerivable where it has no finite value at some logit."""
    if formula.states:
        raise NotDerivable(
            f"the formula has {', '.join(sorted(formula.states))}, which moves while training, so "
            "there is no one game whose optimum could be derived"
        )
    gap = numeric.find_gap(formula.expression)
    if gap is not None:
        raise NotDerivable(f"the formula has no finite value at logits near {gap:g}")
    try:
        loss = to_sympy(formula)
    except ValueError:  # a maximum or minimum of expressions that are not real
        loss = sympy.nan
    if loss.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo):
        raise NotDerivable("the formula has no finite value at some logit")
    return loss


def _check_sum(formula: Formula) -> None:
    """Raises NotDerivable unless the loss is a sum l(r) + l(f), so that ∂²L/∂r∂f = 0.

    The mixed derivative is replaced by differences between all pairs of nine logits.
    """
    logits = np.array([-7.3, -3.1, -1.7, -0.6, 0.0, 0.45, 1.3, 2.9, 6.7])
    values = evaluate(formula.expression, logits[:, None], logits[None, :])
    values = np.broadcast_to(values, (9, 9))
    scale = np.maximum(1.0, np.abs(values))
    with np.errstate(invalid="ignore"):  # where a value is beyond float64
        mixed = values - values[:, 4:5] - values[4:5, :] + values[4, 4]
        is_sum = not (np.abs(mixed) / scale > 1e-9).any()
    if not is_sum:
        raise NotDerivable(
            "the formula is not the sum of a function of r and a function of f: it compares a real "
            "sample with a fake one, so the loss is an integral over pairs of points and there is "
            "no integrand at a single point x"
        )


def _split(loss: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    terms = sympy.Add.make_args(loss)
    if any({R, F} <= term.free_symbols for term in terms):
        constant = loss.subs({R: 0, F: 0}) / 2
        return loss.subs({R: U, F: 0}) - constant, loss.subs({F: U, R: 0}) - constant
    constant = sympy.Add(*(term for term in terms if not term.free_symbols)) / 2
    real = sympy.Add(*(term for term in terms if R in term.free_symbols)) + constant
    fake = sympy.Add(*(term for term in terms if F in term.free_symbols)) + constant
    return real.subs(R, U), fake.subs(F, U)

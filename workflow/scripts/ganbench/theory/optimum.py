"""Step 2 of the proof: the logit u that minimises the integrand a·real(u) + b·fake(u)."""

from dataclasses import dataclass

import numpy as np
import sympy

from ganbench.theory import numeric
from ganbench.theory.algebra import cancel_and_factor
from ganbench.theory.integrand import A, B, Integrand, NotDerivable, U
from ganbench.theory.pieces import find_pieces
from ganbench.theory.solve import NoClosedForm, find_roots

RATIOS = np.exp(np.linspace(-14.0, 14.0, 280))
"""Values of a/b, none of them 1, at which candidates are compared."""


@dataclass(frozen=True)
class Candidate:
    """A logit at which the integrand may be lowest, and its value there, in terms of a and b.

    `kind` is `stationary`, `kink` or `infinity`. A stationary point is a candidate only where its
    logit lies between `low` and `high`.
    """

    kind: str
    logit: sympy.Expr
    value: sympy.Expr
    second_derivative: sympy.Expr | None = None
    low: sympy.Expr = -sympy.oo
    high: sympy.Expr = sympy.oo

    @property
    def discriminator(self) -> sympy.Expr:
        """D = σ(u) in terms of a and b."""
        if self.logit.is_infinite:
            return sympy.Integer(1 if self.logit > 0 else 0)
        exponential = sympy.exp(-self.logit)
        discriminator = 1 / (1 + exponential)
        if any(part.has(A, B) for part in exponential.atoms(sympy.exp)):
            return discriminator
        return cancel_and_factor(discriminator)


@dataclass(frozen=True)
class Optimum:
    """The lowest candidates in order of increasing a/b, and the a/b at which they change."""

    candidates: tuple[Candidate, ...]
    thresholds: tuple[sympy.Expr, ...]

    def _join(self, values: list[sympy.Expr]) -> sympy.Expr:
        """Joins one expression per candidate into one expression in a and b."""
        cases = [
            (value, sympy.Lt(A, threshold * B))
            for value, threshold in zip(values, self.thresholds, strict=False)
        ]
        return sympy.Piecewise(*cases, (values[-1], True))

    @property
    def logit(self) -> sympy.Expr:
        """u* in terms of a and b."""
        return self._join([candidate.logit for candidate in self.candidates])

    @property
    def discriminator(self) -> sympy.Expr:
        """D* = σ(u*) in terms of a and b."""
        return self._join([candidate.discriminator for candidate in self.candidates])

    @property
    def value(self) -> sympy.Expr:
        """The integrand at u*."""
        return self._join([candidate.value for candidate in self.candidates])


def find_optimum(integrand: Integrand) -> Optimum:
    """The minimum of the integrand over u for all a and b.

    Raises NotDerivable where the integrand is unbounded below, NoClosedForm where sympy cannot
    list the candidates.
    """
    check_bounded(integrand)
    return _find_lowest([*_find_limits(integrand), *_find_kinks_and_stationary_points(integrand)])


def check_bounded(integrand: Integrand) -> None:
    """Raises NotDerivable where the integrand is unbounded below for some a/b."""
    for ratio in (sympy.Rational(1, 2), 2, sympy.Rational(1, 1000), 1000, 1):
        loss = integrand.expression.subs({A: ratio, B: 1})
        for sign, end in ((1, "+∞"), (-1, "−∞")):
            if numeric.find_limit(loss, U, sign) == -np.inf:
                raise NotDerivable(
                    f"where p_data(x) = {ratio}·p_g(x) the integrand falls without bound as "
                    f"u → {end}: there is no optimal discriminator unless a constraint, such as a "
                    "Lipschitz bound, limits its logits"
                )


def _find_limits(integrand: Integrand) -> list[Candidate]:
    candidates = []
    for sign in (1, -1):
        limits = [numeric.find_limit(part, U, sign) for part in (integrand.real, integrand.fake)]
        if np.isnan(limits).any():
            raise NoClosedForm
        if np.isfinite(limits).all():
            real, fake = map(numeric.rationalise, limits)
            candidates.append(Candidate("infinity", sign * sympy.oo, A * real + B * fake))
    return candidates


def _find_kinks_and_stationary_points(integrand: Integrand) -> list[Candidate]:
    candidates = []
    for low, high, expression in find_pieces(integrand.expression, U):
        if low.is_finite:
            candidates.append(Candidate("kink", low, _evaluate_at_kink(expression, low)))
        slope = sympy.diff(expression, U)
        for root in find_roots(slope, U) if slope.has(U) else []:
            value = _simplify(expression.subs(U, root))
            curvature = _simplify(sympy.diff(slope, U).subs(U, root))
            candidates.append(Candidate("stationary", root, value, curvature, low, high))
    return candidates


def _evaluate_at_kink(expression: sympy.Expr, kink: sympy.Expr) -> sympy.Expr:
    value = sympy.expand(expression.subs(U, kink))
    if value.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo):
        raise NotDerivable(f"the formula has no finite value at the logit {kink}")
    return value


def _simplify(expression: sympy.Expr) -> sympy.Expr:
    """Simplifies the arguments of logarithms, then the whole expression."""
    return cancel_and_factor(
        expression.replace(sympy.log, lambda x: sympy.log(cancel_and_factor(x)))
    )


def _find_lowest(candidates: list[Candidate]) -> Optimum:
    if not candidates:
        raise NoClosedForm
    values = np.array([_evaluate(candidate) for candidate in candidates])
    if np.isnan(values).all(axis=0).any():
        raise NoClosedForm
    lowest = np.nanmin(values, axis=0)
    is_lowest = values <= lowest + 1e-12 * np.maximum(1.0, np.abs(lowest))
    winners = _choose_winners(is_lowest)
    chosen = [winners[0]]
    thresholds = []
    for before, after, low, high in zip(winners, winners[1:], RATIOS, RATIOS[1:], strict=False):
        if before != after:
            chosen.append(after)
            thresholds.append(_find_threshold(candidates[before], candidates[after], low, high))
    if len(thresholds) > 3:
        raise NoClosedForm
    return Optimum(tuple(candidates[index] for index in chosen), tuple(thresholds))


def _choose_winners(is_lowest: np.ndarray) -> list[int]:
    """The index of the lowest candidate at each ratio; `is_lowest` is `(candidates, ratios)`.

    A tie goes to the winner at the ratio before, else to the last candidate: those at infinity
    come first in the list, and a finite logit is preferred.
    """
    winners: list[int] = []
    for column in is_lowest.T:
        lowest = np.flatnonzero(column)
        keep = winners and winners[-1] in lowest
        winners.append(winners[-1] if keep else int(lowest[-1]))
    return winners


def _evaluate(candidate: Candidate) -> np.ndarray:
    """The candidate's value at every ratio; NaN where its logit is outside its interval."""
    values = numeric.to_numpy(candidate.value, A, B)(RATIOS, 1.0)
    if candidate.kind != "stationary":
        return values
    logits = numeric.to_numpy(candidate.logit, A, B)(RATIOS, 1.0)
    inside = (logits >= float(candidate.low)) & (logits <= float(candidate.high))
    return np.where(inside, values, np.nan)


def _find_threshold(before: Candidate, after: Candidate, low: float, high: float) -> sympy.Expr:
    """The a/b between `low` and `high` at which two candidates have the same value."""
    difference = (before.value - after.value).subs(B, 1)
    ratio = sympy.Symbol("ratio", real=True)
    for root in find_roots(difference.subs(A, ratio), ratio):
        if root.is_real and low <= float(root) <= high:
            return root
    raise NoClosedForm

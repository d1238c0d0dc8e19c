"""Step 2 of the proof: the logit u at which the integrand a·real(u) + b·fake(u) is lowest."""

from dataclasses import dataclass

import numpy as np
import sympy

from ganbench.theory import numeric
from ganbench.theory.algebra import reduced
from ganbench.theory.integrand import A, B, Integrand, NoOptimum, U
from ganbench.theory.pieces import pieces
from ganbench.theory.solve import Unsolved, roots

RATIOS = np.exp(np.linspace(-14.0, 14.0, 280))
"""Values of a/b, none of them 1, at which the lowest candidate is picked."""


@dataclass(frozen=True)
class Candidate:
    """A place where the integrand may be lowest, and its value there, both in a and b.

    `kind` is `stationary`, `kink` or `infinity`. A stationary point counts between `low` and
    `high` only.
    """

    kind: str
    logit: sympy.Expr
    value: sympy.Expr
    second_derivative: sympy.Expr | None = None
    low: sympy.Expr = -sympy.oo
    high: sympy.Expr = sympy.oo

    @property
    def discriminator(self) -> sympy.Expr:
        """D = σ(u) in a and b."""
        if self.logit.is_infinite:
            return sympy.Integer(1 if self.logit > 0 else 0)
        odds = sympy.exp(-self.logit)
        plain = not any(each.has(A, B) for each in odds.atoms(sympy.exp))
        return reduced(1 / (1 + odds)) if plain else 1 / (1 + odds)


@dataclass(frozen=True)
class Optimum:
    """The candidates that are lowest, from small to large a/b, and the values of a/b between."""

    candidates: tuple[Candidate, ...]
    thresholds: tuple[sympy.Expr, ...]

    def joined(self, values: list[sympy.Expr]) -> sympy.Expr:
        """One expression out of one per candidate."""
        cases = [
            (value, sympy.Lt(A, threshold * B))
            for value, threshold in zip(values, self.thresholds, strict=False)
        ]
        return sympy.Piecewise(*cases, (values[-1], True))

    @property
    def logit(self) -> sympy.Expr:
        """u* in a and b."""
        return self.joined([each.logit for each in self.candidates])

    @property
    def discriminator(self) -> sympy.Expr:
        """D* = σ(u*) in a and b."""
        return self.joined([each.discriminator for each in self.candidates])

    @property
    def value(self) -> sympy.Expr:
        """The integrand at u*."""
        return self.joined([each.value for each in self.candidates])


def optimum(integrand: Integrand) -> Optimum:
    """The lowest point of the integrand for every a and b.

    Raises NoOptimum where it falls without bound, Unsolved where sympy cannot list the candidates.
    """
    check_bounded(integrand)
    candidates = [*_at_infinity(integrand), *_inside(integrand)]
    return _lowest(candidates)


def check_bounded(integrand: Integrand) -> None:
    """Raises NoOptimum where the integrand falls without bound at some a/b."""
    for ratio in (sympy.Rational(1, 2), 2, sympy.Rational(1, 1000), 1000, 1):
        at = integrand.expression.subs({A: ratio, B: 1})
        for sign, end in ((1, "+∞"), (-1, "−∞")):
            if numeric.limit(at, U, sign) == -np.inf:
                raise NoOptimum(
                    f"where p_data(x) = {ratio}·p_g(x) the integrand falls without bound as "
                    f"u → {end}: no discriminator is best unless a constraint, such as a bound on "
                    "its slope, keeps its logits together"
                )


def _at_infinity(integrand: Integrand) -> list[Candidate]:
    found = []
    for sign in (1, -1):
        ends = [numeric.limit(part, U, sign) for part in (integrand.real, integrand.fake)]
        if np.isnan(ends).any():
            raise Unsolved
        if np.isfinite(ends).all():
            real, fake = map(numeric.exact, ends)
            found.append(Candidate("infinity", sign * sympy.oo, A * real + B * fake))
    return found


def _inside(integrand: Integrand) -> list[Candidate]:
    found = []
    for low, high, expression in pieces(integrand.expression, U):
        if low.is_finite:
            found.append(Candidate("kink", low, _at_kink(expression, low)))
        slope = sympy.diff(expression, U)
        for root in roots(slope, U) if slope.has(U) else []:
            value = tidied(expression.subs(U, root))
            curvature = tidied(sympy.diff(slope, U).subs(U, root))
            found.append(Candidate("stationary", root, value, curvature, low, high))
    return found


def _at_kink(expression: sympy.Expr, kink: sympy.Expr) -> sympy.Expr:
    value = sympy.expand(expression.subs(U, kink))
    if value.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo):
        raise NoOptimum(f"the formula has no finite value at the logit {kink}")
    return value


def tidied(expression: sympy.Expr) -> sympy.Expr:
    """The same with fractions in logarithms brought together, and factored where rational."""
    return reduced(expression.replace(sympy.log, lambda x: sympy.log(reduced(x))))


def _lowest(candidates: list[Candidate]) -> Optimum:
    if not candidates:
        raise Unsolved
    values = np.array([_values(each) for each in candidates])
    if np.isnan(values).all(axis=0).any():
        raise Unsolved
    least = np.nanmin(values, axis=0)
    higher = ~(values <= least + 1e-12 * np.maximum(1.0, np.abs(least)))
    winners = _steadiest(higher)
    chosen = [winners[0]]
    thresholds = []
    for before, after, low, high in zip(winners, winners[1:], RATIOS, RATIOS[1:], strict=False):
        if before != after:
            chosen.append(after)
            thresholds.append(_threshold(candidates[before], candidates[after], low, high))
    if len(thresholds) > 3:
        raise Unsolved
    return Optimum(tuple(candidates[each] for each in chosen), tuple(thresholds))


def _steadiest(higher: np.ndarray) -> list[int]:
    """Which candidate is lowest at each ratio; among equals the last one, else the one before.

    Kinks and stationary points come after infinities.
    """
    winners: list[int] = []
    for column in higher.T:
        lowest = np.flatnonzero(~column)
        keep = winners and winners[-1] in lowest
        winners.append(winners[-1] if keep else int(lowest[-1]))
    return winners


def _values(candidate: Candidate) -> np.ndarray:
    """The candidate's value at every ratio; NaN where it does not count."""
    values = numeric.lambdified(candidate.value, A, B)(RATIOS, 1.0)
    if candidate.kind != "stationary":
        return values
    logits = numeric.lambdified(candidate.logit, A, B)(RATIOS, 1.0)
    inside = (logits >= float(candidate.low)) & (logits <= float(candidate.high))
    return np.where(inside, values, np.nan)


def _threshold(before: Candidate, after: Candidate, low: float, high: float) -> sympy.Expr:
    """The a/b at which two candidates are equally low."""
    difference = (before.value - after.value).subs(B, 1)
    ratio = sympy.Symbol("ratio", real=True)
    for root in roots(difference.subs(A, ratio), ratio):
        if root.is_real and low <= float(root) <= high:
            return root
    raise Unsolved

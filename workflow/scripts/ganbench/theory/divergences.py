"""Step 3 of the proof: the value at the optimal discriminator, as a divergence with a name.

V(G, D*) = ∫ φ(a, b) dx with φ = −(the integrand at u*). A known divergence ∫ d(a, b) dx is that
value up to a factor and a constant exactly if φ = c·d + α·a + β·b. Names are given by proving
this, never by the objective's name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import mpmath
import numpy as np
import sympy

from ganbench.theory import numeric
from ganbench.theory.integrand import A, B

T = sympy.Symbol("t", positive=True)
"""p_data/p_g"""
TOLERANCE = 1e-12
EXPONENTS = tuple(float(x) for x in np.linspace(-14.0, 14.0, 36))
"""Logarithms of the a/b at which two expressions are compared."""


@dataclass(frozen=True)
class Divergence:
    """A known divergence ∫ density dx between p_data and p_g, zero where they are equal."""

    title: str
    name: str
    integral: str
    density: sympy.Expr


KNOWN = (
    Divergence(
        "Jensen–Shannon divergence",
        "JSD(p_data ‖ p_g)",
        "½ ∫ p_data log(2 p_data / (p_data + p_g)) + p_g log(2 p_g / (p_data + p_g)) dx",
        A / 2 * sympy.log(2 * A / (A + B)) + B / 2 * sympy.log(2 * B / (A + B)),
    ),
    Divergence(
        "Kullback–Leibler divergence",
        "KL(p_data ‖ p_g)",
        "∫ p_data log(p_data / p_g) dx",
        A * sympy.log(A / B),
    ),
    Divergence(
        "reverse Kullback–Leibler divergence",
        "KL(p_g ‖ p_data)",
        "∫ p_g log(p_g / p_data) dx",
        B * sympy.log(B / A),
    ),
    Divergence(
        "Pearson χ² divergence", "χ²(p_data ‖ p_g)", "∫ (p_data − p_g)² / p_g dx", (A - B) ** 2 / B
    ),
    Divergence(
        "Neyman χ² divergence",
        "χ²(p_g ‖ p_data)",
        "∫ (p_data − p_g)² / p_data dx",
        (A - B) ** 2 / A,
    ),
    Divergence(
        "squared Hellinger distance",
        "H²(p_data, p_g)",
        "∫ (√p_data − √p_g)² dx",
        (sympy.sqrt(A) - sympy.sqrt(B)) ** 2,
    ),
    Divergence(
        "total variation distance", "TV(p_data, p_g)", "½ ∫ |p_data − p_g| dx", sympy.Abs(A - B) / 2
    ),
    Divergence(
        "triangular discrimination",
        "Δ(p_data, p_g)",
        "∫ (p_data − p_g)² / (p_data + p_g) dx",
        (A - B) ** 2 / (A + B),
    ),
    Divergence(
        "Jeffreys divergence",
        "J(p_data, p_g)",
        "∫ (p_data − p_g) log(p_data / p_g) dx",
        (A - B) * sympy.log(A / B),
    ),
    Divergence(
        "Kullback–Leibler divergence between the data and the half-half mixture",
        "KL(p_data ‖ (p_data + p_g)/2)",
        "∫ p_data log(2 p_data / (p_data + p_g)) dx",
        A * sympy.log(2 * A / (A + B)),
    ),
    Divergence(
        "Kullback–Leibler divergence between the generator and the half-half mixture",
        "KL(p_g ‖ (p_data + p_g)/2)",
        "∫ p_g log(2 p_g / (p_data + p_g)) dx",
        B * sympy.log(2 * B / (A + B)),
    ),
)


@dataclass(frozen=True)
class Match:
    """V(G, D*) = factor·divergence + constant. `proof` is `symbolic` or `numerical`."""

    divergence: Divergence
    factor: sympy.Expr
    constant: sympy.Expr
    proof: str


def recognise(density: sympy.Expr, constant: sympy.Expr) -> Match | None:
    """The known divergence that the value ∫ `density` dx is, with a, b the two densities.

    `constant` is the exact value at a = b = 1, which is the value at p_data = p_g.
    """
    if is_constant(density):
        return None
    for known in KNOWN:
        factor = _factor(density, known.density)
        if factor is not None:
            factor = numeric.exact(factor, 1e-14)
            symbolic = _equal(density - factor * known.density, constant)
            return Match(known, factor, constant, "symbolic" if symbolic else "numerical")
    return None


def is_constant(density: sympy.Expr) -> bool:
    """Whether ∫ `density` dx does not depend on the densities: it is α·a + β·b."""
    return _factor(density, sympy.Integer(0)) is not None


def _factor(density: sympy.Expr, known: sympy.Expr) -> float | None:
    """c with density = c·known + α·a + β·b, from three values of a/b, if it holds at all others."""
    value, divergence = _scalar(density), _scalar(known)
    with mpmath.workdps(40):
        at = [mpmath.mpf(1) / 3, mpmath.mpf(1), mpmath.mpf(3)]
        rows = [[divergence(t), t, 1] for t in at]
        if known == 0:
            rows[0] = [1, 0, 0]
        fitted = mpmath.lu_solve(mpmath.matrix(rows), mpmath.matrix([value(t) for t in at]))
        for t in map(mpmath.exp, map(mpmath.mpf, EXPONENTS)):
            found = value(t)
            expected = fitted[0] * divergence(t) + fitted[1] * t + fitted[2]
            if not abs(found - expected) <= TOLERANCE * max(1, abs(found)):
                return None
        return float(fitted[0])


@cache
def _scalar(density: sympy.Expr) -> Callable[[mpmath.mpf], mpmath.mpf]:
    """φ(t, 1) as a function of one mpmath number."""
    return sympy.lambdify([T], density.subs({A: T, B: 1}), "mpmath")


def _equal(rest: sympy.Expr, constant: sympy.Expr) -> bool:
    """Whether `rest` is α·a + β·b with α + β = `constant`, by expanding it."""
    expanded = sympy.expand(sympy.expand_log(sympy.expand(rest), force=True))
    if expanded.is_rational_function(A, B):
        expanded = sympy.expand(sympy.cancel(expanded))
    linear = expanded - expanded.coeff(A, 1) * A - expanded.coeff(B, 1) * B
    if sympy.expand(linear) != 0:
        return False
    total = expanded.subs({A: 1, B: 1}) - constant
    return sympy.expand(sympy.expand_log(total, force=True)) == 0

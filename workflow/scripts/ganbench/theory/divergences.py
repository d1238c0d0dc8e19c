"""Step 3 of the proof: recognises the value at the optimal discriminator as a named divergence.

V(G, D*) = ∫ φ(a, b) dx, where φ is minus the integrand at u*. This is a divergence ∫ d(a, b) dx,
up to a factor and a constant, exactly if φ = c·d + α·a + β·b. A divergence is named only where
this holds, whatever the objective is called.
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
LOG_RATIOS = tuple(float(x) for x in np.linspace(-14.0, 14.0, 36))
"""Logarithms of the a/b at which two expressions are compared."""


@dataclass(frozen=True)
class Divergence:
    """A divergence ∫ density dx between p_data and p_g, zero where they are equal."""

    title: str
    name: str
    integral: str
    density: sympy.Expr


DIVERGENCES = (
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
        "Kullback–Leibler divergence between p_data and the average of p_data and p_g",
        "KL(p_data ‖ (p_data + p_g)/2)",
        "∫ p_data log(2 p_data / (p_data + p_g)) dx",
        A * sympy.log(2 * A / (A + B)),
    ),
    Divergence(
        "Kullback–Leibler divergence between p_g and the average of p_data and p_g",
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
    """The first of `DIVERGENCES` that ∫ `density` dx is, up to a factor and a constant.

    `density` is φ in a and b; `constant` is its exact value at a = b = 1, which is V(G, D*) at
    p_data = p_g.
    """
    if is_constant(density):
        return None
    for divergence in DIVERGENCES:
        factor = _find_factor(density, divergence.density)
        if factor is not None:
            factor = numeric.rationalise(factor, 1e-14)
            symbolic = _equals_linear(density - factor * divergence.density, constant)
            return Match(divergence, factor, constant, "symbolic" if symbolic else "numerical")
    return None


def is_constant(density: sympy.Expr) -> bool:
    """Whether ∫ `density` dx is the same for all densities, as α·a + β·b is."""
    return _find_factor(density, sympy.Integer(0)) is not None


def _find_factor(density: sympy.Expr, reference: sympy.Expr) -> float | None:
    """The c for which density = c·reference + α·a + β·b, or None if there is none.

    c, α and β are fitted at three values of a/b and checked at all of `LOG_RATIOS`.
    """
    value, divergence = _to_function_of_ratio(density), _to_function_of_ratio(reference)
    with mpmath.workdps(40):
        ratios = [mpmath.mpf(1) / 3, mpmath.mpf(1), mpmath.mpf(3)]
        rows = [[divergence(t), t, 1] for t in ratios]
        if reference == 0:
            rows[0] = [1, 0, 0]  # keeps the system regular
        values = mpmath.matrix([value(t) for t in ratios])
        factor, slope, offset = mpmath.lu_solve(mpmath.matrix(rows), values)
        for t in map(mpmath.exp, map(mpmath.mpf, LOG_RATIOS)):
            expected = value(t)
            fitted = factor * divergence(t) + slope * t + offset
            if not abs(expected - fitted) <= TOLERANCE * max(1, abs(expected)):
                return None
        return float(factor)


@cache
def _to_function_of_ratio(density: sympy.Expr) -> Callable[[mpmath.mpf], mpmath.mpf]:
    """φ(t, 1) as a function of one mpmath number."""
    return sympy.lambdify([T], density.subs({A: T, B: 1}), "mpmath")


def _equals_linear(rest: sympy.Expr, constant: sympy.Expr) -> bool:
    """Whether sympy proves `rest` = α·a + β·b with α + β = `constant`."""
    expanded = sympy.expand(sympy.expand_log(sympy.expand(rest), force=True))
    if expanded.is_rational_function(A, B):
        expanded = sympy.expand(sympy.cancel(expanded))
    linear = expanded - expanded.coeff(A, 1) * A - expanded.coeff(B, 1) * B
    if sympy.expand(linear) != 0:
        return False
    total = expanded.subs({A: 1, B: 1}) - constant
    return sympy.expand(sympy.expand_log(total, force=True)) == 0

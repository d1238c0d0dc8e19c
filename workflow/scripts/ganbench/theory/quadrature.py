"""V(G, D*) integrated over x on densities that are known, held against what was derived."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy
from scipy import integrate, optimize

from ganbench.theory import numeric
from ganbench.theory.checks import TOLERANCE, Check, directly, largest
from ganbench.theory.integrand import A, B, Integrand
from ganbench.theory.optimum import Optimum

END = 15.0
"""Integrals run from −END to END; both sides of a comparison are cut in the same way."""


@dataclass(frozen=True)
class Mixture:
    """A mixture of Gaussians on the line, each (share, mean, standard deviation)."""

    parts: tuple[tuple[float, float, float], ...]

    @property
    def means(self) -> list[float]:
        """Where the parts have their modes."""
        return [mean for _, mean, _ in self.parts]

    def __call__(self, x: float) -> float:
        """The density at x."""
        return sum(
            share * math.exp(-0.5 * ((x - mean) / deviation) ** 2) / deviation
            for share, mean, deviation in self.parts
        ) / math.sqrt(2 * math.pi)


PAIRS = (
    (Mixture(((1, 0, 1),)), Mixture(((1, 1, 1),))),
    (Mixture(((1, 0, 1),)), Mixture(((1, 0.5, 1.2),))),
    (Mixture(((0.3, -2, 1), (0.7, 1, 1))), Mixture(((0.5, -1, 1), (0.5, 1.5, 1.1)))),
)
"""p_data and p_g of the quadratures."""


def value(integrand: Integrand, best: Optimum, density: sympy.Expr, constant: sympy.Expr) -> Check:
    """V(G, D*), the formula at u* integrated over x, is ∫ `density` dx + `constant`."""
    logit = numeric.lambdified(best.logit, A, B)
    claimed = numeric.lambdified(density, A, B)
    error = 0.0
    for p, q in PAIRS:
        points = _breaks(p, q, best.thresholds)
        found = _integral(lambda x, p=p, q=q: _game(integrand, logit, p(x), q(x)), points)
        expected = _integral(lambda x, p=p, q=q: claimed(p(x), q(x)), points) + float(constant)
        error = max(error, largest(found, expected))
    name = f"V(G, D*), quadrature on {len(PAIRS)} pairs of Gaussians and mixtures"
    return Check(name, error, TOLERANCE)


def equilibrium(
    integrand: Integrand, logit: Callable[..., numeric.Array], constant: float
) -> Check:
    """V(G, D*) is `constant` where p_g = p_data, a mixture."""
    p, _ = PAIRS[2]
    found = _integral(lambda x: _game(integrand, logit, p(x), p(x)), p.means)
    return Check("V(G, D*) at p_data = p_g, quadrature", largest(found, constant), TOLERANCE)


def jensen(integrand: Integrand, constant: float) -> Check:
    """V(G, D*) is not below `constant`, with D* found by direct search at every x."""
    (p, q), (nodes, shares) = PAIRS[0], np.polynomial.legendre.leggauss(200)
    a, b = (np.array([density(10.0 * x) for x in nodes]) for density in (p, q))
    found = -10.0 * shares @ directly(integrand, a, b)[1]
    name = "V(G, D*) not below its value at p_data = p_g, quadrature"
    return Check(name, max(0.0, constant - float(found)), TOLERANCE)


def _game(integrand: Integrand, logit: Callable[..., numeric.Array], a: float, b: float) -> float:
    return -float(integrand.value(a, b, logit(a, b)))


def _integral(function: Callable[[float], float], points: list[float]) -> float:
    found, _ = integrate.quad(
        function, -END, END, points=points, limit=400, epsabs=1e-11, epsrel=1e-11
    )
    return found


def _breaks(p: Mixture, q: Mixture, thresholds: tuple[sympy.Expr, ...]) -> list[float]:
    """The modes, and where p/q crosses a threshold: there the integrand has a kink."""
    grid = np.linspace(-END, END, 601)
    breaks = [*p.means, *q.means]
    for threshold in map(float, thresholds):

        def above(x: float, threshold: float = threshold) -> float:
            return p(x) / q(x) / threshold - 1.0

        signs = np.sign([above(x) for x in grid])
        crossings = np.flatnonzero(signs[1:] * signs[:-1] < 0)
        breaks += [optimize.brentq(above, grid[i], grid[i + 1]) for i in crossings]
    return sorted(set(map(float, breaks)))

"""Checks of V(G, D*) by numerical integration over x, for densities of known form."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy
from scipy import integrate, optimize

from ganbench.formula.numpy_loss import Array
from ganbench.theory import numeric
from ganbench.theory.integrand import A, B, Integrand
from ganbench.theory.optimum import Optimum
from ganbench.theory.proof_checks import TOLERANCE, Check, largest_error, minimise_integrand

END = 15.0
"""Integrals run from −END to END, on both sides of every comparison."""


@dataclass(frozen=True)
class GaussianMixture:
    """The density of a mixture of Gaussians, each given by (share, mean, standard deviation)."""

    parts: tuple[tuple[float, float, float], ...]

    @property
    def means(self) -> list[float]:
        """The means of the Gaussians."""
        return [mean for _, mean, _ in self.parts]

    def __call__(self, x: float) -> float:
        """The density at x."""
        return sum(
            share * math.exp(-0.5 * ((x - mean) / deviation) ** 2) / deviation
            for share, mean, deviation in self.parts
        ) / math.sqrt(2 * math.pi)


PAIRS = (
    (GaussianMixture(((1, 0, 1),)), GaussianMixture(((1, 1, 1),))),
    (GaussianMixture(((1, 0, 1),)), GaussianMixture(((1, 0.5, 1.2),))),
    (
        GaussianMixture(((0.3, -2, 1), (0.7, 1, 1))),
        GaussianMixture(((0.5, -1, 1), (0.5, 1.5, 1.1))),
    ),
)
"""Pairs of p_data and p_g."""


def check_value(
    integrand: Integrand, optimum: Optimum, density: sympy.Expr, constant: sympy.Expr
) -> Check:
    """Compares V(G, D*), integrated from the formula at u*, with ∫ `density` dx + `constant`."""
    logit = numeric.to_numpy(optimum.logit, A, B)
    derived = numeric.to_numpy(density, A, B)
    error = 0.0
    for p, q in PAIRS:
        points = _find_breaks(p, q, optimum.thresholds)
        value = _integrate(lambda x, p=p, q=q: _value_at(integrand, logit, p(x), q(x)), points)
        expected = _integrate(lambda x, p=p, q=q: derived(p(x), q(x)), points) + float(constant)
        error = max(error, largest_error(value, expected))
    name = f"V(G, D*), quadrature on {len(PAIRS)} pairs of Gaussians and mixtures"
    return Check(name, error, TOLERANCE)


def check_equilibrium(integrand: Integrand, logit: Callable[..., Array], constant: float) -> Check:
    """Compares V(G, D*) with `constant` where p_g and p_data are the same mixture."""
    p, _ = PAIRS[2]
    value = _integrate(lambda x: _value_at(integrand, logit, p(x), p(x)), p.means)
    return Check("V(G, D*) at p_data = p_g, quadrature", largest_error(value, constant), TOLERANCE)


def check_jensen_bound(integrand: Integrand, constant: float) -> Check:
    """Checks that V(G, D*) ≥ `constant`, with D* found by direct search at every x."""
    (p, q), (nodes, shares) = PAIRS[0], np.polynomial.legendre.leggauss(200)
    a, b = (np.array([density(10.0 * x) for x in nodes]) for density in (p, q))
    value = -10.0 * shares @ minimise_integrand(integrand, a, b)[1]
    name = "V(G, D*) not below its value at p_data = p_g, quadrature"
    return Check(name, max(0.0, constant - float(value)), TOLERANCE)


def _value_at(integrand: Integrand, logit: Callable[..., Array], a: float, b: float) -> float:
    return -float(integrand.evaluate(a, b, logit(a, b)))


def _integrate(function: Callable[[float], float], points: list[float]) -> float:
    integral, _ = integrate.quad(
        function, -END, END, points=points, limit=400, epsabs=1e-11, epsrel=1e-11
    )
    return integral


def _find_breaks(
    p: GaussianMixture, q: GaussianMixture, thresholds: tuple[sympy.Expr, ...]
) -> list[float]:
    """The means, and the points at which p/q crosses a threshold and the integrand has a kink."""
    grid = np.linspace(-END, END, 601)
    breaks = [*p.means, *q.means]
    for threshold in map(float, thresholds):

        def excess(x: float, threshold: float = threshold) -> float:
            return p(x) / q(x) / threshold - 1.0

        signs = np.sign([excess(x) for x in grid])
        crossings = np.flatnonzero(signs[1:] * signs[:-1] < 0)
        breaks += [optimize.brentq(excess, grid[i], grid[i + 1]) for i in crossings]
    return sorted(set(map(float, breaks)))

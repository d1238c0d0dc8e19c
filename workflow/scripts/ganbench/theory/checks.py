"""The derived statements held against numbers, by ways that share no algebra with them."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import sympy
from scipy import integrate, optimize

from ganbench.formula import Formula
from ganbench.theory import numeric
from ganbench.theory.integrand import A, B, Integrand
from ganbench.theory.optimum import Optimum
from ganbench.theory.weight import Weight

TOLERANCE = 1e-8
END = 15.0
"""Integrals run from −END to END; both sides of a comparison are cut in the same way."""
RATIOS = np.exp(np.linspace(-3.0, 3.0, 13))
"""Values of a/b, with a + b = 1, at which the integrand is minimised directly."""


class ProofError(ArithmeticError):
    """A derived statement that its numerical check contradicts: the proof does not hold."""


@dataclass(frozen=True)
class Check:
    """One comparison: the largest error found, relative to the value where that is above 1."""

    name: str
    error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance (NaN is not)."""
        return self.error <= self.tolerance

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "passed": self.passed}

    def __str__(self) -> str:
        return f"{self.name}: error {self.error:.1e}, tolerance {self.tolerance:.0e}."


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


def verify(checks: list[Check]) -> None:
    """Raises ProofError with every check that failed."""
    failed = [str(each) for each in checks if not each.passed]
    if failed:
        raise ProofError("the proof does not hold: " + " ".join(failed))


def largest(found: numeric.Array, expected: numeric.Array) -> float:
    """The largest difference, relative where `expected` is above 1."""
    found, expected = np.asarray(found), np.asarray(expected)
    return float(np.max(np.abs(found - expected) / np.maximum(1.0, np.abs(expected))))


def directly(integrand: Integrand, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """u and the integrand where a direct search finds it lowest; `a` and `b` are `(points,)`."""
    return numeric.lowest(lambda u: integrand.value(a[:, None], b[:, None], u), len(a))


def minimum(integrand: Integrand, best: Optimum) -> Check:
    """The integrand at u* is the lowest that a direct search over u finds."""
    a, b = RATIOS / (1 + RATIOS), 1 / (1 + RATIOS)
    _, lowest = directly(integrand, a, b)
    claimed = numeric.lambdified(best.value, A, B)(a, b)
    name = f"Integrand at u*, direct minimisation over u at {len(RATIOS)} values of a/b"
    return Check(name, largest(claimed, lowest), TOLERANCE)


def curvature(integrand: Integrand, best: Optimum) -> Check:
    """The second derivative at u*, by differences of the formula (fourth order)."""
    candidate, h = best.candidates[0], 5e-3
    a, b = RATIOS / (1 + RATIOS), 1 / (1 + RATIOS)
    u = numeric.lambdified(candidate.logit, A, B)(a, b)
    at = [integrand.value(a, b, u + step * h) for step in (-2, -1, 0, 1, 2)]
    found = (-at[0] + 16 * at[1] - 30 * at[2] + 16 * at[3] - at[4]) / (12 * h**2)
    claimed = numeric.lambdified(candidate.second_derivative, A, B)(a, b)
    return Check("Second derivative at u*, finite differences", largest(found, claimed), 1e-6)


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


def gradient(formula: Formula, weight: Weight) -> Check:
    """∂L_G/∂f by differences of the formula (sixth order), at r = 0; kinks are passed over."""
    d_fake = np.linspace(0.011, 0.991, 50)
    f = np.log(d_fake) - np.log1p(-d_fake)
    coarse, fine = (_slope(formula, f, h) for h in (4e-3, 2e-3))
    smooth = np.abs(coarse - fine) <= 1e-6 * np.maximum(1.0, np.abs(fine))
    found = (16 * fine - coarse)[smooth] / 15
    error = largest(found, weight.sampled(d_fake)[smooth]) if smooth.any() else np.nan
    return Check("Gradient weight, finite differences of the formula", error, TOLERANCE)


def _slope(formula: Formula, f: np.ndarray, h: float) -> np.ndarray:
    at = [numeric.evaluate(formula.expression, 0.0 * f, f + step * h) for step in (-2, -1, 1, 2)]
    with np.errstate(invalid="ignore"):  # where a value is beyond float64
        return (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * h)


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

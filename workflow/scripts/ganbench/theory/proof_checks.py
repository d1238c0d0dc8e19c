"""Numerical checks of the derived statements, which share no algebra with the derivation."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ganbench.formula.language import Formula
from ganbench.formula.numpy_loss import Array, evaluate
from ganbench.theory import numeric
from ganbench.theory.gradient_weight import GradientWeight
from ganbench.theory.integrand import A, B, Integrand
from ganbench.theory.optimum import Candidate, Optimum

TOLERANCE = 1e-8
CHECKED_RATIOS = np.exp(np.linspace(-3.0, 3.0, 13))
"""Values of a/b, with a + b = 1, at which the integrand is minimised directly."""


class ProofError(ArithmeticError):
    """A numerical check contradicts a derived statement: the proof does not hold."""


@dataclass(frozen=True)
class Check:
    """A comparison of a derived statement with numbers.

    `error` is the largest error, relative to expected values above 1.
    """

    name: str
    error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance; an error of NaN is not."""
        return self.error <= self.tolerance

    def to_json(self) -> dict[str, Any]:
        """The fields and `passed`."""
        return {**asdict(self), "passed": self.passed}

    def __str__(self) -> str:
        return f"{self.name}: error {self.error:.1e}, tolerance {self.tolerance:.0e}."


def verify(checks: list[Check]) -> None:
    """Raises ProofError, which lists the failures, unless all checks passed."""
    failures = [str(check) for check in checks if not check.passed]
    if failures:
        raise ProofError("the proof does not hold: " + " ".join(failures))


def largest_error(values: Array, expected: Array) -> float:
    """The largest difference, relative to `expected` where that is above 1."""
    values, expected = np.asarray(values), np.asarray(expected)
    with np.errstate(invalid="ignore"):  # where a value is beyond float64
        return float(np.max(np.abs(values - expected) / np.maximum(1.0, np.abs(expected))))


def minimise_integrand(
    integrand: Integrand, a: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The minimising u and the minimum by direct search; all arrays are `(points,)`."""
    return numeric.minimise(lambda u: integrand.evaluate(a[:, None], b[:, None], u), len(a))


def check_minimum(integrand: Integrand, optimum: Optimum) -> Check:
    """Compares the integrand at u* with the derived value, and with a direct search for less."""
    a, b = _densities()
    _, lowest = minimise_integrand(integrand, a, b)
    derived = numeric.to_numpy(optimum.value, A, B)(a, b)
    at_optimum = integrand.evaluate(a, b, numeric.to_numpy(optimum.logit, A, B)(a, b))
    error = max(
        largest_error(derived, at_optimum),
        largest_error(np.maximum(derived, lowest), lowest),
    )
    name = f"Integrand at u* against a direct search over u, at {len(CHECKED_RATIOS)} values of a/b"
    return Check(name, error, TOLERANCE)


def check_curvature(integrand: Integrand, candidate: Candidate) -> Check | None:
    """Compares the second derivative at u* with finite differences of the formula.

    None if u* is near an end of its smooth interval at all of `CHECKED_RATIOS`.
    """
    a, b = _densities()
    u = numeric.to_numpy(candidate.logit, A, B)(a, b)
    smooth = (u - 0.03 > float(candidate.low)) & (u + 0.03 < float(candidate.high))
    if not smooth.any():
        return None
    a, b, u = a[smooth], b[smooth], u[smooth]
    coarse, fine = (_second_difference(integrand, a, b, u, h) for h in (1e-2, 5e-3))
    derived = numeric.to_numpy(candidate.second_derivative, A, B)(a, b)
    error = _smooth_error(coarse, fine, fine, derived, 1e-6)
    return Check("Second derivative at u* against finite differences", error, 1e-6)


def _densities() -> tuple[np.ndarray, np.ndarray]:
    """a and b at `CHECKED_RATIOS`, with a + b = 1."""
    return CHECKED_RATIOS / (1 + CHECKED_RATIOS), 1 / (1 + CHECKED_RATIOS)


def _second_difference(
    integrand: Integrand, a: np.ndarray, b: np.ndarray, u: np.ndarray, h: float
) -> np.ndarray:
    """The fourth-order central difference for ∂²/∂u²."""
    values = [integrand.evaluate(a, b, u + step * h) for step in (-2, -1, 0, 1, 2)]
    weighted = -values[0] + 16 * values[1] - 30 * values[2] + 16 * values[3] - values[4]
    return weighted / (12 * h**2)


def _smooth_error(
    coarse: np.ndarray, fine: np.ndarray, values: np.ndarray, derived: np.ndarray, tolerance: float
) -> float:
    """The largest error of `values` where a coarse and a fine difference agree within `tolerance`.

    NaN if they agree nowhere.
    """
    with np.errstate(invalid="ignore"):  # where a value is beyond float64
        smooth = np.abs(coarse - fine) <= tolerance * np.maximum(1.0, np.abs(fine))
    smooth &= np.isfinite(derived)
    return largest_error(values[smooth], derived[smooth]) if smooth.any() else np.nan


def check_gradient(formula: Formula, weight: GradientWeight) -> Check:
    """Compares ∂L_G/∂f with sixth-order differences of the formula at r = 0, away from kinks."""
    d_fake = np.linspace(0.011, 0.991, 50)
    f = np.log(d_fake) - np.log1p(-d_fake)
    coarse, fine = (_first_difference(formula, f, h) for h in (4e-3, 2e-3))
    extrapolated = (16 * fine - coarse) / 15
    error = _smooth_error(coarse, fine, extrapolated, weight.evaluate(d_fake), TOLERANCE / 3)
    return Check("Gradient weight against finite differences of the formula", error, TOLERANCE)


def _first_difference(formula: Formula, f: np.ndarray, h: float) -> np.ndarray:
    """The fourth-order central difference for ∂/∂f."""
    values = [evaluate(formula.expression, 0.0 * f, f + step * h) for step in (-2, -1, 1, 2)]
    with np.errstate(invalid="ignore"):  # where a value is beyond float64
        return (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)

"""The derived statements held against numbers, by ways that share no algebra with them."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ganbench.formula.language import Formula
from ganbench.theory import numeric
from ganbench.theory.integrand import A, B, Integrand
from ganbench.theory.optimum import Candidate, Optimum
from ganbench.theory.weight import Weight

TOLERANCE = 1e-8
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


def verify(checks: list[Check]) -> None:
    """Raises ProofError with every check that failed."""
    failed = [str(each) for each in checks if not each.passed]
    if failed:
        raise ProofError("the proof does not hold: " + " ".join(failed))


def largest(found: numeric.Array, expected: numeric.Array) -> float:
    """The largest difference, relative where `expected` is above 1."""
    found, expected = np.asarray(found), np.asarray(expected)
    with np.errstate(invalid="ignore"):  # where a value is beyond float64
        return float(np.max(np.abs(found - expected) / np.maximum(1.0, np.abs(expected))))


def directly(integrand: Integrand, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """u and the integrand where a direct search finds it lowest; `a` and `b` are `(points,)`."""
    return numeric.lowest(lambda u: integrand.value(a[:, None], b[:, None], u), len(a))


def minimum(integrand: Integrand, best: Optimum) -> Check:
    """The integrand at u* has the claimed value, and a direct search over u finds none lower."""
    a, b = RATIOS / (1 + RATIOS), 1 / (1 + RATIOS)
    _, lowest = directly(integrand, a, b)
    claimed = numeric.lambdified(best.value, A, B)(a, b)
    reached = integrand.value(a, b, numeric.lambdified(best.logit, A, B)(a, b))
    name = f"Integrand at u*, direct minimisation over u at {len(RATIOS)} values of a/b"
    error = max(largest(claimed, reached), largest(np.maximum(claimed, lowest), lowest))
    return Check(name, error, TOLERANCE)


def curvature(integrand: Integrand, candidate: Candidate) -> Check | None:
    """The second derivative at u*, by differences of the formula; None where kinks are near."""
    a, b = RATIOS / (1 + RATIOS), 1 / (1 + RATIOS)
    u = numeric.lambdified(candidate.logit, A, B)(a, b)
    smooth = (u - 0.03 > float(candidate.low)) & (u + 0.03 < float(candidate.high))
    if not smooth.any():
        return None
    a, b, u = a[smooth], b[smooth], u[smooth]
    coarse, fine = (_second_difference(integrand, a, b, u, h) for h in (1e-2, 5e-3))
    claimed = numeric.lambdified(candidate.second_derivative, A, B)(a, b)
    name = "Second derivative at u*, finite differences"
    return Check(name, _smooth_error(coarse, fine, fine, claimed, 1e-6), 1e-6)


def _second_difference(
    integrand: Integrand, a: np.ndarray, b: np.ndarray, u: np.ndarray, h: float
) -> np.ndarray:
    at = [integrand.value(a, b, u + step * h) for step in (-2, -1, 0, 1, 2)]
    return (-at[0] + 16 * at[1] - 30 * at[2] + 16 * at[3] - at[4]) / (12 * h**2)


def _smooth_error(
    coarse: np.ndarray, fine: np.ndarray, found: np.ndarray, claimed: np.ndarray, rough: float
) -> float:
    """The largest error where a coarse and a fine difference agree within `rough`; else NaN."""
    with np.errstate(invalid="ignore"):  # where a value is beyond float64
        smooth = np.abs(coarse - fine) <= rough * np.maximum(1.0, np.abs(fine))
    smooth &= np.isfinite(claimed)
    return largest(found[smooth], claimed[smooth]) if smooth.any() else np.nan


def gradient(formula: Formula, weight: Weight) -> Check:
    """∂L_G/∂f by differences of the formula (sixth order), at r = 0; kinks are passed over."""
    d_fake = np.linspace(0.011, 0.991, 50)
    f = np.log(d_fake) - np.log1p(-d_fake)
    coarse, fine = (_slope(formula, f, h) for h in (4e-3, 2e-3))
    found = (16 * fine - coarse) / 15
    error = _smooth_error(coarse, fine, found, weight.sampled(d_fake), TOLERANCE / 3)
    return Check("Gradient weight, finite differences of the formula", error, TOLERANCE)


def _slope(formula: Formula, f: np.ndarray, h: float) -> np.ndarray:
    at = [numeric.evaluate(formula.expression, 0.0 * f, f + step * h) for step in (-2, -1, 1, 2)]
    with np.errstate(invalid="ignore"):  # where a value is beyond float64
        return (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * h)

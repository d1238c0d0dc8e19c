"""The divergence of a discriminator that compares real samples with fake ones.

With L_D = E φ(C(x) − C(y)) over real x and fake y there is no optimum at single points, but
sup over C of −L_D is a divergence less φ(0): for a convex φ that falls at 0 it is −φ(0) exactly
where p_g = p_data, and higher elsewhere (Jolicoeur-Martineau 2020, On relativistic f-divergences,
Theorem 3.1; with means in place of one of the two samples, the relativistic average one). Here C*
of pairs is searched on a grid, on which L_D is a convex function of C.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import optimize

from ganbench.formula.derivative import differentiate
from ganbench.formula.language import Apply, Expression, Formula, Variable
from ganbench.formula.numpy_loss import evaluate
from ganbench.theory.proof_checks import Check
from ganbench.theory.steps import Step, make_step

PAIRS = ((0.0, 1.0), (1.0, 1.0), (6.0, 1.0))
"""Mean and standard deviation of p_g where p_data = N(0, 1): the same, near, almost disjoint."""
TOLERANCE = 1e-5
_NODES, _SHARES = np.polynomial.legendre.leggauss(96)
_X = 3.0 + 10.0 * _NODES
_DIFFERENCES = np.linspace(-12.0, 12.0, 481)


@dataclass(frozen=True)
class PairwiseLoss:
    """L_D as the mean of φ(r − f), or of φ(r − mean f) + φ(mean r − f) if it is `averaged`."""

    formula: Formula
    averaged: bool

    @property
    def _share(self) -> float:
        return 0.5 if self.averaged else 1.0

    def phi(self, differences: np.ndarray) -> np.ndarray:
        """φ at differences of logits."""
        return self._share * evaluate(self.formula.expression, differences, 0.0)

    @cached_property
    def _slope(self) -> Expression:
        return differentiate(self.formula.expression, "r")

    def slope(self, differences: np.ndarray) -> np.ndarray:
        """φ′ at differences of logits."""
        return self._share * evaluate(self._slope, differences, 0.0)

    @property
    def at_equality(self) -> float:
        """V(D*, G) where p_g = p_data."""
        return -float(self.phi(np.zeros(1))[0]) / self._share

    @property
    def limit(self) -> float:
        """The divergence on disjoint supports, where differences of logits go to infinity."""
        return -float(self.phi(np.array([700.0]))[0]) / self._share - self.at_equality

    def is_divergence(self) -> bool:
        """Whether φ is convex and falls at 0, as the theorem asks."""
        rises = np.diff(self.slope(_DIFFERENCES)) >= -1e-12
        return bool(rises.all() and self.slope(np.zeros(1))[0] < 0)

    def measure(self, mean: float, std: float) -> float:
        """The divergence of pairs between N(0, 1) and N(`mean`, `std`²), with C* from a grid."""
        p, q = (_weigh(*parameters) for parameters in ((0.0, 1.0), (mean, std)))
        options = {"maxiter": 4000, "maxfun": 8000, "ftol": 1e-13, "gtol": 1e-9}
        scale = 1 / np.sqrt(p + q + 1e-6)

        def scaled(z: np.ndarray) -> tuple[float, np.ndarray]:
            loss, gradient = self._pair(scale * z, p, q)
            return loss, scale * gradient

        result = optimize.minimize(
            scaled, np.zeros(len(p)), jac=True, method="L-BFGS-B", options=options
        )
        return -float(result.fun) - self.at_equality

    def _pair(self, c: np.ndarray, p: np.ndarray, q: np.ndarray) -> tuple[float, np.ndarray]:
        differences = c[:, None] - c[None, :]
        slopes = p[:, None] * self.slope(differences) * q[None, :]
        return float(p @ self.phi(differences) @ q), slopes.sum(1) - slopes.sum(0)


def _weigh(mean: float, std: float) -> np.ndarray:
    """The shares of a Gaussian at the nodes, which add up to 1."""
    shares = _SHARES * np.exp(-(((_X - mean) / std) ** 2) / 2)
    return shares / shares.sum()


def find_pairwise_loss(formula: Formula) -> PairwiseLoss | None:
    """The pairwise loss that a formula is, or None."""
    if formula.states:
        return None
    logits = np.array([-2.3, -0.4, 0.7, 1.9])
    r, f = logits[:, None], logits[None, :]
    values = np.broadcast_to(evaluate(formula.expression, r, f), (4, 4))
    moved = np.broadcast_to(evaluate(formula.expression, r + 1.3, f + 1.3), (4, 4))
    mixed = values - values[:, :1] - values[:1, :] + values[0, 0]
    if not (np.abs(values - moved) < 1e-9).all() or not (np.abs(mixed) > 1e-9).any():
        return None
    means = _find_means(formula.expression)
    if not means:
        return PairwiseLoss(formula, averaged=False)
    return PairwiseLoss(formula, averaged=True) if _is_average(formula.expression) else None


def _find_means(expression: Expression) -> list[Expression]:
    if not isinstance(expression, Apply):
        return []
    inner = [mean for part in expression.arguments for mean in _find_means(part)]
    return [expression, *inner] if expression.function == "mean" else inner


def _is_average(expression: Expression) -> bool:
    """Whether it is φ(r − mean(f)) + φ(mean(r) − f), tried with numbers for the means."""
    if not (isinstance(expression, Apply) and expression.function == "+"):
        return False
    kinds = []
    for term in expression.arguments:
        means = set(_find_means(term))
        if len(means) != 1 or not isinstance(next(iter(means)).arguments[0], Variable):
            return False
        kinds.append(next(iter(means)).arguments[0].name)
    places = np.array([-1.7, -0.2, 0.9])
    first, second = (evaluate(term, places, 0.0) for term in expression.arguments)
    return sorted(kinds) == ["f", "r"] and bool(np.allclose(first, second, atol=1e-12))


def derive_pairwise(formula: Formula) -> dict[str, Any]:
    """The `pairwise` divergence of a discriminator's loss, if it is one, `steps` and `checks`."""
    loss = find_pairwise_loss(formula)
    if loss is None or not loss.is_divergence():
        return {"steps": [], "checks": []}
    values, checks = [], []
    if not loss.averaged:
        values = [loss.measure(*pair) for pair in PAIRS]
        name = "Pairwise divergence of equal densities, search on a grid"
        checks = [Check(name, abs(values[0]), TOLERANCE)]
    return {
        "pairwise": {
            "averaged": loss.averaged,
            "value_at_equality": loss.at_equality,
            "limit": loss.limit,
            "values": [
                {"mean": mean, "std": std, "value": value}
                for (mean, std), value in zip(PAIRS, values, strict=False)
            ],
        },
        "steps": [_explain(loss, values, checks)],
        "checks": [check.to_json() for check in checks],
    }


def _explain(loss: PairwiseLoss, values: list[float], checks: list[Check]) -> Step:
    compared = "the mean logit of the other kind" if loss.averaged else "one of the other kind"
    text = (
        f"D compares each sample with {compared}. φ is convex and falls at 0, so V = −L_D at the "
        f"best D is {_print(loss.at_equality)} where p_g = p_data and higher elsewhere: the excess "
        "is a divergence (Jolicoeur-Martineau 2020, On relativistic f-divergences, Theorem 3.1). "
        f"It is at most {_print(loss.limit)}, on disjoint supports. "
    )
    if loss.averaged:
        text += (
            "But where p_data/p_g is bounded on neither side, as for Gaussians, it is as large: D "
            "needs large logits on a few samples alone, which move the means of one kind."
        )
    else:
        text += (
            f"Between N(0, 1) and N(1, 1) it is {_print(values[1])}, between N(0, 1) and N(6, 1) "
            f"{_print(values[2])}, with D searched on a grid."
        )
    terms = "φ(r − mean f) + φ(mean r − f)" if loss.averaged else "φ(r − f)"
    return make_step("The pairwise divergence", f"With L_D = E {terms}: {text}", [], checks)


def _print(value: float) -> str:
    return f"{value + 0.0:.4f}".replace("-", "−")

"""What a generator descends while D* stands still: the divergence whose gradient it follows.

With u*(t) the optimal logit at t = p_data/p_g and g the generator's loss, the generator's gradient
at D* is ∂/∂θ ∫ p_θ(x) g(u*(x)) dx, where D* does not move with θ. Of a divergence ∫ p_g h(t) dx
it would be ∂/∂θ ∫ p_θ (h − t h′) dx. So both agree where h − t h′ = G with G(t) = g(u*(t)):

    h(t) = −t ∫₁ᵗ (G(s) − G(1)) / s² ds.

G(1) is a constant of the loss, whose gradient is 0, and C·t integrates to a constant: both are
chosen so that h(1) = h′(1) = 0. As h″ = −G′/t, h is convex exactly where G does not rise.
The best known case is the non-saturating loss (Arjovsky and Bottou 2017, Theorem 2.5).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ganbench.catalogue.objectives import Objective
from ganbench.formula.numpy_loss import Array, evaluate
from ganbench.formula.pointwise import PointwiseGame

LOG_END = 40.0
"""h is tabulated for |log t| up to this."""
_CELLS = 1600
_NODES, _SHARES = np.polynomial.legendre.leggauss(3)
_STEP = 1e-7


@dataclass(frozen=True)
class Descent:
    """h of one objective, by numbers alone: solved and integrated without sympy."""

    objective: Objective
    game: PointwiseGame

    def loss(self, logits: Array) -> Array:
        """g, the generator's loss at logits of its samples."""
        return evaluate(self.objective.generator.expression, 0.0, logits)

    def loss_at(self, log_ratios: Array) -> np.ndarray:
        """G(t) = g(u*(t)), where log t is one of `log_ratios`."""
        log_ratios = np.asarray(log_ratios, dtype=float)
        logits = self.game.find_logits(np.exp(log_ratios.ravel()))
        return np.broadcast_to(self.loss(logits), logits.shape).reshape(log_ratios.shape)

    def zero_sum_loss_at(self, log_ratios: Array) -> np.ndarray:
        """What G would be if the generator descended V = −L_D itself."""
        log_ratios = np.asarray(log_ratios, dtype=float)
        return -self.game.fake(self.game.find_logits(np.exp(log_ratios.ravel()))).reshape(
            log_ratios.shape
        )

    @cached_property
    def offset(self) -> float:
        """G(1): the mean of both sides, if G jumps there."""
        return float(self.loss_at([-_STEP, _STEP]).mean())

    @cached_property
    def jumps(self) -> np.ndarray:
        """Values of log t at which G may jump; t = 1 is always among them."""
        return np.append(self._find_jumps(self._regular), 0.0)

    @property
    def _regular(self) -> np.ndarray:
        return np.linspace(-LOG_END, LOG_END, _CELLS + 1)

    @cached_property
    def knots(self) -> np.ndarray:
        """Values of log t between which G is smooth."""
        return np.unique(np.concatenate([self._regular, self.jumps]))

    def _find_jumps(self, log_ratios: np.ndarray) -> np.ndarray:
        """Where G jumps between two of `log_ratios`, whose ends alone are not enough to see it."""
        values = self.loss_at(log_ratios)
        changes = np.abs(np.diff(values))
        beside = np.maximum(np.append(0.0, changes[:-1]), np.append(changes[1:], 0.0))
        cells = np.flatnonzero(changes > 3 * beside + 1e-9)
        low, high, at_low, at_high = (
            array[cells + end] for array in (log_ratios, values) for end in (0, 1)
        )
        for _ in range(24 if len(cells) else 0):
            middle = (low + high) / 2
            value = self.loss_at(middle)
            left = np.abs(value - at_low) > np.abs(at_high - value)
            low, high = np.where(left, low, middle), np.where(left, middle, high)
            at_low, at_high = np.where(left, at_low, value), np.where(left, value, at_high)
        return ((low + high) / 2)[np.abs(at_high - at_low) > changes[cells] / 2]

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """h at the knots, and dh/d log t at the left and the right end of each cell."""
        low, high = self.knots[:-1], self.knots[1:]
        half = (high - low)[:, None] / 2
        places = (low + high)[:, None] / 2 + half * _NODES
        integrals = (half * _SHARES * (self.loss_at(places) - self.offset) * np.exp(-places)).sum(1)
        start = int(np.searchsorted(self.knots, 0.0))
        below, above = integrals[:start], integrals[start:]
        # summed outwards from t = 1, so that large t keep their digits
        total = np.concatenate([-np.cumsum(below[::-1])[::-1], [0.0], np.cumsum(above)])
        h = -np.exp(self.knots) * total
        left = h[:-1] - (self.loss_at(low + _STEP) - self.offset)
        right = h[1:] - (self.loss_at(high - _STEP) - self.offset)
        return h, left, right

    def divergence_at(self, log_ratios: Array) -> np.ndarray:
        """h(t): cubic between the knots, with the slope h − G at both ends."""
        log_ratios = np.asarray(log_ratios, dtype=float)
        h, left, right = self._table
        cell = np.clip(np.searchsorted(self.knots, log_ratios, side="right") - 1, 0, len(left) - 1)
        width = self.knots[cell + 1] - self.knots[cell]
        x = (log_ratios - self.knots[cell]) / width
        return (
            (1 + 2 * x) * (1 - x) ** 2 * h[cell]
            + x**2 * (3 - 2 * x) * h[cell + 1]
            + width * x * (1 - x) * ((1 - x) * left[cell] - x * right[cell])
        )

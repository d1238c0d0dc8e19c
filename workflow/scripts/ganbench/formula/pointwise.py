"""The optimal discriminator of an objective at one point, solved from its formula by numbers.

Where L_D = E real(r) + E fake(f), the best logit at a point depends on t = p_data/p_g alone: u*(t)
minimises t·real(u) + fake(u). Minimax has u*(t) = log t; other objectives have others.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import expit

from ganbench.formula.boundary import falls_without_bound
from ganbench.formula.derivative import differentiate
from ganbench.formula.language import Apply, Expression, Formula, Number
from ganbench.formula.numpy_loss import Array, evaluate

_GRID = np.sinh(np.linspace(-48.0, 48.0, 1801))
"""Logits up to 3·10²⁰, close together around 0, between which slopes change their sign."""
_CHECKED_LOGITS = np.array([-7.3, -3.1, -1.7, -0.6, 0.0, 0.45, 1.3, 2.9, 6.7])
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class PointwiseGame:
    """The discriminator's loss where each point x decides its logit on its own."""

    formula: Formula

    def real(self, u: Array) -> Array:
        """The part of the loss on a real sample with the logit u, up to a constant."""
        return evaluate(self.formula.expression, u, 0.0) - self._at_zero / 2

    def fake(self, u: Array) -> Array:
        """The part of the loss on a generated sample; the two parts add up to the loss."""
        return evaluate(self.formula.expression, 0.0, u) - self._at_zero / 2

    @cached_property
    def _at_zero(self) -> float:
        return float(evaluate(self.formula.expression, 0.0, 0.0))

    @cached_property
    def _slopes(self) -> tuple[Expression, Expression]:
        expression = self.formula.expression
        return differentiate(expression, "r"), differentiate(expression, "f")

    def _slope(self, ratios: np.ndarray, u: np.ndarray) -> np.ndarray:
        """The derivative by u of t·real(u) + fake(u)."""
        real, fake = self._slopes
        with np.errstate(all="ignore"):
            slope = ratios * evaluate(real, u, 0.0) + evaluate(fake, 0.0, u)
        return np.broadcast_to(slope, np.broadcast_shapes(ratios.shape, u.shape))

    def find_logits(self, ratios: Array) -> np.ndarray:
        """u*(t), `(count,)`, at each t of `ratios`; beyond ±500 where it is a limit at infinity.

        Where a whole interval of logits is best, its middle.
        """
        low, high = self.find_intervals(ratios)
        return (low + high) / 2

    def find_intervals(self, ratios: Array) -> tuple[np.ndarray, np.ndarray]:
        """The lowest and the highest best logit, `(count,)` each, at each t of `ratios`."""
        ratios = np.asarray(ratios, dtype=float).ravel()
        starts = range(0, len(ratios), _ROWS_AT_ONCE)
        parts = [self._find_intervals(ratios[start : start + _ROWS_AT_ONCE]) for start in starts]
        low, high = zip(*parts, strict=True)
        return np.concatenate(low), np.concatenate(high)

    def _find_intervals(self, ratios: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        slopes = _fill_outwards(self._slope(ratios[:, None], _GRID[None, :]))
        falls, rises = slopes < 0, slopes > 0
        last = len(_GRID) - 1
        before = np.where(falls.any(1), last - falls[:, ::-1].argmax(1), -1)  # the last that falls
        after = np.where(rises.any(1), rises.argmax(1), last + 1)  # the first that rises
        several = np.flatnonzero(before > after)
        if several.size:  # more than one minimum
            deepest = self._find_deepest(ratios[several])
            before[several], after[several] = deepest - 1, deepest + 1
        left = _GRID[np.clip(before, 0, last)], _GRID[np.clip(before + 1, 0, last)]
        right = _GRID[np.clip(after - 1, 0, last)], _GRID[np.clip(after, 0, last)]
        if several.size:
            for edge in (left, right):
                edge[0][several] = _GRID[np.clip(before[several], 0, last)]
                edge[1][several] = _GRID[np.clip(after[several], 0, last)]
        return (
            self._bisect(ratios, *left, lambda slope: slope < 0),
            self._bisect(ratios, *right, lambda slope: slope <= 0),
        )

    def _find_deepest(self, ratios: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            values = ratios[:, None] * self.real(_GRID) + self.fake(_GRID)
        return np.where(np.isnan(values), np.inf, values).argmin(1)

    def _bisect(self, ratios, low, high, is_left) -> np.ndarray:
        """Where `is_left(slope)` ends between `low` and `high`."""
        for _ in range(70):
            middle = (low + high) / 2
            left = is_left(self._slope(ratios, middle))
            low, high = np.where(left, middle, low), np.where(left, high, middle)
        return (low + high) / 2

    def value_at_equilibrium(self) -> float:
        """V = −L_D at u* where p_g = p_data."""
        u = self.find_logits(1.0)[0]
        return 0.0 - float(self.real(u) + self.fake(u))

    def logit_at_equilibrium(self) -> float | None:
        """The best logit where p_g = p_data, or None if more than one is best."""
        low, high = self.find_intervals(1.0)
        middle = float(low[0] + high[0]) / 2
        if high[0] - low[0] > 1e-6:
            return None
        return 0.0 if abs(middle) < 1e-12 else middle

    def find_probabilities(self, ratios: Array) -> np.ndarray:
        """D* = σ(u*(t)), `(count,)`."""
        return expit(self.find_logits(ratios))

    @cached_property
    def is_classical(self) -> bool:
        """Whether u*(t) = log t, as in the game of Goodfellow et al. 2014."""
        ratios = np.exp(np.linspace(-6.0, 6.0, 13))
        return bool(np.abs(self.find_logits(ratios) - np.log(ratios)).max() < 1e-6)


def find_pointwise_game(formula: Formula) -> PointwiseGame | None:
    """The game of a discriminator's loss, or None if it has no optimum at single points.

    It has none where samples of a batch are compared with each other, where the formula lacks a
    value at some logit, or where the loss falls without bound.
    """
    return None if falls_without_bound(formula) or not _is_sum(formula) else PointwiseGame(formula)


def _is_sum(formula: Formula) -> bool:
    """Whether the loss is a function of r plus one of f, each of a single sample."""
    if _couples_samples(formula.expression):
        return False
    logits = _CHECKED_LOGITS
    values = evaluate(formula.expression, logits[:, None], logits[None, :])
    values = np.broadcast_to(values, (len(logits), len(logits)))
    if np.isnan(evaluate(formula.expression, *[np.linspace(-50, 50, 2001)] * 2)).any():
        return False
    with np.errstate(invalid="ignore"):  # where a value is beyond float64
        mixed = values - values[:, 4:5] - values[4:5, :] + values[4, 4]
        return not (np.abs(mixed) > 1e-9 * np.maximum(1.0, np.abs(values))).any()


def _couples_samples(expression: Expression, within_sum: bool = True) -> bool:
    """Whether a mean stands anywhere but around a whole term of the loss."""
    if not isinstance(expression, Apply):
        return False
    match expression:
        case Apply("mean", (inner,)):
            return not within_sum or _couples_samples(inner)
        case Apply("+" | "-", arguments):
            return any(_couples_samples(part, within_sum) for part in arguments)
        case Apply("*", (Number(), inner)) | Apply("*" | "/", (inner, Number())):
            return _couples_samples(inner, within_sum)
    return any(_couples_samples(part, within_sum=False) for part in expression.arguments)


def _fill_outwards(slopes: np.ndarray) -> np.ndarray:
    """Slopes beyond the range of float64 take the value of their neighbour towards 0."""
    slopes = slopes.copy()
    if np.isnan(slopes).any():
        middle = slopes.shape[1] // 2
        for column in range(middle + 1, slopes.shape[1]):
            missing = np.isnan(slopes[:, column])
            slopes[missing, column] = slopes[missing, column - 1]
        for column in range(middle - 1, -1, -1):
            missing = np.isnan(slopes[:, column])
            slopes[missing, column] = slopes[missing, column + 1]
    return slopes

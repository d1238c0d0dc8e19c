"""What h says of samples off the data, of dropped modes, and of the game's own divergence."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ganbench.densities.mixtures import DENSITIES
from ganbench.formula.derivative import differentiate
from ganbench.formula.numpy_loss import evaluate
from ganbench.theory.descent import LOG_END, Descent

_INNER = 30.0
"""Signs are read off up to this |log t|: further out, changes may be below float64."""
_INFINITE = 1e15
_FAR = np.array([20.0, 30.0, LOG_END])
MIXTURE = DENSITIES["mixture_1d"]
MEANS = np.round(np.arange(-3.0, 3.01, 0.05), 2)
STANDARD_DEVIATIONS = (0.5, 1.0)
_POINTS = np.linspace(-12.0, 12.0, 2401)


@dataclass(frozen=True)
class DescentFacts:
    """Statements about one generator's descent; costs are in units of its loss."""

    descent: Descent

    @cached_property
    def _losses(self) -> tuple[np.ndarray, np.ndarray]:
        """G and what it would be in the zero-sum game, at the knots within ±30."""
        knots = self.descent.knots
        knots = knots[np.abs(knots) <= _INNER]
        return self.descent.loss_at(knots), self.descent.zero_sum_loss_at(knots)

    @cached_property
    def _knots(self) -> np.ndarray:
        knots = self.descent.knots
        return knots[np.abs(knots) <= _INNER]

    @cached_property
    def is_flat(self) -> bool:
        """Whether the loss is the same at every t: at D* the generator has no gradient."""
        return not _find_signs(self._losses[0]).any()

    @cached_property
    def is_own(self) -> bool:
        """Whether it is V(G, D*) itself, as in every zero-sum game."""
        loss, zero_sum = self._losses
        return not _find_signs(loss - zero_sum, scale=np.abs(loss) + np.abs(zero_sum)).any()

    @cached_property
    def rises(self) -> list[tuple[float, float]]:
        """The intervals of t on which G rises, so that h is not convex."""
        return self._find_intervals(_find_signs(self._losses[0]) > 0)

    @cached_property
    def falls(self) -> list[tuple[float, float]]:
        """The intervals of t on which G falls, so that h is convex."""
        return self._find_intervals(_find_signs(self._losses[0]) < 0)

    @cached_property
    def moves_at_jumps_only(self) -> bool:
        """Whether G is constant but for jumps, at which D* jumps too."""
        changes = np.flatnonzero(_find_signs(self._losses[0]))
        ends = np.stack([self._knots[changes], self._knots[changes + 1]])
        at_jumps = np.isin(ends, self.descent.jumps).any(0)
        return bool(len(changes) and at_jumps.all())

    @cached_property
    def opposed(self) -> list[tuple[float, float]]:
        """The intervals of t on which G and the game's own divergence pull in opposite ways."""
        signs = [_find_signs(loss) for loss in self._losses]
        return self._find_intervals(signs[0] * signs[1] < 0)

    def _find_intervals(self, holds: np.ndarray) -> list[tuple[float, float]]:
        """Where `holds`, one value a cell, in t; 0 and ∞ at the ends."""
        edges = np.flatnonzero(np.diff(np.concatenate([[False], holds, [False]]).astype(int)))
        ends = self._knots.copy()
        ends[self._knots > _INNER / 2], ends[self._knots < -_INNER / 2] = np.inf, -np.inf
        return [
            (float(np.exp(ends[low])), float(np.exp(ends[high])))
            for low, high in edges.reshape(-1, 2)
        ]

    @cached_property
    def off_data(self) -> float:
        """h(0): the cost of each sample where there is no data; ±∞ without bound."""
        return _find_end(self.descent.loss_at(-_FAR) - self.descent.offset)

    @cached_property
    def dropped(self) -> float:
        """lim h(t)/t: the cost of a dropped mode per unit of its mass; ±∞ without bound."""
        return _find_end(self.descent.divergence_at(_FAR - 1e-9) * np.exp(-_FAR))

    @cached_property
    def pull_off_data(self) -> float:
        """−dG/d log t as t → 0, the weight with which a sample is moved along ∇ log t."""
        return self._find_pull(-1.0)

    @cached_property
    def pull_on_data(self) -> float:
        """The same as t → ∞, where the generator has too few samples."""
        return self._find_pull(1.0)

    def _find_pull(self, sign: float) -> float:
        places = sign * (_FAR - 1)
        change = self.descent.loss_at(places - 0.05) - self.descent.loss_at(places + 0.05)
        return _find_end(change / 0.1)

    @cached_property
    def logit_off_data(self) -> float:
        """u*(t) as t → 0, on samples that no data is near."""
        limit = _find_end(self.descent.game.find_logits(np.exp(-_FAR)))
        return limit if abs(limit) < _INFINITE else float(np.sign(limit) * np.inf)

    @cached_property
    def weight_off_data(self) -> float:
        """∂L_G/∂f there, the weight with which D's slope reaches the generator."""
        logits = self.descent.game.find_logits(np.exp(-_FAR))
        slope = differentiate(self.descent.objective.generator.expression, "f")
        return _find_end(np.broadcast_to(evaluate(slope, 0.0, logits), logits.shape))

    @cached_property
    def opposed_on_mixture(self) -> dict[float, list[tuple[float, float]]]:
        """By the standard deviation s: the m for which N(m, s²) on mixture_1d is moved away.

        There the derivatives by m of what the generator descends and of V(G, D*) have opposite
        signs.
        """
        log_data = MIXTURE.log_pdf(_POINTS[:, None])
        intervals = {}
        for std in STANDARD_DEVIATIONS:
            slopes = np.array([self._measure_slopes(log_data, mean, std) for mean in MEANS])
            large = np.abs(slopes) > 1e-6 * np.abs(slopes).max(0)
            opposite = (slopes.prod(1) < 0) & large.all(1)
            edges = np.flatnonzero(np.diff(np.concatenate([[0], opposite, [0]])))
            intervals[std] = [
                (float(MEANS[low]), float(MEANS[high - 1])) for low, high in edges.reshape(-1, 2)
            ]
        return intervals

    def _measure_slopes(self, log_data: np.ndarray, mean: float, std: float) -> tuple[float, float]:
        standard = (_POINTS - mean) / std
        log_generated = -(standard**2) / 2 - np.log(std * np.sqrt(2 * np.pi))
        change = np.exp(log_generated) * standard / std * (_POINTS[1] - _POINTS[0])
        log_ratios = np.clip(log_data - log_generated, -_INNER, _INNER)
        return tuple(
            float(change @ np.interp(log_ratios, self._knots, loss)) for loss in self._losses
        )


def _find_signs(losses: np.ndarray, scale: np.ndarray | None = None) -> np.ndarray:
    """Whether the losses fall (−1) or rise (1) from one place to the next, beyond rounding."""
    size = np.abs(losses if scale is None else scale)
    rounding = 1e-11 * np.maximum(size[1:], size[:-1]) + 1e-14
    with np.errstate(invalid="ignore"):  # a loss may be infinite at both places
        changes = np.nan_to_num(np.diff(losses))
    return np.where(np.abs(changes) <= rounding, 0, np.sign(changes)).astype(int)


def _find_end(values: np.ndarray) -> float:
    """The limit of three values at equal distances: the last, or ±∞ where they keep growing."""
    first, second = np.diff(values)
    if abs(second) <= 1e-3 * max(1.0, abs(values[-1])) or abs(second) < 0.2 * abs(first):
        return 0.0 if abs(values[-1]) < 1e-6 else float(values[-1])
    return float(np.sign(values[-1]) * np.inf)

"""The scale on which a metric's scores are compared, and the way back to its own unit."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ganbench.catalogue.metrics import METRICS, base_name
from ganbench.study.declared import Margin

ROUNDING = 1e-6
"""By less than this a score may lie outside its metric's range."""

LARGEST_EXPONENT = 700.0
"""exp of more than this is infinite in double precision."""


MEANS = {"log": "geometric mean", "angular": "arcsine mean", "identity": "mean"}
"""The kind of mean that scores have on each scale, in the metric's unit.

An arcsine mean is that of arcsin √s of shares s, transformed back.
"""


@dataclass(frozen=True)
class Scale:
    """A monotonic map of scores between `lowest` and `highest` to positions, and back.

    `log` is for positive scores whose spread between seeds grows with their size, so that a
    difference of positions is a ratio. `angular` is arcsin √s, where s is the score as a share of
    the range: it evens out the spread of shares as the logit does (Freeman and Tukey 1950,
    Transformations related to the angular and the square root) and is finite at both ends.
    """

    name: str
    lowest: float
    highest: float

    @property
    def mean_name(self) -> str:
        """What a mean of positions is called once it is taken back to the metric's unit."""
        return MEANS[self.name]

    def to_positions(self, values: np.ndarray) -> np.ndarray:
        """The positions of scores on this scale."""
        if self.name == "log":
            return np.log(values)
        if self.name == "angular":
            shares = (np.asarray(values) - self.lowest) / (self.highest - self.lowest)
            return np.arcsin(np.sqrt(np.clip(shares, 0.0, 1.0)))
        return np.asarray(values, dtype=float)

    def to_values(self, positions: np.ndarray) -> np.ndarray:
        """The scores at these positions; those beyond the ends of the range are at the ends."""
        if self.name == "log":
            return np.exp(np.minimum(positions, LARGEST_EXPONENT))
        if self.name == "angular":
            share = np.sin(np.clip(positions, 0.0, np.pi / 2)) ** 2
            return self.lowest + share * (self.highest - self.lowest)
        return np.clip(positions, self.lowest, self.highest)

    def to_interval(self, positions: Iterable[float]) -> tuple[float, ...]:
        """The scores at the estimate and the limits of an interval, within the metric's range."""
        values = self.to_values(np.array([*positions]))
        return tuple(np.clip(values, self.lowest, self.highest).tolist())

    def to_difference(self, shift: float, centre: float) -> float:
        """A difference of two positions, in the metric's unit, if `centre` is halfway between them.

        It has the sign of `shift`, and changes sign with it, so limits of an interval that are
        converted by it exclude zero exactly when the interval itself does.
        """
        if self.name == "identity":
            return float(shift)
        return float(self.to_values(centre + shift / 2) - self.to_values(centre - shift / 2))

    def is_within(self, margin: Margin, low: float, high: float, centre: float) -> bool:
        """Whether an interval of shifts around 0 reaches the margin nowhere; False for NaN.

        A share is a ratio on the log scale, from 1/(1 + m) to 1 + m, and else a share of the score
        at `centre`.
        """
        if margin.is_share and self.name == "log":
            return bool(max(abs(low), abs(high)) < np.log1p(margin.size))
        limits = [abs(self.to_difference(shift, centre)) for shift in (low, high)]
        size = margin.size
        if margin.is_share:
            size *= abs(float(self.to_values(np.asarray(centre))))
        return bool(np.max(limits) < size)


IDENTITY = Scale("identity", -np.inf, np.inf)
LOG = Scale("log", 0.0, np.inf)


def choose_scale(metric: str, values: Iterable[float]) -> Scale:
    """The scale of a qualified metric for these scores.

    Scores that a logarithm cannot take (0, as a rounded distance may be), or that lie outside the
    metric's range by more than rounding, are compared as they are.
    """
    definition = METRICS[base_name(metric)]
    name, lowest, highest = definition.scale, definition.lowest, definition.highest
    scores = [value for value in values if not np.isnan(value)]
    if any(value < lowest - ROUNDING or value > highest + ROUNDING for value in scores):
        return IDENTITY
    if name == "log" and any(value <= 0 for value in scores):
        name = "identity"
    return Scale(name, lowest, highest)

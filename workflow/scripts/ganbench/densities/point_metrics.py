"""Metrics of generated points where p_data is known, on a grid or from many samples.

All values are in nats. D is the discriminator's probability, D = sigmoid(logit). The optimal
discriminator D* is that of an objective; of the minimax game it is p_data / (p_data + p_g)
(Goodfellow et al. 2014, Proposition 1).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ganbench.densities.mixtures import Mixture
from ganbench.formula.language import parse
from ganbench.formula.pointwise import PointwiseGame

POINT_COUNTS = {1: 200_000, 2: 200_000}
"""Points per snapshot and in the floor, by the number of dimensions.

In the 400 cells of one dimension, so many real points have a JSD of 0.0002 by chance.
"""

CELLS = {1: 400, 2: 64}
"""Cells of the grid along each dimension, by the number of dimensions."""

HIGH_QUALITY = 3.0
"""A point is of high quality within this many standard deviations of the nearest mean."""

COVERED_SHARE = 0.1
"""A mode is covered if it gets at least this share of its expected high-quality points."""

MINIMAX = PointwiseGame(parse("softplus(-r) + softplus(f)"))
"""The discriminator's loss in Goodfellow et al. 2014, Eq. 1."""

Discriminator = Callable[[np.ndarray], np.ndarray]
"""Maps points `(count, dimensions)` to logits `(count,)`."""


@dataclass(frozen=True)
class Grid:
    """A grid over a density's box, and the exact mass of p_data in each cell, `data` `(cells,)`.

    The last cell is the space outside the box.
    """

    edges: list[np.ndarray]
    data: np.ndarray

    @property
    def centers(self) -> np.ndarray:
        """The centres of the cells inside the box, `(cells - 1, dimensions)`."""
        middles = [(axis_edges[1:] + axis_edges[:-1]) / 2 for axis_edges in self.edges]
        return np.stack(np.meshgrid(*middles, indexing="ij"), -1).reshape(-1, len(self.edges))

    @property
    def cell_size(self) -> float:
        """The length or area of a cell inside the box."""
        return float(np.prod([axis_edges[1] - axis_edges[0] for axis_edges in self.edges]))

    def masses(self, points: np.ndarray) -> np.ndarray:
        """The share of `points` in each cell, `(cells,)`."""
        counts, _ = np.histogramdd(points, bins=self.edges)
        inside = counts.ravel() / len(points)
        return np.append(inside, max(0.0, 1 - inside.sum()))

    def cell_of(self, points: np.ndarray) -> np.ndarray:
        """The index of each point's cell, `(count,)`."""
        index = np.zeros(len(points), dtype=int)
        outside = np.zeros(len(points), dtype=bool)
        for dimension, axis_edges in enumerate(self.edges):
            cells = len(axis_edges) - 1
            cell = np.searchsorted(axis_edges, points[:, dimension], side="right") - 1
            outside |= (cell < 0) | (cell >= cells)
            index = index * cells + cell.clip(0, cells - 1)
        return np.where(outside, len(self.data) - 1, index)


def make_grid(density: Mixture) -> Grid:
    """The grid on which metrics of points of `density` are computed."""
    cells = CELLS[density.dimensions]
    edges = [np.linspace(low, high, cells + 1) for low, high in density.box]
    inside = density.cell_masses(edges).ravel()
    return Grid(edges, np.append(inside, max(0.0, 1 - inside.sum())))


def jensen_shannon(first: np.ndarray, second: np.ndarray) -> float:
    """JSD = ½ KL(p ‖ m) + ½ KL(q ‖ m), m = (p + q)/2, of masses `(cells,)`; from 0 to log 2."""
    middle = (first + second) / 2
    return float((_kl(first, middle) + _kl(second, middle)) / 2)


def _kl(p: np.ndarray, q: np.ndarray) -> float:
    support = p > 0
    return float((p[support] * np.log(p[support] / q[support])).sum())


def optimal_discriminator(
    data: np.ndarray, generated: np.ndarray, count: int, game: PointwiseGame = MINIMAX
) -> np.ndarray:
    """D* of `game` at masses `(cells,)`, with p_g estimated from `count` points.

    One more point is spread evenly over the cells of p_g. Otherwise D* of minimax would be 1 in
    every cell that no generated point happens to fall into.
    """
    smoothed = (generated * count + 1 / len(generated)) / (count + 1)
    if game.is_classical:
        return data / (data + smoothed)
    return game.find_probabilities(data / smoothed)


def optimal_value(grid: Grid, estimate: np.ndarray, expectation: np.ndarray) -> float:
    """V(D*, G) = E_data log D*(x) + E_g log(1 − D*(x)) (Goodfellow et al. 2014, Eq. 4).

    Both arrays are points `(count, dimensions)` of one generator: D* is estimated from `estimate`,
    and the expectation over p_g is the mean over `expectation`. That over p_data is exact.
    """
    best = optimal_discriminator(grid.data, grid.masses(estimate), len(estimate))
    support = grid.data > 0
    with np.errstate(divide="ignore"):
        on_data = (grid.data[support] * np.log(best[support])).sum()
    return float(on_data + np.log1p(-best[grid.cell_of(expectation)]).mean())


def discriminator_distance(
    grid: Grid, discriminator: Discriminator, points: np.ndarray, game: PointwiseGame = MINIMAX
) -> float:
    """The mean of |D − D*| over (p_data + p_g)/2, on the grid; p_g is estimated from `points`."""
    generated = grid.masses(points)
    best = optimal_discriminator(grid.data, generated, len(points), game)[:-1]
    with np.errstate(over="ignore"):  # logits of an optimum at infinity
        probability = 1 / (1 + np.exp(-discriminator(grid.centers)))
    weights = (grid.data + generated)[:-1] / 2
    return float((weights * np.abs(probability - best)).sum() / weights.sum())


def high_quality_share(density: Mixture, points: np.ndarray) -> float:
    """The share of points within three standard deviations of the nearest mean."""
    return float((density.nearest(points)[1] <= HIGH_QUALITY).mean())


def modes_covered(density: Mixture, points: np.ndarray) -> int:
    """The number of modes with at least a tenth of the high-quality points that p_data gives them.

    Lin et al. 2018, PacGAN, Section 4.1, count a mode from one point on. Among 10⁵ points, chance
    alone covers every mode in that sense.
    """
    mode, distance = density.nearest(points)
    good = mode[distance <= HIGH_QUALITY]
    shares = np.bincount(good, minlength=density.modes) / len(points)
    expected = np.bincount(density.mode, weights=density.weights, minlength=density.modes)
    return int((shares >= COVERED_SHARE * expected).sum())


@dataclass(frozen=True)
class PointSample:
    """Points `(count, dimensions)` of one generator, or real ones, beside the density.

    The density of the points is estimated from `estimate`, with the `masses` of the grid's cells,
    and expectations are means over `expectation`.
    """

    density: Mixture
    grid: Grid
    estimate: np.ndarray
    expectation: np.ndarray

    @cached_property
    def masses(self) -> np.ndarray:
        """The share of `estimate` in each cell."""
        return self.grid.masses(self.estimate)


OF_SAMPLES: dict[str, Callable[[PointSample], float]] = {
    "JSD": lambda sample: jensen_shannon(sample.grid.data, sample.masses),
    "modes": lambda sample: modes_covered(sample.density, sample.estimate),
    "high_quality": lambda sample: high_quality_share(sample.density, sample.estimate),
    "optimal_value": lambda sample: optimal_value(sample.grid, sample.estimate, sample.expectation),
}
"""The metrics that need samples alone, by their names in the catalogue; real points have them."""


def score_sample(sample: PointSample) -> dict[str, float]:
    """The value of each metric that needs samples alone."""
    return {name: score(sample) for name, score in OF_SAMPLES.items()}

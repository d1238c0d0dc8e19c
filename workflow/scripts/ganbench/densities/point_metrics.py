"""Metrics of generated points where p_data is known, on a grid or by many samples.

All in nats. D is the trained discriminator's probability, D = sigmoid(logit), and
D* = p_data / (p_data + p_g) the optimal one (Goodfellow et al. 2014, Proposition 1).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ganbench.densities.mixtures import Mixture

CELLS = {1: 400, 2: 64}
"""Cells of the grid in each dimension, by the number of dimensions."""

HIGH_QUALITY = 3.0
"""Standard deviations from the nearest mean within which a point counts as of high quality."""

COVERED_SHARE = 0.1
"""A mode counts as covered when it gets this share of the high-quality points it should get."""

Discriminator = Callable[[np.ndarray], np.ndarray]
"""From points `(count, dimensions)` to logits `(count,)`."""


@dataclass(frozen=True)
class Grid:
    """Cells over a density's box; `data` is p_data's exact mass in each, flattened `(cells,)`.

    The last cell stands for all that lies outside the box.
    """

    edges: list[np.ndarray]
    data: np.ndarray

    @property
    def centers(self) -> np.ndarray:
        """Centres of the cells inside the box, `(cells - 1, dimensions)`."""
        middles = [(each[1:] + each[:-1]) / 2 for each in self.edges]
        return np.stack(np.meshgrid(*middles, indexing="ij"), -1).reshape(-1, len(self.edges))

    @property
    def cell_size(self) -> float:
        """Length or area of a cell."""
        return float(np.prod([each[1] - each[0] for each in self.edges]))

    def masses(self, points: np.ndarray) -> np.ndarray:
        """Share of `points` in each cell, `(cells,)`."""
        counts, _ = np.histogramdd(points, bins=self.edges)
        inside = counts.ravel() / len(points)
        return np.append(inside, max(0.0, 1 - inside.sum()))

    def cell_of(self, points: np.ndarray) -> np.ndarray:
        """Index of each point's cell, `(count,)`."""
        index = np.zeros(len(points), dtype=int)
        outside = np.zeros(len(points), dtype=bool)
        for dimension, each in enumerate(self.edges):
            place = np.searchsorted(each, points[:, dimension], side="right") - 1
            outside |= (place < 0) | (place >= len(each) - 1)
            index = index * (len(each) - 1) + place.clip(0, len(each) - 2)
        return np.where(outside, len(self.data) - 1, index)


def make_grid(density: Mixture) -> Grid:
    """The grid of a density's metrics."""
    cells = CELLS[density.dimensions]
    edges = [np.linspace(low, high, cells + 1) for low, high in density.box]
    inside = density.cell_masses(edges).ravel()
    return Grid(edges, np.append(inside, max(0.0, 1 - inside.sum())))


def jensen_shannon(first: np.ndarray, second: np.ndarray) -> float:
    """JSD = ½ KL(p ‖ m) + ½ KL(q ‖ m), m = (p + q)/2, of masses `(cells,)`; 0 to log 2."""
    middle = (first + second) / 2
    return float(sum(_kl(each, middle) for each in (first, second)) / 2)


def _kl(p: np.ndarray, q: np.ndarray) -> float:
    some = p > 0
    return float((p[some] * np.log(p[some] / q[some])).sum())


def optimal_discriminator(data: np.ndarray, generated: np.ndarray, count: int) -> np.ndarray:
    """D* = p_data / (p_data + p_g) of masses `(cells,)`, p_g estimated from `count` points.

    One more point is spread evenly over all cells of p_g, so that a cell that no point happened to
    fall into does not make the generator certain to be caught there.
    """
    smoothed = (generated * count + 1 / len(generated)) / (count + 1)
    return data / (data + smoothed)


def optimal_value(grid: Grid, estimate: np.ndarray, expectation: np.ndarray) -> float:
    """V(D*, G) = E_data log D*(x) + E_g log(1 − D*(x)) (Goodfellow et al. 2014, Eq. 4).

    D* comes from `estimate`, points `(count, dimensions)` of the generator; the expectation over
    p_g is over `expectation`, others of the same generator, that over p_data is exact.
    """
    best = optimal_discriminator(grid.data, grid.masses(estimate), len(estimate))
    some = grid.data > 0
    with np.errstate(divide="ignore"):
        on_data = (grid.data[some] * np.log(best[some])).sum()
    return float(on_data + np.log1p(-best[grid.cell_of(expectation)]).mean())


def discriminator_distance(grid: Grid, discriminator: Discriminator, points: np.ndarray) -> float:
    """Mean of |D − D*| where x is real or generated with equal chance, on the grid."""
    generated = grid.masses(points)
    best = optimal_discriminator(grid.data, generated, len(points))[:-1]
    trained = 1 / (1 + np.exp(-discriminator(grid.centers)))
    weights = (grid.data + generated)[:-1] / 2
    return float((weights * np.abs(trained - best)).sum() / weights.sum())


def high_quality_share(density: Mixture, points: np.ndarray) -> float:
    """Share of points within three standard deviations of the nearest mean."""
    return float((density.nearest(points)[1] <= HIGH_QUALITY).mean())


def modes_covered(density: Mixture, points: np.ndarray) -> int:
    """Modes with at least a tenth of the high-quality points that p_data would give them.

    Stricter than one point a mode (Lin et al. 2018, PacGAN, Section 4.1), which 10⁵ points always
    reach by chance.
    """
    mode, distance = density.nearest(points)
    found = np.bincount(mode[distance <= HIGH_QUALITY], minlength=density.modes) / len(points)
    expected = np.bincount(density.mode, weights=density.weights, minlength=density.modes)
    return int((found >= COVERED_SHARE * expected).sum())

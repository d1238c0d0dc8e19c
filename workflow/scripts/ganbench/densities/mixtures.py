"""Densities that are known exactly, for datasets where theory can be checked.

All are mixtures of isotropic Gaussians, p(x) = Σ wᵢ N(x; mᵢ, σ²I), so that p_data, its integrals
over boxes and samples from it come from one set of numbers.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, ndtr


@dataclass(frozen=True)
class Mixture:
    """`weights` `(components,)` sum to 1, `means` `(components, dimensions)`, one `std` for all.

    `mode` `(components,)` says which mode a component belongs to.
    """

    title: str
    weights: np.ndarray
    means: np.ndarray
    std: float
    mode: np.ndarray

    @property
    def dimensions(self) -> int:
        """Of the space the points live in."""
        return self.means.shape[1]

    @property
    def modes(self) -> int:
        """How many modes there are."""
        return int(self.mode.max()) + 1

    @property
    def box(self) -> np.ndarray:
        """`(dimensions, 2)`: a box that reaches 6 standard deviations beyond every mean."""
        reach = 6 * self.std
        return np.stack([self.means.min(0) - reach, self.means.max(0) + reach], axis=1)

    def log_pdf(self, points: np.ndarray) -> np.ndarray:
        """log p of `points` `(count, dimensions)`, `(count,)`."""
        parts = [
            np.log(weight) - ((points - mean) ** 2).sum(1) / (2 * self.std**2)
            for weight, mean in zip(self.weights, self.means, strict=True)
        ]
        scale = self.dimensions * np.log(self.std * np.sqrt(2 * np.pi))
        return logsumexp(parts, axis=0) - scale

    def pdf(self, points: np.ndarray) -> np.ndarray:
        """p of `points` `(count, dimensions)`, `(count,)`."""
        return np.exp(self.log_pdf(points))

    def sample(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """`count` points `(count, dimensions)` and the modes `(count,)` they were drawn from."""
        component = rng.choice(len(self.weights), count, p=self.weights)
        noise = rng.standard_normal((count, self.dimensions))
        return self.means[component] + self.std * noise, self.mode[component]

    def cell_masses(self, edges: list[np.ndarray]) -> np.ndarray:
        """Exact probability of every cell of a grid, given each dimension's edges.

        Shape `(cells in dimension 1, …)`; what lies outside the grid is missing from the sum.
        """
        total = np.zeros([len(each) - 1 for each in edges])
        for weight, mean in zip(self.weights, self.means, strict=True):
            cell = np.array(weight)
            for dimension, each in enumerate(edges):
                mass = np.diff(ndtr((each - mean[dimension]) / self.std))
                cell = np.multiply.outer(cell, mass)
            total += cell
        return total

    def nearest(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mode and distance, in standard deviations, of each point's nearest mean, `(count,)`."""
        distances = np.stack(
            [np.sqrt(((points - mean) ** 2).sum(1)) for mean in self.means], axis=1
        )
        component = distances.argmin(1)
        return self.mode[component], distances[np.arange(len(points)), component] / self.std


def _mixture(title: str, means: np.ndarray, std: float, **options: np.ndarray) -> Mixture:
    count = len(means)
    weights = options.get("weights", np.full(count, 1 / count))
    return Mixture(title, weights, means, std, options.get("mode", np.arange(count)))


def _mixture_1d() -> Mixture:
    means, weights = np.array([[-1.5], [1.5]]), np.array([0.4, 0.6])
    return _mixture("Two Gaussians on a line", means, 0.5, weights=weights)


def _gaussian_ring() -> Mixture:
    angles = 2 * np.pi * np.arange(8) / 8
    return _mixture("Eight Gaussians on a ring", 2 * _circle(angles), 0.1)


def _gaussian_grid() -> Mixture:
    places = np.arange(-2, 3, dtype=float)
    return _mixture(
        "25 Gaussians on a grid", np.array([(x, y) for x in places for y in places]), 0.05
    )


def _spiral() -> Mixture:
    """A spiral of 1.75 turns as 200 Gaussians in a row; every 10 of them count as one mode."""
    share = (np.arange(200) + 0.5) / 200
    angles = 3.5 * np.pi * np.sqrt(share)
    means = (angles / (3.5 * np.pi) * 2)[:, None] * _circle(angles)
    return _mixture("A spiral", means, 0.06, mode=np.arange(200) // 10)


def _circle(angles: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


DENSITIES: dict[str, Mixture] = {
    "mixture_1d": _mixture_1d(),
    "gaussian_ring": _gaussian_ring(),
    "gaussian_grid": _gaussian_grid(),
    "spiral": _spiral(),
}
"""Densities by the kind of dataset that a study names."""

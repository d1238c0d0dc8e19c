"""The known densities: mixtures of isotropic Gaussians, p(x) = Σ wᵢ N(x; mᵢ, σ²I).

Their values, their integrals over boxes and samples from them are all exact.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, ndtr


@dataclass(frozen=True)
class Mixture:
    """A mixture with one standard deviation `std` for all components.

    `weights` `(components,)` sum to 1; `means` are `(components, dimensions)`; `mode`
    `(components,)` is the index of the mode that each component belongs to.
    """

    title: str
    weights: np.ndarray
    means: np.ndarray
    std: float
    mode: np.ndarray

    @property
    def dimensions(self) -> int:
        """The number of dimensions of a point."""
        return self.means.shape[1]

    @property
    def modes(self) -> int:
        """The number of modes."""
        return int(self.mode.max()) + 1

    @property
    def box(self) -> np.ndarray:
        """The box `(dimensions, 2)` that extends 6 standard deviations beyond every mean."""
        margin = 6 * self.std
        return np.stack([self.means.min(0) - margin, self.means.max(0) + margin], axis=1)

    def log_pdf(self, points: np.ndarray) -> np.ndarray:
        """log p, `(count,)`, of `points` `(count, dimensions)`."""
        exponents = [
            np.log(weight) - ((points - mean) ** 2).sum(1) / (2 * self.std**2)
            for weight, mean in zip(self.weights, self.means, strict=True)
        ]
        log_normalizer = self.dimensions * np.log(self.std * np.sqrt(2 * np.pi))
        return logsumexp(exponents, axis=0) - log_normalizer

    def pdf(self, points: np.ndarray) -> np.ndarray:
        """p, `(count,)`, of `points` `(count, dimensions)`."""
        return np.exp(self.log_pdf(points))

    def sample(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draws points `(count, dimensions)`; returns them with their modes `(count,)`."""
        component = rng.choice(len(self.weights), count, p=self.weights)
        noise = rng.standard_normal((count, self.dimensions))
        return self.means[component] + self.std * noise, self.mode[component]

    def cell_masses(self, edges: list[np.ndarray]) -> np.ndarray:
        """The exact probability of each cell of a grid, `(cells in dimension 1, …)`.

        `edges` are the grid's edges in each dimension. The mass outside the grid is left out.
        """
        masses = np.zeros([len(axis_edges) - 1 for axis_edges in edges])
        for weight, mean in zip(self.weights, self.means, strict=True):
            component = np.array(weight)
            for center, axis_edges in zip(mean, edges, strict=True):
                axis_masses = np.diff(ndtr((axis_edges - center) / self.std))
                component = np.multiply.outer(component, axis_masses)
            masses += component
        return masses

    def nearest(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The mode `(count,)` of the mean nearest to each point, and the distance to that mean.

        Distances `(count,)` are in standard deviations.
        """
        distances = np.stack(
            [np.sqrt(((points - mean) ** 2).sum(1)) for mean in self.means], axis=1
        )
        component = distances.argmin(1)
        return self.mode[component], distances[np.arange(len(points)), component] / self.std


def _equal_mixture(title: str, means: np.ndarray, std: float, components_per_mode: int) -> Mixture:
    """A mixture of equally weighted components; consecutive ones form a mode."""
    count = len(means)
    return Mixture(
        title=title,
        weights=np.full(count, 1 / count),
        means=means,
        std=std,
        mode=np.arange(count) // components_per_mode,
    )


def _mixture_1d() -> Mixture:
    return Mixture(
        title="Two Gaussians on a line",
        weights=np.array([0.4, 0.6]),
        means=np.array([[-1.5], [1.5]]),
        std=0.5,
        mode=np.arange(2),
    )


def _gaussian_ring() -> Mixture:
    angles = 2 * np.pi * np.arange(8) / 8
    return _equal_mixture("Eight Gaussians on a ring", 2 * _circle(angles), 0.1, 1)


def _gaussian_grid() -> Mixture:
    axis = np.arange(-2, 3, dtype=float)
    means = np.array([(x, y) for x in axis for y in axis])
    return _equal_mixture("25 Gaussians on a grid", means, 0.05, 1)


def _spiral() -> Mixture:
    """A spiral of 1.75 turns made of 200 Gaussians; every 10 consecutive ones are a mode."""
    fractions = (np.arange(200) + 0.5) / 200
    angles = 3.5 * np.pi * np.sqrt(fractions)
    means = (angles / (3.5 * np.pi) * 2)[:, None] * _circle(angles)
    return _equal_mixture("A spiral", means, 0.06, 10)


def _circle(angles: np.ndarray) -> np.ndarray:
    """Points of the unit circle, `(count, 2)`."""
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


DENSITIES: dict[str, Mixture] = {
    "mixture_1d": _mixture_1d(),
    "gaussian_ring": _gaussian_ring(),
    "gaussian_grid": _gaussian_grid(),
    "spiral": _spiral(),
}
"""Known densities, by the kind of dataset that a study names."""

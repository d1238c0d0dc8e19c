"""Known densities and their metrics: closed forms, quadrature, and properties of D*."""

import numpy as np
import pytest
import torch
from ganbench.densities import point_metrics
from ganbench.densities.mixtures import DENSITIES, Mixture
from ganbench.duality_gap import minimax_value
from scipy.integrate import dblquad, quad
from scipy.stats import norm

LINE = DENSITIES["mixture_1d"]
RING = DENSITIES["gaussian_ring"]


def sample(density: Mixture, count: int, seed: int = 0) -> np.ndarray:
    points, _ = density.sample(count, np.random.default_rng(seed))
    return points


@pytest.mark.parametrize("name", DENSITIES)
def test_density_integrates_to_one(name):
    density = DENSITIES[name]
    if density.dimensions == 1:
        total, _ = quad(lambda x: density.pdf(np.array([[x]]))[0], *density.box[0], limit=200)
        assert total == pytest.approx(1, abs=1e-8)
    assert density.weights.sum() == pytest.approx(1)
    assert point_metrics.make_grid(density).data[:-1].sum() == pytest.approx(1, abs=1e-7)


def test_density_of_the_line_is_its_mixture():
    x = np.linspace(-4, 4, 17)
    expected = 0.4 * norm.pdf(x, -1.5, 0.5) + 0.6 * norm.pdf(x, 1.5, 0.5)
    np.testing.assert_allclose(LINE.pdf(x[:, None]), expected, rtol=1e-12)


def test_cell_masses_are_integrals_of_the_density():
    edges = [np.array([1.7, 1.9, 2.1]), np.array([-0.1, 0.2])]
    masses = RING.cell_masses(edges)

    def pdf(y, x):
        return RING.pdf(np.array([[x, y]]))[0]

    for cell, (low, high) in enumerate([(1.7, 1.9), (1.9, 2.1)]):
        expected, _ = dblquad(pdf, low, high, -0.1, 0.2)
        assert masses[cell, 0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", DENSITIES)
def test_samples_follow_the_density(name):
    density = DENSITIES[name]
    grid = point_metrics.make_grid(density)
    masses = grid.masses(sample(density, 400_000))
    assert point_metrics.jensen_shannon(masses, grid.data) < 0.004


def test_grid_finds_the_cell_of_a_point():
    grid = point_metrics.make_grid(RING)
    assert grid.cell_of(grid.centers).tolist() == list(range(len(grid.data) - 1))
    assert grid.cell_of(np.array([[99.0, 0.0]])) == len(grid.data) - 1
    points = sample(RING, 1000)
    shares = np.bincount(grid.cell_of(points), minlength=len(grid.data)) / 1000
    np.testing.assert_allclose(shares, grid.masses(points), atol=1e-12)


def test_jensen_shannon_divergence_of_two_gaussians_equals_quadrature():
    p, q = norm(0, 1).pdf, norm(1, 1).pdf

    def integrand(x):
        middle = (p(x) + q(x)) / 2
        return (p(x) * np.log(p(x) / middle) + q(x) * np.log(q(x) / middle)) / 2

    expected, _ = quad(integrand, -12, 12)
    edges = np.linspace(-12, 12, 4001)
    masses = [np.diff(norm(mean, 1).cdf(edges)) for mean in (0, 1)]
    assert point_metrics.jensen_shannon(*masses) == pytest.approx(expected, rel=1e-4)


def test_jensen_shannon_divergence_ranges_from_zero_to_log_2():
    first, second = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert point_metrics.jensen_shannon(first, first) == 0
    assert point_metrics.jensen_shannon(first, second) == pytest.approx(np.log(2))


@pytest.mark.parametrize("shift", [0.0, 1.0, 5.0])
def test_value_at_the_optimal_discriminator_is_two_jsd_minus_log_4(shift):
    grid = point_metrics.make_grid(LINE)
    estimate = sample(LINE, 1_000_000) + shift
    expectation = sample(LINE, 1_000_000, seed=1) + shift
    divergence = point_metrics.jensen_shannon(grid.data, grid.masses(estimate))
    value = point_metrics.optimal_value(grid, estimate, expectation)
    assert value == pytest.approx(2 * divergence - np.log(4), abs=1e-3)


def test_value_of_an_undecided_discriminator_is_minus_log_4():
    zeros = torch.zeros(100, dtype=torch.float64)
    assert minimax_value(zeros, zeros).item() == pytest.approx(-np.log(4))


def test_optimal_discriminator_has_no_distance_to_itself():
    grid = point_metrics.make_grid(LINE)
    points = sample(LINE, 500_000) + 0.4

    def optimal_logits(x):
        return LINE.log_pdf(x) - LINE.log_pdf(x - 0.4)

    def zero_logits(x):
        return np.zeros(len(x))

    assert point_metrics.discriminator_distance(grid, optimal_logits, points) < 0.01
    assert point_metrics.discriminator_distance(grid, zero_logits, points) > 0.1


@pytest.mark.parametrize("name", ["gaussian_ring", "gaussian_grid", "spiral"])
def test_real_points_cover_every_mode_with_high_quality(name):
    density = DENSITIES[name]
    points = sample(density, 20_000)
    assert point_metrics.modes_covered(density, points) == density.modes
    assert point_metrics.high_quality_share(density, points) > 0.98


def test_lost_modes_are_missed_and_bad_points_cover_none():
    points, mode = RING.sample(20_000, np.random.default_rng(0))
    assert point_metrics.modes_covered(RING, points[mode < 3]) == 3
    assert point_metrics.modes_covered(RING, points * 0.5) == 0
    assert point_metrics.high_quality_share(RING, points * 0.5) < 0.01

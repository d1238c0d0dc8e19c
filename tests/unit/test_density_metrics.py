"""Known densities and their metrics: closed forms, quadrature, and what D* must satisfy."""

import numpy as np
import pytest
import torch
from ganbench.densities import point_metrics as dm
from ganbench.densities.mixtures import DENSITIES
from ganbench.duality_gap import minimax_value
from scipy.integrate import dblquad, quad
from scipy.stats import norm

LINE = DENSITIES["mixture_1d"]
RING = DENSITIES["gaussian_ring"]


def sample(density, count, seed=0):
    return density.sample(count, np.random.default_rng(seed))[0]


@pytest.mark.parametrize("name", DENSITIES)
def test_density_integrates_to_one(name):
    density = DENSITIES[name]
    if density.dimensions == 1:
        total = quad(lambda x: density.pdf(np.array([[x]]))[0], *density.box[0], limit=200)[0]
        assert total == pytest.approx(1, abs=1e-8)
    assert density.weights.sum() == pytest.approx(1)
    assert dm.make_grid(density).data[:-1].sum() == pytest.approx(1, abs=1e-7)


def test_density_of_the_line_is_its_mixture():
    x = np.linspace(-4, 4, 17)
    expected = 0.4 * norm.pdf(x, -1.5, 0.5) + 0.6 * norm.pdf(x, 1.5, 0.5)
    np.testing.assert_allclose(LINE.pdf(x[:, None]), expected, rtol=1e-12)


def test_cell_masses_are_integrals_of_the_density():
    edges = [np.array([1.7, 1.9, 2.1]), np.array([-0.1, 0.2])]
    masses = RING.cell_masses(edges)
    for cell, (low, high) in enumerate([(1.7, 1.9), (1.9, 2.1)]):
        pdf = lambda y, x: RING.pdf(np.array([[x, y]]))[0]  # noqa: E731 - what dblquad wants
        expected = dblquad(pdf, low, high, -0.1, 0.2)[0]
        assert masses[cell, 0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", DENSITIES)
def test_samples_follow_the_density(name):
    density = DENSITIES[name]
    grid = dm.make_grid(density)
    assert dm.jensen_shannon(grid.masses(sample(density, 400_000)), grid.data) < 0.004


def test_grid_finds_the_cell_of_a_point():
    grid = dm.make_grid(RING)
    cells = grid.cell_of(grid.centers)
    assert cells.tolist() == list(range(len(grid.data) - 1))
    assert grid.cell_of(np.array([[99.0, 0.0]])) == len(grid.data) - 1
    points = sample(RING, 1000)
    counted = np.bincount(grid.cell_of(points), minlength=len(grid.data)) / 1000
    np.testing.assert_allclose(counted, grid.masses(points), atol=1e-12)


def test_jensen_shannon_divergence_of_two_gaussians_equals_quadrature():
    p, q = norm(0, 1).pdf, norm(1, 1).pdf

    def integrand(x):
        m = (p(x) + q(x)) / 2
        return (p(x) * np.log(p(x) / m) + q(x) * np.log(q(x) / m)) / 2

    expected = quad(integrand, -12, 12)[0]
    edges = np.linspace(-12, 12, 4001)
    masses = [np.diff(norm(mean, 1).cdf(edges)) for mean in (0, 1)]
    assert dm.jensen_shannon(*masses) == pytest.approx(expected, rel=1e-4)


def test_jensen_shannon_divergence_runs_from_zero_to_log_2():
    one, other = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert dm.jensen_shannon(one, one) == 0
    assert dm.jensen_shannon(one, other) == pytest.approx(np.log(2))


@pytest.mark.parametrize("shift", [0.0, 0.3, 1.0, 5.0])
def test_value_at_the_optimal_discriminator_is_two_jsd_minus_log_4(shift):
    grid = dm.make_grid(LINE)
    points = sample(LINE, 1_000_000) + shift
    others = sample(LINE, 1_000_000, seed=1) + shift
    divergence = dm.jensen_shannon(grid.data, grid.masses(points))
    found = dm.optimal_value(grid, points, others)
    assert found == pytest.approx(2 * divergence - np.log(4), abs=1e-3)


def test_value_of_an_undecided_discriminator_is_minus_log_4():
    points = sample(LINE, 100)
    zeros = torch.zeros(len(points), dtype=torch.float64)
    assert minimax_value(zeros, zeros).item() == pytest.approx(-np.log(4))


def test_optimal_discriminator_has_no_distance_to_itself():
    grid = dm.make_grid(LINE)
    points = sample(LINE, 500_000) + 0.4

    def best(x):
        data, generated = LINE.log_pdf(x), LINE.log_pdf(x - 0.4)
        return data - generated

    assert dm.discriminator_distance(grid, best, points) < 0.01
    assert dm.discriminator_distance(grid, lambda x: np.zeros(len(x)), points) > 0.1


@pytest.mark.parametrize("name", ["gaussian_ring", "gaussian_grid", "spiral"])
def test_modes_and_quality_of_the_data_itself_are_full(name):
    density = DENSITIES[name]
    points = sample(density, 100_000)
    assert dm.modes_covered(density, points) == density.modes
    assert dm.high_quality_share(density, points) > 0.98


def test_lost_modes_are_missed_and_bad_points_do_not_cover():
    points, mode = RING.sample(100_000, np.random.default_rng(0))
    assert dm.modes_covered(RING, points[mode < 3]) == 3
    assert dm.modes_covered(RING, points * 0.5) == 0
    assert dm.high_quality_share(RING, points * 0.5) < 0.01

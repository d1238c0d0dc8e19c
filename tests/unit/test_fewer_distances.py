"""Shortcuts around float64 distances and kernels over all pairs change no score."""

import pytest
import torch
from ganbench.evaluation import (
    distances,
    feature_metrics,
    float32_distances,
    kernel_distance,
    neighbourhoods,
)
from ganbench.evaluation.batches import BLOCKS
from ganbench.evaluation.feature_sets import FeatureSet
from ganbench.evaluation.float32_distances import Float32Distances
from metrics_example import compute_scores, feature_set, normal, real_images

SETS = {
    "ordinary": lambda x, real: (x, real),
    "far from the origin": lambda x, real: (x + 1e3, real + 1e3),
    "one outlier": lambda x, real: (torch.cat([x[:-1], x[-1:] * 1e4]), real),
    "copies": lambda x, real: (real[torch.arange(600) % 500], real),
    "one image": lambda x, real: (real[:1].repeat(600, 1), real),
    "many on an edge": lambda x, real: (x.round(), real.round()),
    "too large for float32": lambda x, real: (x * 1e25, real * 1e25),
}
"""Generated and real features, most of which float32 cannot decide about."""


def assert_equals_full_matrix(generated: FeatureSet, real: FeatureSet, rtol: float, atol: float):
    """Compares neighbourhoods with those found in the full float64 matrix of distances."""
    between = distances.squared_distances(generated.features, real.features)
    neighbours = neighbourhoods.compare_neighbourhoods(generated, real)
    balls = float((between <= real.radii[:, 1]).sum())
    assert neighbours.precision == (between <= real.radii[:, 0]).any(1).double().mean()
    assert neighbours.recall == (between <= generated.radii[:, :1]).any(0).double().mean()
    assert neighbours.density == balls / (5 * len(generated.features))
    assert neighbours.coverage == (between <= real.radii[:, 1]).any(0).double().mean()
    nearest = neighbours.nearest_distances()
    torch.testing.assert_close(nearest, between.amin(1), rtol=rtol, atol=atol)


@pytest.mark.parametrize("name", SETS)
def test_float32_selection_changes_no_distance_and_no_neighbourhood(name):
    generated, real = SETS[name](normal(600, 16, 0), normal(500, 16, 1))
    sets = feature_set(generated), feature_set(real)
    atol = 1e-14 * real.square().sum(1).max()
    for features, images in zip((generated, real), sets, strict=True):
        nearest = distances.squared_distances(features, features).sort(dim=1).values
        tie = distances.tie(features) * torch.tensor(distances.EDGES)
        expected, size = nearest[:, [3, 5]] + tie, features.square().sum(1).max()
        torch.testing.assert_close(images.radii, expected, rtol=1e-6, atol=1e-14 * size)
    assert_equals_full_matrix(*sets, rtol=1e-6, atol=atol)
    nearest = neighbourhoods.compare_neighbourhoods(*sets).nearest_distances()
    assert torch.equal(nearest, distances.nearest_distances(generated, real))


@pytest.mark.parametrize("size", [3, 64, 2048])
@pytest.mark.parametrize("shift", [0, 5])
def test_errors_of_float32_distances_stay_within_their_bound(size, shift):
    first, second = (normal(300, size, seed).relu() + shift for seed in (0, 1))
    pairs = Float32Distances(first, second)
    everything = slice(0, 300)
    exact = distances.squared_distances(first, second)
    error = (pairs.of_block(everything, everything) - exact).abs()
    assert (error <= pairs.row_error[:, None]).all()
    assert (error <= pairs.column_error).all()
    # a bound as large as the distances would leave everything undecided
    assert pairs.row_error.max() < 0.02 * exact.amin(1).median()


@pytest.fixture
def largest_errors(monkeypatch):
    """Makes float32 distances wrong by 90 % of a bound that is large enough to matter."""
    compute, random = Float32Distances.of_block, torch.Generator().manual_seed(3)

    def compute_wrongly(self, rows, columns, out=None):
        block = compute(self, rows, columns, out)
        error = self.row_error[rows, None] + self.column_error[columns] - self.row_error.max()
        sign = torch.randint(0, 2, block.shape, generator=random) * 2 - 1
        return block.add_(0.9 * sign * error)

    monkeypatch.setattr(float32_distances, "UNIT", 1e-3)
    monkeypatch.setattr(Float32Distances, "of_block", compute_wrongly)


@pytest.mark.parametrize("counts", [(600, 500), (300, 1300)], ids=["alike", "more real images"])
def test_errors_as_large_as_their_bound_change_no_score(counts, largest_errors, monkeypatch):
    monkeypatch.setitem(BLOCKS, "cpu", 300)
    generated, real = normal(counts[0], 4, 0), normal(counts[1], 4, 1)
    generated[:100] *= 4  # so that the bounds of rows and of columns differ
    real[:100] *= 4
    sets = feature_set(generated), feature_set(real)
    for features, images in zip((generated, real), sets, strict=True):
        exact = torch.cdist(features, features, compute_mode="donot_use_mm_for_euclid_dist")
        expected = exact.square().sort(dim=1).values[:, [3, 5]]
        torch.testing.assert_close(images.radii, expected, rtol=1e-9, atol=1e-11)
    assert_equals_full_matrix(*sets, rtol=1e-9, atol=1e-11)


def test_every_block_that_may_contain_the_nearest_image_is_searched():
    """The block of the nearest seems as far away as errors allow, all others as near."""
    generated, real = normal(50, 4, 0), normal(2500, 4, 1)
    pairs = Float32Distances(generated, real)
    blocks = distances.squared_distances(generated, real).split(BLOCKS["cpu"], dim=1)
    exact = torch.stack([block.amin(1) for block in blocks], dim=1)
    nearest_block = exact.argmin(1, keepdim=True)
    nearest = exact.gather(1, nearest_block).float()
    error = 0.99 * pairs.row_error[:, None]
    minima = (nearest - error).repeat(1, exact.shape[1])
    minima.scatter_(1, nearest_block, nearest + error)
    torch.testing.assert_close(distances.refine_nearest(pairs, minima), exact.amin(1))


def test_few_images_of_a_classifier_need_all_distances_in_float64(monkeypatch):
    counts, compute = [], distances._exact_radii

    def count_and_compute(some, features):
        counts.append(len(some))
        return compute(some, features)

    monkeypatch.setattr(distances, "_exact_radii", count_and_compute)
    feature_set(normal(2000, 64, 0).relu())
    assert sum(counts) < 20


def test_mean_embeddings_give_the_kernel_distance_over_all_pairs(monkeypatch):
    first, second = normal(120, 20, 0), normal(90, 20, 1) + 0.5
    distance = feature_metrics.kernel_distance(feature_set(first), feature_set(second), 1.0)
    monkeypatch.setattr(kernel_distance, "EMBEDDED_SIZE", 0)
    sets = feature_set(first), feature_set(second)
    assert len(sets[0].embedding) == 0
    assert distance == pytest.approx(feature_metrics.kernel_distance(*sets, 1.0), rel=1e-12)


@pytest.mark.parametrize("size", [7, BLOCKS["cuda"]], ids=["small blocks", "blocks of a GPU"])
@pytest.mark.parametrize("embedded_size", [128, 0], ids=["short features", "long features"])
def test_block_size_changes_no_score(embedded_size, size, monkeypatch):
    """Features longer than EMBEDDED_SIZE get their kernel distance from all pairs."""
    monkeypatch.setattr(kernel_distance, "EMBEDDED_SIZE", embedded_size)
    train, held_out, generated = normal(230, 6, 0), normal(170, 6, 1), normal(190, 6, 2) * 0.9
    expected = compute_scores(generated, real_images(train, held_out))
    monkeypatch.setitem(BLOCKS, "cpu", size)
    scores = compute_scores(generated, real_images(train, held_out))
    assert scores == pytest.approx(expected, rel=1e-9)

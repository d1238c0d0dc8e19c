"""Scores without all distances in double precision: the same as with them, in whatever blocks."""

import pytest
import torch
from ganbench.evaluation import distances, neighbourhoods
from ganbench.evaluation import feature_metrics as fm
from ganbench.evaluation import float32_distances as single
from ganbench.evaluation import kernel_distance as kernel
from metrics_example import described, normal, real_images, scores


def hard_sets() -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Generated and real features on which single precision cannot decide everything."""
    real = normal(500, 16, 1)
    outlier = normal(600, 16, 0)
    outlier[3] = 1e4
    return {
        "plain": (normal(600, 16, 0), real),
        "far from the origin": (normal(600, 16, 0) + 1e3, real + 1e3),
        "an outlier": (outlier, real),
        "copies": (real[torch.arange(600) % 500], real),
        "one image": (real[:1].repeat(600, 1), real),
        "edges by the dozen": (normal(600, 16, 0).round(), real.round()),
        "too large for single precision": (normal(600, 16, 0) * 1e25, real * 1e25),
    }


@pytest.mark.parametrize("name", hard_sets())
def test_single_precision_only_says_where_double_need_not_look(name):
    """Equal to what double precision finds over the full matrix of distances, ties included."""
    generated, real = hard_sets()[name]
    first, second = described(generated), described(real)
    for features, found in ((generated, first), (real, second)):
        tie = distances.TIE * features.square().sum(1).mean()
        of_all = distances.squared_distances(features, features).sort(dim=1).values + tie
        size = features.square().sum(1).max()
        torch.testing.assert_close(found.radii, of_all[:, [3, 5]], rtol=1e-6, atol=1e-14 * size)
    across = distances.squared_distances(generated, real)
    found = neighbourhoods.neighbourhoods(first, second)
    assert found.precision == (across <= second.radii[:, 0]).any(1).double().mean()
    assert found.recall == (across <= first.radii[:, :1]).any(0).double().mean()
    assert found.density == float((across <= second.radii[:, 1]).sum()) / (5 * 600)
    assert found.coverage == (across <= second.radii[:, 1]).any(0).double().mean()
    assert torch.equal(found.nearest(), distances.nearest_distances(generated, real))
    torch.testing.assert_close(found.nearest(), across.amin(1), rtol=1e-6, atol=1e-14 * size)


@pytest.mark.parametrize("size", [3, 64, 2048])
@pytest.mark.parametrize("shift", [0, 5])
def test_errors_of_single_precision_stay_within_their_bound(size, shift):
    first, second = (normal(300, size, seed).relu() + shift for seed in (0, 1))
    pairs = single.Pairs(first, second)
    whole = slice(0, 300)
    error = (pairs.distances(whole, whole) - distances.squared_distances(first, second)).abs()
    assert (error <= pairs.row_slack[:, None]).all()
    assert (error <= pairs.column_slack).all()
    nearest = distances.squared_distances(first, second).amin(1)
    assert pairs.row_slack.max() < 0.02 * nearest.median()  # or it would decide little


@pytest.fixture
def wrong_by_the_bound(monkeypatch):
    """Distances in single precision that are off by nearly all that their bound allows, which is
    made large enough that many comparisons are in doubt."""
    exactly, random = single.Pairs.distances, torch.Generator().manual_seed(3)

    def distances(self, rows, columns, out=None):
        found = exactly(self, rows, columns, out)
        least = self.row_slack[rows, None] + self.column_slack[columns] - self.row_slack.max()
        sign = torch.randint(0, 2, found.shape, generator=random) * 2 - 1
        return found.add_(0.9 * sign * least)

    monkeypatch.setattr(single, "UNIT", 1e-3)
    monkeypatch.setattr(single.Pairs, "distances", distances)


@pytest.mark.parametrize("sizes", [(600, 500), (300, 1300)])
def test_errors_as_large_as_their_bound_change_no_score(sizes, wrong_by_the_bound, monkeypatch):
    """Norms differ, so that the slack of rows and of columns do."""
    monkeypatch.setattr(distances, "BLOCK", 300)
    monkeypatch.setattr(single, "BLOCK", 300)
    generated, real = normal(sizes[0], 4, 0), normal(sizes[1], 4, 1)
    generated[:100] *= 4
    real[:100] *= 4
    first, second = described(generated), described(real)
    for features, found in ((generated, first), (real, second)):
        of_all = torch.cdist(features, features, compute_mode="donot_use_mm_for_euclid_dist")
        expected = of_all.square().sort(dim=1).values[:, [3, 5]]
        torch.testing.assert_close(found.radii, expected, rtol=1e-9, atol=1e-11)
    across = distances.squared_distances(generated, real)
    found = neighbourhoods.neighbourhoods(first, second)
    assert found.precision == (across <= second.radii[:, 0]).any(1).double().mean()
    assert found.recall == (across <= first.radii[:, :1]).any(0).double().mean()
    assert found.density == float((across <= second.radii[:, 1]).sum()) / (5 * sizes[0])
    assert found.coverage == (across <= second.radii[:, 1]).any(0).double().mean()
    torch.testing.assert_close(found.nearest(), across.amin(1), rtol=1e-9, atol=1e-11)


def test_blocks_that_may_hold_the_nearest_are_looked_at():
    """Least distances are given too large for the block of the nearest, too small for others."""
    generated, real = normal(50, 4, 0), normal(2500, 4, 1)
    pairs = single.Pairs(generated, real)
    blocks = distances.squared_distances(generated, real).split(single.BLOCK, dim=1)
    exact = torch.stack([each.amin(1) for each in blocks], dim=1)
    slack = 0.99 * pairs.row_slack[:, None]
    # all others as near as they can seem to be
    least = torch.full_like(exact, torch.inf).float()
    nearest = exact.argmin(1, keepdim=True)
    seen = exact.gather(1, nearest).float()
    least = least.fill_(0).add_(seen - slack).scatter_(1, nearest, seen + slack)
    torch.testing.assert_close(distances.nearest_in_blocks(pairs, least), exact.amin(1))


def test_few_images_are_looked_at_in_double_precision(monkeypatch):
    """On features as a classifier's, single precision decides nearly all."""
    looked, exact = [], distances._radii_of
    monkeypatch.setattr(
        distances, "_radii_of", lambda some, all_of: looked.append(len(some)) or exact(some, all_of)
    )
    described(normal(2000, 64, 0).relu())
    assert sum(looked) < 20


def test_kernel_by_embeddings_is_the_kernel_over_all_pairs(monkeypatch):
    first, second = normal(120, 20, 0), normal(90, 20, 1) + 0.5
    found = fm.kernel_distance(described(first), described(second), 1.0)
    monkeypatch.setattr(kernel, "EXPLICIT", 0)
    sets = described(first), described(second)
    assert len(sets[0].embedding) == 0
    assert found == pytest.approx(fm.kernel_distance(*sets, 1.0), rel=1e-12)


def test_blocks_change_no_score(monkeypatch):
    train, held_out, generated = normal(230, 6, 0), normal(170, 6, 1), normal(190, 6, 2) * 0.9
    whole = scores(generated, real_images(train, held_out))
    for module in (distances, kernel, neighbourhoods, single):
        monkeypatch.setattr(module, "BLOCK", 7)
    assert scores(generated, real_images(train, held_out)) == pytest.approx(whole, rel=1e-9)


def test_blocks_change_no_kernel_distance_of_long_features(monkeypatch):
    """Those whose embedding is not made: all pairs are gone through."""
    first, second = normal(40, 6, 0), normal(50, 6, 1) + 0.5
    monkeypatch.setattr(kernel, "EXPLICIT", 0)
    whole = fm.kernel_distance(described(first), described(second), 1.0)
    monkeypatch.setattr(kernel, "BLOCK", 7)
    in_blocks = fm.kernel_distance(described(first), described(second), 1.0)
    assert in_blocks == pytest.approx(whole, rel=1e-9)

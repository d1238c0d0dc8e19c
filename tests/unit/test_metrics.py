"""Metrics against closed forms and their definitions, and what may not change them."""

import numpy as np
import pytest
import torch
from ganbench import metrics
from ganbench.evaluation import distances, feature_sets, kernel, neighbourhoods, single
from ganbench.evaluation import feature_metrics as fm
from ganbench.evaluation.extractors import Features
from ganbench.evaluation.feature_sets import FeatureSet, describe
from ganbench.evaluation.reference import measure_real
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm


def normal(count: int, size: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, size, generator=generator, dtype=torch.float64)


def described(features: torch.Tensor, scale: float = 1.0) -> FeatureSet:
    return describe(features, scale)


def real_images(train: torch.Tensor, held_out: torch.Tensor) -> fm.RealImages:
    return measure_real({"train": Features(train, None), "held_out": Features(held_out, None)})


def scores(generated: torch.Tensor, real: fm.RealImages) -> dict[tuple[str, str], float]:
    found = fm.score(Features(generated, None), real, "vgg16")
    return {(metrics.base(name), reference): value for reference, name, value in found}


def test_frechet_distance_of_gaussians_is_the_closed_form():
    first = normal(200_000, 3, 0) * torch.tensor([1.0, 2.0, 0.5]) + torch.tensor([0.0, 1.0, 2.0])
    second = normal(200_000, 3, 1) * torch.tensor([2.0, 1.0, 0.5])
    expected = (1 + 4) + (1 + 1 + 0)  # squared mean distance + sum of squared SD differences
    gaussians = [
        FeatureSet(each, *feature_sets.gaussian(each), None, None, None) for each in (first, second)
    ]
    assert fm.frechet_distance(*gaussians) == pytest.approx(expected, rel=0.02)


def test_frechet_distance_of_exactly_known_gaussians_is_exact():
    """Two points ±a have mean 0 and variance 2a²."""
    first = torch.tensor([[3.0], [-3.0]]).repeat(8, 1)
    second = torch.tensor([[1.0], [-1.0]]).repeat(8, 1) + 2
    deviations = [value * (16 / 15) ** 0.5 for value in (3, 1)]
    expected = 4 + (deviations[0] - deviations[1]) ** 2
    found = fm.frechet_distance(described(first), described(second))
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("counts", [(300, 200), (6, 7)], ids=["plenty", "fewer than features"])
def test_frechet_distance_equals_its_definition_on_the_same_features(counts):
    first, second = normal(counts[0], 8, 0), normal(counts[1], 8, 1) * 1.3 + 0.2
    mean = ((first.mean(0) - second.mean(0)) ** 2).sum()
    covariances = [np.cov(each.numpy(), rowvar=False) for each in (first, second)]
    root = sqrtm(covariances[0] @ covariances[1]).real
    expected = float(mean) + np.trace(covariances[0] + covariances[1] - 2 * root)
    found = fm.frechet_distance(described(first), described(second))
    assert found == pytest.approx(expected, rel=1e-6)


def test_frechet_distance_of_a_set_to_itself_is_zero():
    features = described(normal(100, 5, 0))
    assert fm.frechet_distance(features, features) == pytest.approx(0, abs=1e-9)


def test_kernel_distance_equals_its_definition():
    first, second = normal(40, 6, 0), normal(40, 6, 1) + 0.5
    kernel = [((a @ b.T) / 6 + 1) ** 3 for a, b in ((first, first), (second, second))]
    within = [(each.sum() - each.diagonal().sum()) / (40 * 39) for each in kernel]
    across = (((first @ second.T) / 6 + 1) ** 3).mean()
    expected = float(within[0] + within[1] - 2 * across)
    found = fm.kernel_distance(described(first), described(second), scale=1.0)
    assert found == pytest.approx(expected, rel=1e-9)


def test_kernel_distance_does_not_depend_on_the_features_unit():
    first, second = normal(60, 6, 0), normal(60, 6, 1) + 0.5
    found = []
    for unit in (1.0, 1000.0):
        scale = fm.kernel_scale(second * unit)
        sets = [describe(each * unit, scale) for each in (first, second)]
        found.append(fm.kernel_distance(*sets, scale))
    assert found[0] == pytest.approx(found[1], rel=1e-9)


def test_neighbours_are_counted_as_their_definitions_say():
    """Compared with the four definitions, written out over the full matrix of distances."""
    generated, real = normal(150, 3, 0) * 0.8, normal(120, 3, 1)
    within = [torch.cdist(each, each) for each in (generated, real)]
    radius = {k: [each.sort(dim=1).values[:, k] for each in within] for k in (3, 5)}
    across = torch.cdist(generated, real)
    found = neighbourhoods.neighbourhoods(described(generated), described(real))
    assert found.precision == (across <= radius[3][1]).any(1).double().mean()
    assert found.recall == (across <= radius[3][0][:, None]).any(0).double().mean()
    assert found.density == pytest.approx((across <= radius[5][1]).sum() / (5 * 150))
    assert found.coverage == (across.amin(0) <= radius[5][1]).double().mean()
    torch.testing.assert_close(found.nearest().sqrt(), across.amin(1))


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


def test_precision_and_recall_are_told_apart():
    real = normal(200, 2, 0)
    narrow = normal(200, 2, 1) * 0.05  # plausible, but of one mode
    found = neighbourhoods.neighbourhoods(described(narrow), described(real))
    assert found.precision > 0.95
    assert found.recall < 0.2
    assert found.density > 0.95
    assert found.coverage < 0.2


def test_fresh_real_images_have_the_density_and_coverage_that_the_definitions_promise():
    found = neighbourhoods.neighbourhoods(
        described(normal(2000, 4, 0)), described(normal(2000, 4, 1))
    )
    assert found.density == pytest.approx(1, abs=0.05)
    assert found.coverage == pytest.approx(1 - 2**-5, abs=0.02)


def test_memorisation_tells_copies_from_fresh_images():
    train, held_out = normal(900, 4, 0), normal(300, 4, 1)
    real = real_images(train, held_out)
    copies, fresh, far = train[500:800], normal(300, 4, 2), normal(300, 4, 2) * 3
    found = [scores(images, real)["memorisation", "train"] for images in (copies, fresh, far)]
    assert found[0] == pytest.approx(0, abs=1e-6)
    assert found[1] == pytest.approx(1, abs=0.1)
    assert found[2] > 1.5
    assert scores(held_out, real)["memorisation", "train"] == pytest.approx(1, rel=1e-12)


def test_memorisation_looks_at_every_training_image():
    """Copies of training images that are no reference, for there are fewer held-out images."""
    train, held_out = normal(900, 4, 0), normal(300, 4, 1)
    real = real_images(train, held_out)
    assert {len(each.features) for each in real.sets.values()} == {300}
    for copies in (train[:300], train[300:600], train[-300:]):
        assert scores(copies, real)["memorisation", "train"] < 1e-6


def test_inception_score_of_certain_and_balanced_classes_is_their_number():
    logits = torch.eye(5, dtype=torch.float64).repeat(400, 1) * 100
    assert fm.inception_score(logits) == pytest.approx(5, rel=0.02)
    assert fm.inception_score(logits[:, :1].repeat(1, 5)) == pytest.approx(1)


def test_generator_with_a_single_image_gets_finite_scores():
    real = real_images(normal(300, 4, 0), normal(300, 4, 1))
    found = scores(torch.full((100, 4), 0.1, dtype=torch.float64), real)
    assert np.isfinite(list(found.values())).all()
    assert found["recall", "held_out"] == 0
    assert found["coverage", "held_out"] < 0.2


def test_copies_lie_on_the_edge_of_a_ball_and_count_as_inside():
    """Each training image's ball reaches exactly to a neighbour, which the generator copies.

    Distances to the one and to the other are rounded differently.
    """
    train = normal(200, 16, 0)
    real = real_images(train, train + 1)
    found = scores(train.clone(), real)
    assert found["density", "train"] == pytest.approx(6 / 5)  # itself and its 5 neighbours' balls
    assert found["coverage", "train"] == found["precision", "train"] == 1


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


SEEDS = st.integers(0, 2**31 - 1)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_rotated_and_shifted_features_have_the_same_distances(seed):
    train, generated = normal(60, 4, seed), normal(50, 4, seed + 1) * 1.2 + 0.1
    rotation = torch.linalg.qr(normal(4, 4, seed + 2)).Q
    before = scores(generated, real_images(train, train + 0.01))
    moved = [each @ rotation + 5 for each in (generated, train, train + 0.01)]
    after = scores(moved[0], real_images(*moved[1:]))
    for name, value in before.items():
        if name[0] != "KID":  # its kernel is not made of distances
            assert after[name] == pytest.approx(value, rel=1e-6, abs=1e-9), name


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_order_of_images_changes_no_score(seed):
    train, held_out, generated = (normal(60, 4, seed + place) for place in range(3))
    order = torch.randperm(60, generator=torch.Generator().manual_seed(seed))
    before = scores(generated, real_images(train, held_out))
    after = scores(generated[order], real_images(train[order.flip(0)], held_out[order]))
    assert after == pytest.approx(before, rel=1e-6, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_swapping_the_sets_swaps_precision_and_recall_and_keeps_the_distances(seed):
    first, second = described(normal(50, 3, seed)), described(normal(70, 3, seed + 1) * 0.7)
    there = neighbourhoods.neighbourhoods(first, second)
    back = neighbourhoods.neighbourhoods(second, first)
    assert (there.precision, there.recall) == (back.recall, back.precision)
    for distance in (fm.frechet_distance, lambda a, b: fm.kernel_distance(a, b, 1.0)):
        assert distance(first, second) == pytest.approx(distance(second, first), rel=1e-9)


def test_non_finite_features_never_become_a_score():
    real = real_images(normal(100, 4, 1), normal(100, 4, 2))
    broken = normal(100, 4, 0)
    broken[0, 0] = torch.inf
    with pytest.raises(ValueError, match="not finite"):
        scores(broken, real)


def test_real_images_that_cannot_be_told_apart_are_refused():
    with pytest.raises(ValueError, match="features of all training images are zero"):
        real_images(torch.zeros(100, 4), normal(100, 4, 0))
    with pytest.raises(ValueError, match="are the splits disjoint"):
        real_images(torch.ones(100, 4), torch.ones(100, 4))


@pytest.mark.parametrize(("extractor", "least"), [("classifier", 50), ("vgg16", 10)])
def test_too_few_samples_are_refused_with_the_number_that_is_needed(extractor, least):
    assert metrics.minimum_samples(extractor) == least
    real = real_images(normal(100, 4, 1), normal(100, 4, 2))
    enough = Features(normal(least, 4, 0), None)
    assert len(list(fm.score(enough, real, extractor))) == 13
    with pytest.raises(ValueError, match=f"found {least - 1}, expected at least {least}"):
        list(fm.score(enough.first(least - 1), real, extractor))


def test_every_score_has_a_definition_with_its_neighbours_in_it():
    real = real_images(normal(100, 4, 1), normal(100, 4, 2))
    named = {name for name, _ in scores(normal(100, 4, 0), real)}
    assert named | {"IS"} == {"FD", "IS", "KID", "memorisation", *metrics.NEIGHBOURS}
    for name, k in metrics.NEIGHBOURS.items():
        assert f"k = {k}" in metrics.DEFINITIONS[name].definition
    assert metrics.DEFINITIONS["memorisation"].better == "neither"


def test_metric_names_carry_the_extractor_unless_it_is_inceptions():
    assert metrics.qualified("FD", "classifier") == "FD-classifier"
    assert metrics.qualified("FD", metrics.INCEPTION) == "FID"
    assert metrics.qualified("IS", metrics.INCEPTION) == "IS"
    assert {
        metrics.base("FID"),
        metrics.base("FD-classifier"),
        metrics.base("FD-dinov2-vit-s-14"),
    } == {"FD"}
    assert metrics.base("precision-classifier") == "precision"

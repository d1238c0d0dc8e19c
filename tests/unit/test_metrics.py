"""Metrics against closed forms and their definitions, and what may not change them."""

import numpy as np
import pytest
import torch
from ganbench.catalogue import metrics
from ganbench.evaluation import feature_metrics as fm
from ganbench.evaluation import feature_sets, neighbourhoods
from ganbench.evaluation.extractor import Features
from ganbench.evaluation.feature_sets import FeatureSet, describe
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics_example import described, normal, real_images, scores
from scipy.linalg import sqrtm


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
        assert f"k = {k}" in metrics.METRICS[name].definition
    assert metrics.METRICS["memorisation"].better == "neither"


def test_metric_names_carry_the_extractor_unless_it_is_inceptions():
    assert metrics.qualify("FD", "classifier") == "FD-classifier"
    assert metrics.qualify("FD", metrics.INCEPTION) == "FID"
    assert metrics.qualify("IS", metrics.INCEPTION) == "IS"
    assert {
        metrics.base_name("FID"),
        metrics.base_name("FD-classifier"),
        metrics.base_name("FD-dinov2-vit-s-14"),
    } == {"FD"}
    assert metrics.base_name("precision-classifier") == "precision"

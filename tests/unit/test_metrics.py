"""Metrics of images against closed forms and their definitions, and their invariances."""

import math

import numpy as np
import pytest
import torch
from ganbench.catalogue import metrics
from ganbench.evaluation import feature_metrics
from ganbench.evaluation.extractor import Features
from ganbench.evaluation.feature_sets import FeatureSet, fit_gaussian, summarise_features
from ganbench.evaluation.neighbourhoods import compare_neighbourhoods
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics_example import compute_scores, feature_set, normal, real_images
from scipy.linalg import sqrtm


def test_frechet_distance_of_gaussians_is_the_closed_form():
    first = normal(200_000, 3, 0) * torch.tensor([1.0, 2.0, 0.5]) + torch.tensor([0.0, 1.0, 2.0])
    second = normal(200_000, 3, 1) * torch.tensor([2.0, 1.0, 0.5])
    expected = (1 + 4) + (1 + 1 + 0)  # squared distance of means + squared differences of SDs
    gaussians = [
        FeatureSet(features, *fit_gaussian(features), None, None, None)
        for features in (first, second)
    ]
    assert feature_metrics.frechet_distance(*gaussians) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("reference", ["train", "held_out"])
def test_a_metric_alone_has_the_value_that_it_has_among_all(reference):
    images = real_images(normal(300, 8, 0), normal(200, 8, 1))
    generated = 1.2 * normal(150, 8, 2) + 0.3
    scores = compute_scores(generated, images)
    names = [name for name in metrics.BY_FEATURES if name != "IS"]
    assert {"FD", "KID", "FD_infinity", "MMD2", "recall", "coverage"} <= set(names)
    for name in names:
        alone = feature_metrics.score_one(name, Features(generated, None), images, reference)
        assert alone == scores[name, reference]
    logits = normal(150, 5, 3)
    assert feature_metrics.score_one("IS", Features(generated, logits), images, reference) == (
        feature_metrics.inception_score(logits)
    )
    with pytest.raises(ValueError, match="IS needs an extractor that knows classes"):
        feature_metrics.score_one("IS", Features(generated, None), images, reference)


def test_frechet_distance_of_known_moments_is_exact():
    """Two points ±a have mean 0 and variance 2a²."""
    first = torch.tensor([[3.0], [-3.0]]).repeat(8, 1)
    second = torch.tensor([[1.0], [-1.0]]).repeat(8, 1) + 2
    deviations = [value * (16 / 15) ** 0.5 for value in (3, 1)]
    expected = 4 + (deviations[0] - deviations[1]) ** 2
    distance = feature_metrics.frechet_distance(feature_set(first), feature_set(second))
    assert distance == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("counts", [(300, 200), (6, 7)], ids=["more images than features", "fewer"])
def test_frechet_distance_equals_its_definition(counts):
    first, second = normal(counts[0], 8, 0), normal(counts[1], 8, 1) * 1.3 + 0.2
    shift = ((first.mean(0) - second.mean(0)) ** 2).sum()
    covariances = [np.cov(features.numpy(), rowvar=False) for features in (first, second)]
    root = sqrtm(covariances[0] @ covariances[1]).real
    expected = float(shift) + np.trace(covariances[0] + covariances[1] - 2 * root)
    distance = feature_metrics.frechet_distance(feature_set(first), feature_set(second))
    assert distance == pytest.approx(expected, rel=1e-6)


def test_frechet_distance_of_a_set_to_itself_is_zero():
    features = feature_set(normal(100, 5, 0))
    assert feature_metrics.frechet_distance(features, features) == pytest.approx(0, abs=1e-9)


def test_kernel_distance_equals_its_definition():
    first, second = normal(40, 6, 0), normal(40, 6, 1) + 0.5
    kernels = [((features @ features.T) / 6 + 1) ** 3 for features in (first, second)]
    within = [(kernel.sum() - kernel.diagonal().sum()) / (40 * 39) for kernel in kernels]
    between = (((first @ second.T) / 6 + 1) ** 3).mean()
    expected = float(within[0] + within[1] - 2 * between)
    distance = feature_metrics.kernel_distance(feature_set(first), feature_set(second), scale=1.0)
    assert distance == pytest.approx(expected, rel=1e-9)


def test_kernel_distance_does_not_depend_on_the_unit_of_features():
    first, second = normal(60, 6, 0), normal(60, 6, 1) + 0.5
    distances = []
    for unit in (1.0, 1000.0):
        scale = feature_metrics.kernel_scale(second * unit, "classifier")
        sets = [summarise_features(features * unit, scale) for features in (first, second)]
        distances.append(feature_metrics.kernel_distance(*sets, scale))
    assert distances[0] == pytest.approx(distances[1], rel=1e-9)


def test_neighbourhood_metrics_equal_their_definitions():
    """Over the full matrix of distances."""
    generated, real = normal(150, 3, 0) * 0.8, normal(120, 3, 1)
    within = [torch.cdist(features, features) for features in (generated, real)]
    generated_radii, real_radii = ({k: d.sort(dim=1).values[:, k] for k in (3, 5)} for d in within)
    between = torch.cdist(generated, real)
    neighbours = compare_neighbourhoods(feature_set(generated), feature_set(real))
    assert neighbours.precision == (between <= real_radii[3]).any(1).double().mean()
    assert neighbours.recall == (between <= generated_radii[3][:, None]).any(0).double().mean()
    assert neighbours.density == pytest.approx((between <= real_radii[5]).sum() / (5 * 150))
    assert neighbours.coverage == (between.amin(0) <= real_radii[5]).double().mean()
    torch.testing.assert_close(neighbours.nearest_distances().sqrt(), between.amin(1))


def test_plausible_images_of_one_mode_have_precision_but_no_recall():
    narrow, real = normal(200, 2, 1) * 0.05, normal(200, 2, 0)
    neighbours = compare_neighbourhoods(feature_set(narrow), feature_set(real))
    assert neighbours.precision > 0.95
    assert neighbours.recall < 0.2
    assert neighbours.density > 0.95
    assert neighbours.coverage < 0.2


def test_other_real_images_have_the_density_and_coverage_of_the_definitions():
    sets = [feature_set(normal(2000, 4, seed)) for seed in (0, 1)]
    neighbours = compare_neighbourhoods(*sets)
    assert neighbours.density == pytest.approx(1, abs=0.05)
    assert neighbours.coverage == pytest.approx(1 - 2**-5, abs=0.02)


def test_memorisation_distinguishes_copies_from_other_images():
    train, held_out = normal(900, 4, 0), normal(300, 4, 1)
    real = real_images(train, held_out)

    def memorisation(images):
        return compute_scores(images, real)["memorisation", "train"]

    fresh = normal(300, 4, 2)
    assert memorisation(train[500:800]) == pytest.approx(0, abs=1e-6)
    assert memorisation(fresh) == pytest.approx(1, abs=0.1)
    assert memorisation(fresh * 3) > 1.5
    assert memorisation(held_out) == pytest.approx(1, rel=1e-12)


def test_memorisation_compares_with_every_training_image():
    """Also with those beyond the reference, which is as small as the held-out split."""
    train, held_out = normal(900, 4, 0), normal(300, 4, 1)
    real = real_images(train, held_out)
    assert {len(images.features) for images in real.references.values()} == {300}
    for copies in (train[:300], train[300:600], train[-300:]):
        assert compute_scores(copies, real)["memorisation", "train"] < 1e-6


def test_share_of_copies_is_told_from_images_that_are_merely_far_away():
    """30 % exact copies and 70 % far from any real image: their mean distance looks like new."""
    train, held_out = normal(900, 4, 0), normal(300, 4, 1)
    real = real_images(train, held_out)
    images = torch.cat([train[600:690], normal(210, 4, 2) * 1.5])
    scores = compute_scores(images, real)
    assert scores["memorisation", "train"] > 0.8
    assert scores["copies", "train"] == pytest.approx(0.3, abs=0.02)
    assert compute_scores(held_out, real)["copies", "train"] == pytest.approx(0.01)


def test_copies_are_counted_where_held_out_images_repeat_training_images_too():
    train = normal(900, 4, 0)
    held_out = torch.cat([train[:30].clone(), normal(270, 4, 1)])
    real = real_images(train + 1e4, held_out + 1e4)
    images = torch.cat([train[500:600], normal(200, 4, 2)]) + 1e4
    assert compute_scores(held_out + 1e4, real)["copies", "train"] == pytest.approx(0.1)
    assert compute_scores(images, real)["copies", "train"] == pytest.approx(1 / 3, abs=0.01)


@pytest.mark.parametrize("held_out", [50, 599, 600, 10_000])
def test_real_images_are_copies_with_the_probability_of_their_rank(held_out):
    """An image drawn like the held-out ones is among the `rank` nearest of all of them."""
    rank = metrics.copy_rank(held_out)
    assert rank - 1 < 0.01 * held_out <= rank
    draws = np.random.default_rng(0).random((2000, held_out + 1))
    nearer = draws[:, 0] <= np.partition(draws[:, 1:], rank - 1)[:, rank - 1]
    expected = rank / (held_out + 1)
    assert nearer.mean() == pytest.approx(expected, abs=4 * (expected / 2000) ** 0.5)


def test_inception_score_of_certain_and_balanced_classes_is_their_number():
    logits = torch.eye(5, dtype=torch.float64).repeat(400, 1) * 100
    assert feature_metrics.inception_score(logits) == pytest.approx(5, rel=0.02)
    assert feature_metrics.inception_score(logits[:, :1].repeat(1, 5)) == pytest.approx(1)


def test_generator_of_a_single_image_gets_finite_scores():
    real = real_images(normal(300, 4, 0), normal(300, 4, 1))
    scores = compute_scores(torch.full((100, 4), 0.1, dtype=torch.float64), real)
    assert np.isfinite(list(scores.values())).all()
    assert scores["recall", "held_out"] == 0
    assert scores["coverage", "held_out"] < 0.2


def test_copies_on_the_edge_of_a_ball_are_outside_for_density_alone():
    """Each training image's ball reaches exactly to a neighbour, which the generator copies.

    Distances to the neighbour and to its copy are rounded differently.
    """
    train = normal(200, 16, 0)
    scores = compute_scores(train.clone(), real_images(train, train + 1))
    assert scores["density", "train"] == pytest.approx(1)  # its own ball and 4 neighbours', not 5
    assert scores["coverage", "train"] == scores["precision", "train"] == 1


@pytest.mark.parametrize("offset", [1e3, 1e6, 1e8])
def test_distance_of_features_from_the_origin_changes_no_score_but_the_kernel(offset):
    """A mean of 1e6 standard deviations would round distances away, were they not centred."""
    train, held_out, generated = normal(500, 16, 0), normal(500, 16, 1), normal(500, 16, 2) * 1.3
    expected = compute_scores(generated, real_images(train, held_out))
    scores = compute_scores(generated + offset, real_images(train + offset, held_out + offset))
    for (name, reference), value in expected.items():
        if name != "KID":  # its kernel depends on the origin
            assert scores[name, reference] == pytest.approx(value, rel=1e-6), (name, reference)


def test_copies_are_found_among_features_far_from_the_origin():
    train, held_out = normal(300, 4, 0) + 1e6, normal(300, 4, 1) + 1e6
    scores = compute_scores(train[:200].clone(), real_images(train, held_out))
    assert scores["memorisation", "train"] == pytest.approx(0, abs=1e-6)
    assert scores["precision", "train"] == 1


SEEDS = st.integers(0, 2**31 - 1)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_rotated_and_shifted_features_get_the_same_scores(seed):
    train, generated = normal(60, 4, seed), normal(50, 4, seed + 1) * 1.2 + 0.1
    held_out = train + 0.01
    rotation = torch.linalg.qr(normal(4, 4, seed + 2)).Q
    moved = [features @ rotation + 5 for features in (train, held_out)]
    before = compute_scores(generated, real_images(train, held_out))
    after = compute_scores(generated @ rotation + 5, real_images(*moved))
    for name, value in before.items():
        if name[0] != "KID":  # its kernel depends on the origin
            assert after[name] == pytest.approx(value, rel=1e-6, abs=1e-9), name


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_order_of_images_changes_no_score(seed):
    train, held_out, generated = (normal(60, 4, seed + offset) for offset in range(3))
    order = torch.randperm(60, generator=torch.Generator().manual_seed(seed))
    before = compute_scores(generated, real_images(train, held_out))
    after = compute_scores(generated[order], real_images(train[order.flip(0)], held_out[order]))
    for name, value in before.items():
        if name[0] != "FD_infinity":  # which halves and quarters the images
            assert after[name] == pytest.approx(value, rel=1e-6, abs=1e-9), name


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_swapping_the_sets_swaps_precision_and_recall_and_keeps_distances(seed):
    first, second = feature_set(normal(50, 3, seed)), feature_set(normal(70, 3, seed + 1) * 0.7)
    forward, backward = compare_neighbourhoods(first, second), compare_neighbourhoods(second, first)
    assert (forward.precision, forward.recall) == (backward.recall, backward.precision)
    assert feature_metrics.frechet_distance(first, second) == pytest.approx(
        feature_metrics.frechet_distance(second, first), rel=1e-9
    )
    assert feature_metrics.kernel_distance(first, second, 1.0) == pytest.approx(
        feature_metrics.kernel_distance(second, first, 1.0), rel=1e-9
    )


def test_features_that_are_not_finite_get_no_score():
    real = real_images(normal(100, 4, 1), normal(100, 4, 2))
    broken = normal(100, 4, 0)
    broken[0, 0] = torch.inf
    with pytest.raises(ValueError, match="not finite"):
        compute_scores(broken, real)


def test_real_images_without_distances_between_them_are_refused():
    with pytest.raises(ValueError, match="features of all training images are zero"):
        real_images(torch.zeros(100, 4), normal(100, 4, 0))
    with pytest.raises(ValueError, match="are the splits disjoint"):
        real_images(torch.ones(100, 4), torch.ones(100, 4))


@pytest.mark.parametrize(("extractor", "minimum"), [("classifier", 50), ("vgg16", 10)])
def test_too_few_samples_are_refused_with_the_number_needed(extractor, minimum):
    real = real_images(normal(100, 4, 1), normal(100, 4, 2))
    enough = Features(normal(minimum, 4, 0), None)
    assert list(feature_metrics.score_features(enough, real, extractor))
    with pytest.raises(ValueError, match=f"found {minimum - 1}, expected at least {minimum}"):
        list(feature_metrics.score_features(enough.first(minimum - 1), real, extractor))


@pytest.mark.parametrize("shape", [(100, 10), (100, 3, 10)])
def test_scores_of_images_are_exactly_the_metrics_that_the_catalogue_declares(shape):
    """Those of stacked images are computed apart, in more of them."""
    real = real_images(normal(100, 4, 1), normal(100, 4, 2))
    logits = normal(100, math.prod(shape[1:]), 3).reshape(shape)
    generated = Features(normal(100, 4, 0), logits=logits)
    names = [name for name, metric in metrics.METRICS.items() if metric.of == "images"]
    references = {name: set() for name in names if name not in metrics.STACKED}
    for reference, name, _ in feature_metrics.score_features(generated, real, "classifier"):
        references[metrics.base_name(name)].add(reference)
    for name in feature_metrics.AGAINST_TRAINING_ONLY:
        assert references.pop(name) == {"train"}
    for name, compared in references.items():
        expected = {"train", "held_out"} if metrics.METRICS[name].has_reference else {"none"}
        assert compared == expected, name


def test_floor_of_precision_density_and_coverage_is_no_bound_but_recall_tells():
    """A generator of the central 5 % of a Gaussian, beside the same number of real images."""
    train, held_out = normal(1000, 16, 0), normal(1000, 16, 1)
    many = normal(20_000, 16, 2)
    central = many[many.norm(dim=1).argsort()[:1000]]
    real = real_images(train, held_out)
    floor, scores = compute_scores(train, real), compute_scores(central, real)
    for name in ("precision", "density", "coverage"):
        assert scores[name, "held_out"] > floor[name, "held_out"]
        assert metrics.METRICS[name].beside == "recall"
    assert scores["precision", "held_out"] == 1
    assert scores["density", "held_out"] > 3
    assert scores["recall", "held_out"] < 0.2 < floor["recall", "held_out"]


def test_floor_of_recall_is_no_bound_but_precision_tells():
    """A generator of widely scattered images, each with a ball as large as the data."""
    real = real_images(normal(1000, 16, 0), normal(1000, 16, 1))
    floor = compute_scores(normal(1000, 16, 2), real)
    scores = compute_scores(normal(1000, 16, 2) * 2, real)
    assert scores["recall", "held_out"] > floor["recall", "held_out"]
    assert metrics.METRICS["recall"].beside == "precision"
    assert scores["precision", "held_out"] < 0.2 < floor["precision", "held_out"]


def test_companions_have_the_same_extractor():
    assert metrics.companion("precision-digits-v1") == "recall-digits-v1"
    assert metrics.companion("recall") == "precision"
    assert metrics.companion("FID") is None


@pytest.mark.parametrize("name", metrics.METRICS)
def test_every_metric_has_a_range_and_says_what_its_floor_means(name):
    metric = metrics.METRICS[name]
    low, high = metric.range
    assert low is None or high is None or low < high
    assert metric.floor.endswith(".")


def test_scores_lie_in_the_declared_ranges():
    """Of generators that are good, that collapsed, that copy and that are far away."""
    real = real_images(normal(200, 4, 0), normal(200, 4, 1))
    good = normal(120, 4, 2)
    for images in (good, good[:1].repeat(120, 1), real.train[:120], good * 100 + 5):
        scored = Features(images, normal(120, 10, 3))
        for _, metric, value in feature_metrics.score_features(scored, real, "vgg16"):
            low, high = metrics.METRICS[metrics.base_name(metric)].range
            assert low is None or value >= low - 1e-9, metric
            assert high is None or value <= high, metric


def test_definitions_of_neighbourhood_metrics_name_their_k():
    for name, k in metrics.NEIGHBOURS.items():
        assert f"k = {k}" in metrics.METRICS[name].definition


def test_metric_names_carry_the_extractor_unless_it_is_inception():
    assert metrics.qualify("FD", "classifier") == "FD-classifier"
    assert metrics.qualify("FD", metrics.INCEPTION) == "FID"
    assert metrics.qualify("IS", metrics.INCEPTION) == "IS"


def test_only_the_published_kernel_is_called_kid():
    assert metrics.qualify("KID", metrics.INCEPTION) == "KID"
    assert metrics.qualify("KID", "digits-v1") == "scaled_KD-digits-v1"


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        ("FID", "FD"),
        ("FD-classifier", "FD"),
        ("FD-dinov2-vit-s-14", "FD"),
        ("precision-classifier", "precision"),
        ("KID", "KID"),
        ("scaled_KD-dinov2-vit-s-14", "KID"),
        ("KID-classifier", "KID"),  # in tables that were published before
    ],
)
def test_base_names_leave_the_extractor_out(metric, name):
    assert metrics.base_name(metric) == name

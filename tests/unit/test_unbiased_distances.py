"""FD∞ and MMD², whose expectation does not depend on the number of generated images."""

import numpy as np
import pytest
import torch
from ganbench.catalogue import metrics
from ganbench.evaluation import gaussian_kernel
from ganbench.evaluation.feature_sets import Gaussian, fit_gaussian
from ganbench.evaluation.frechet import fit_parts, frechet_distance
from metrics_example import compute_scores, normal, real_images
from sklearn.metrics.pairwise import rbf_kernel

SIZE = 12


def draw(count: int, seed: int, sizes: float = 1.0) -> torch.Tensor:
    """Correlated features: those of a generator whose spread is `sizes` times that of the data."""
    mixing = normal(SIZE, SIZE, 99) * torch.logspace(0, -1, SIZE, dtype=torch.float64)
    return normal(count, SIZE, seed) @ mixing.T * sizes


def true_gaussian(sizes: float) -> Gaussian:
    mixing = normal(SIZE, SIZE, 99) * torch.logspace(0, -1, SIZE, dtype=torch.float64)
    factor = torch.linalg.qr(mixing.T * sizes).R
    return Gaussian(torch.zeros(SIZE, dtype=torch.float64), factor)


@pytest.fixture(scope="module")
def real():
    return real_images(draw(400, 1), draw(400, 2))


@pytest.fixture(scope="module", params=[1.0, 1.3], ids=["like the data", "too wide"])
def repetitions(request, real):
    """The distance of a generator of known moments, and the scores of 60 samples of 200 images."""
    reference = real.references["held_out"]
    truth = frechet_distance(true_gaussian(request.param), reference)
    samples = [draw(200, 1000 + seed, request.param) for seed in range(60)]
    scores = [compute_scores(images, real) for images in samples]
    return truth, {
        name: np.array([score[name, "held_out"] for score in scores])
        for name in ("FD", "FD_infinity", "FD_infinity_error")
    }


def test_extrapolated_distance_has_no_bias_where_the_plain_one_has(repetitions):
    truth, scores = repetitions
    error = scores["FD_infinity"].std(ddof=1) / 60**0.5
    assert abs(scores["FD_infinity"].mean() - truth) < 3 * error
    assert scores["FD"].mean() - truth > 4 * error


def test_standard_error_is_the_spread_over_samples(repetitions):
    _, scores = repetitions
    spread = scores["FD_infinity"].std(ddof=1)
    assert scores["FD_infinity_error"].mean() == pytest.approx(spread, rel=0.3)


def test_extrapolation_is_the_line_through_the_means_of_equal_parts(real):
    images, reference = draw(200, 5), real.references["held_out"]
    parts = [[images[start::number] for start in range(number)] for number in (1, 2, 4)]
    means = [
        np.mean([frechet_distance(fit_gaussian(part), reference) for part in equal])
        for equal in parts
    ]
    line = np.polyfit([1 / 200, 2 / 200, 4 / 200], means, 1)
    score = compute_scores(images, real)["FD_infinity", "held_out"]
    assert score == pytest.approx(line[1], rel=1e-9)


@pytest.mark.parametrize(("size", "numbers"), [(256, [2, 4]), (257, [2])])
def test_long_features_are_divided_into_halves_alone(size, numbers):
    assert [len(equal) for equal in fit_parts(normal(12, size, 0))] == numbers


def test_fewer_images_than_features_have_a_distance_with_an_error():
    real = real_images(normal(60, 30, 0), normal(60, 30, 1))
    scores = compute_scores(normal(20, 30, 2), real)
    assert np.isfinite(scores["FD_infinity", "held_out"])
    assert 0 < scores["FD_infinity_error", "held_out"] < scores["FD", "held_out"]


@pytest.mark.parametrize("reference", ["train", "held_out"])
def test_discrepancy_equals_its_definition(real, reference):
    generated, train = draw(150, 3, 1.2), real.train
    sets = [generated.numpy(), real.references[reference].features.numpy()]
    gamma = 0.5 / float(np.cov(train.numpy(), rowvar=False, bias=True).trace())
    within = [rbf_kernel(images, gamma=gamma) for images in sets]
    means = [(kernel.sum() - len(kernel)) / len(kernel) / (len(kernel) - 1) for kernel in within]
    expected = sum(means) - 2 * rbf_kernel(*sets, gamma=gamma).mean()
    assert compute_scores(generated, real)["MMD2", reference] == pytest.approx(expected, rel=1e-9)


def test_discrepancy_of_equal_distributions_is_zero_on_average():
    scores = [
        compute_scores(
            normal(40, 3, 3 * seed), real_images(*(normal(40, 3, 3 * seed + k) for k in (1, 2)))
        )
        for seed in range(60)
    ]
    values = np.array([score["MMD2", "held_out"] for score in scores])
    assert abs(values.mean()) < 3 * values.std(ddof=1) / 60**0.5
    assert values.min() < 0


def test_discrepancy_is_of_the_first_images_alone(real, monkeypatch):
    monkeypatch.setattr(gaussian_kernel, "IMAGES", 100)
    fewer = real_images(real.train, real.references["held_out"].features)
    images = draw(150, 3)
    changed = torch.cat([images[:100], images[100:] * 3])
    scores = [compute_scores(some, fewer)["MMD2", "held_out"] for some in (images, changed)]
    assert scores[0] == scores[1]


def test_names_over_inception_say_fid():
    names = [metrics.qualify(name, metrics.INCEPTION) for name in ("FD_infinity", "MMD2")]
    assert names == ["FID_infinity", "MMD2"]
    assert metrics.base_name("FID_infinity") == metrics.base_name("FD_infinity-vgg16")

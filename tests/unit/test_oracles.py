"""Metrics against independent implementations, from the same features and from the same images."""

import numpy as np
import pytest
import torch
import torch_fidelity
from cleanfid import fid as clean_fid
from ganbench.catalogue import metrics
from ganbench.catalogue.metrics import INCEPTION
from ganbench.evaluation import feature_metrics
from ganbench.evaluation.classifier import Classifier
from ganbench.evaluation.extractor import Features, extract
from ganbench.evaluation.feature_metrics import RealImages
from ganbench.evaluation.feature_sets import summarise_features
from ganbench.evaluation.neighbourhoods import compare_neighbourhoods
from ganbench.evaluation.pretrained import Pretrained
from ganbench.evaluation.real_images import measure_real
from prdc import compute_prdc
from pytorch_fid.fid_score import calculate_frechet_distance
from torch import nn
from torch.utils.data import TensorDataset
from torch_fidelity import metric_fid, metric_isc, metric_kid, metric_prc
from torch_fidelity.feature_extractor_base import FeatureExtractorBase
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torchmetrics.image.fid import _compute_fid
from torchmetrics.image.inception import InceptionScore
from torchmetrics.image.kid import poly_mmd

SIZE = 32


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """On a busy machine several threads wait for each other and take up to ten times as long."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def features() -> dict[str, torch.Tensor]:
    """Features like those of a network: correlated, non-negative and often zero."""
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(SIZE, SIZE, generator=generator) / 5

    def draw(count: int, shift: float) -> torch.Tensor:
        return (torch.randn(count, SIZE, generator=generator) @ mixing + shift).relu()

    return {"generated": draw(700, 0.3), "train": draw(600, 0.2), "held_out": draw(600, 0.2)}


@pytest.fixture(scope="module")
def real(features) -> RealImages:
    return measure(features, INCEPTION)


@pytest.fixture(scope="module")
def ours(features, real) -> dict[str, float]:
    return compare_held_out(features["generated"], real, INCEPTION)


def measure(features: dict[str, torch.Tensor], extractor: str) -> RealImages:
    splits = {name: Features(features[name], None) for name in ("train", "held_out")}
    return measure_real(splits, extractor)


def compare_held_out(
    generated: torch.Tensor, real: RealImages, extractor: str, logits: torch.Tensor | None = None
) -> dict[str, float]:
    """Every metric against held-out features, and those without a reference."""
    scores = feature_metrics.score_features(Features(generated, logits), real, extractor)
    return {name: value for reference, name, value in scores if reference != "train"}


def moments(features: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    array = features.double().numpy()
    return array.mean(0), np.cov(array, rowvar=False)


def test_frechet_distance_equals_four_other_implementations(features, ours):
    mu_1, sigma_1 = moments(features["generated"])
    mu_2, sigma_2 = moments(features["held_out"])
    tensors = [torch.from_numpy(array) for array in (mu_1, sigma_1, mu_2, sigma_2)]
    fidelity = metric_fid.fid_statistics_to_metric(
        {"mu": mu_1, "sigma": sigma_1}, {"mu": mu_2, "sigma": sigma_2}, verbose=False
    )
    others = {
        "pytorch-fid": calculate_frechet_distance(mu_1, sigma_1, mu_2, sigma_2),
        "clean-fid": clean_fid.frechet_distance(mu_1, sigma_1, mu_2, sigma_2),
        "torchmetrics": float(_compute_fid(*tensors)),
        "torch-fidelity": fidelity[metric_fid.KEY_METRIC_FID],
    }
    assert others == pytest.approx(dict.fromkeys(others, ours["FID"]), rel=1e-6)


@pytest.mark.parametrize(
    ("extractor", "name"),
    [(INCEPTION, "KID"), ("dinov2-vit-s-14", "scaled_KD-dinov2-vit-s-14")],
)
def test_kernel_distance_equals_three_other_implementations(features, extractor, name):
    """KID over raw features; over other extractors, those divided by their mean norm / √d."""
    real, generated = measure(features, extractor), features["generated"][:600]
    norm = features["train"].double().norm(dim=1).mean() / SIZE**0.5
    unit = 1 if name == "KID" else norm
    sets = [x.double() / unit for x in (generated, features["held_out"])]
    fidelity = metric_kid.kid_features_to_metric(
        *sets, kid_subsets=1, kid_subset_size=600, verbose=False
    )
    others = {
        "clean-fid": clean_fid.kernel_distance(*(x.numpy() for x in sets), num_subsets=1),
        "torch-fidelity": fidelity[metric_kid.KEY_METRIC_KID_MEAN],
        "torchmetrics": float(poly_mmd(*sets)),
    }
    distance = compare_held_out(generated, real, extractor)[name]
    assert others == pytest.approx(dict.fromkeys(others, distance), rel=1e-6)
    assert abs(norm - 1) > 0.05  # so that the two kernels differ


def test_mean_over_subsets_estimates_the_kernel_distance_over_all_pairs(features, ours):
    """Other programs report the mean over random subsets."""
    sets = [features[name].double() for name in ("generated", "held_out")]
    subsets = metric_kid.kid_features_to_metric(
        *sets, kid_subsets=400, kid_subset_size=100, verbose=False
    )
    error = subsets[metric_kid.KEY_METRIC_KID_STD] / 400**0.5
    assert abs(subsets[metric_kid.KEY_METRIC_KID_MEAN] - ours["KID"]) < 4 * error


def test_precision_recall_density_and_coverage_equal_prdc(features, ours):
    arrays = [features[name].double().numpy() for name in ("held_out", "generated")]
    theirs = {k: compute_prdc(*arrays, nearest_k=k) for k in (3, 5)}
    expected = {name: theirs[k][name] for name, k in metrics.NEIGHBOURS.items()}
    assert {name: ours[name] for name in expected} == pytest.approx(expected, rel=1e-6)


def test_precision_and_recall_equal_torch_fidelity(features, ours):
    theirs = metric_prc.prc_features_to_metric(
        features["generated"].double(), features["held_out"].double(), verbose=False
    )
    for name in ("precision", "recall"):
        assert ours[name] == pytest.approx(theirs[name], rel=1e-6)


def test_images_on_the_edge_of_a_ball_count_as_in_the_code_of_the_authors():
    """Density and coverage compare by < as prdc, precision and recall by ≤ as torch-fidelity.

    Distances between points of a grid are exact, and half of the images lie on an edge.
    """
    generator = torch.Generator().manual_seed(2)
    generated, real = (
        (torch.randn(count, 3, generator=generator, dtype=torch.float64) * 4).round()
        for count in (300, 250)
    )
    neighbours = compare_neighbourhoods(*(summarise_features(x, 1.0) for x in (generated, real)))
    strict = [compute_prdc(real.numpy(), generated.numpy(), nearest_k=k) for k in (3, 5)]
    theirs = metric_prc.prc_features_to_metric(generated, real, verbose=False)
    assert strict[0]["precision"] < theirs["precision"]  # so that edges matter here
    assert neighbours.density == pytest.approx(strict[1]["density"], rel=1e-9)
    assert neighbours.coverage == pytest.approx(strict[1]["coverage"], rel=1e-9)
    assert neighbours.precision == pytest.approx(theirs["precision"], rel=1e-6)
    assert neighbours.recall == pytest.approx(theirs["recall"], rel=1e-6)


@pytest.mark.parametrize("count", [700, 703], ids=["equal splits", "unequal splits"])
def test_inception_score_equals_torch_fidelity(count):
    logits = torch.randn(count, 10, generator=torch.Generator().manual_seed(1)) * 3
    theirs = metric_isc.isc_features_to_metric(logits)[metric_isc.KEY_METRIC_ISC_MEAN]
    assert feature_metrics.inception_score(logits) == pytest.approx(theirs, rel=1e-9)


def test_inception_score_equals_torchmetrics_on_the_same_splits(monkeypatch):
    logits = torch.randn(700, 10, generator=torch.Generator().manual_seed(1)).double() * 3
    order = torch.from_numpy(np.random.RandomState(2020).permutation(700))
    monkeypatch.setattr(torch, "randperm", lambda _: order)
    metric = InceptionScore(feature=nn.Identity(), splits=10).set_dtype(torch.float64)
    metric.update(logits)
    theirs = float(metric.compute()[0])
    assert feature_metrics.inception_score(logits) == pytest.approx(theirs, rel=1e-6)


class _Adapter(FeatureExtractorBase):
    """The classifier as an extractor of torch-fidelity."""

    classifier: Classifier

    def __init__(self, name, features_list, **_):
        super().__init__(name, features_list)

    @staticmethod
    def get_provided_features_list():
        return ("features", "logits")

    @staticmethod
    def get_default_feature_layer_for_metric(metric):
        return "logits" if metric == "isc" else "features"

    @staticmethod
    def can_be_compiled():
        return False

    @staticmethod
    def get_dummy_input_for_compile():
        return torch.zeros(1, 1, 8, 8, dtype=torch.uint8)

    def forward(self, images):
        features, logits = self.classifier(images)
        outputs = {"features": features.double(), "logits": logits.double()}
        return tuple(outputs[name] for name in self.features_list)


class _Images(TensorDataset):
    def __getitem__(self, index):
        return super().__getitem__(index)[0]


def torch_fidelity_scores(
    extractor: str, generated: torch.Tensor, real: torch.Tensor, **options
) -> dict[str, float]:
    """The scores of torch-fidelity's own program."""
    scores = torch_fidelity.calculate_metrics(
        input1=_Images(generated),
        input2=_Images(real),
        feature_extractor=extractor,
        isc=True,
        fid=True,
        kid=True,
        kid_subsets=1,
        kid_subset_size=min(len(generated), len(real)),
        cache=False,
        cuda=False,
        save_cpu_ram=True,
        verbose=False,
        **options,
    )
    names = {
        "frechet_inception_distance": "FD",
        "inception_score_mean": "IS",
        "kernel_inception_distance_mean": "KID",
        "precision": "precision",
        "recall": "recall",
    }
    return {name: scores[key] for key, name in names.items() if key in scores}


def our_scores(network: nn.Module, generated: torch.Tensor, real: torch.Tensor) -> dict[str, float]:
    """Our scores of the same images: all that a run's scores pass through, called over Inception.

    The generated images stand for the training images, which these scores do not depend on.
    """
    images, held_out = (extract(network, images) for images in (generated, real))
    references = measure({"train": images.features, "held_out": held_out.features}, INCEPTION)
    scores = compare_held_out(images.features, references, INCEPTION, images.logits)
    return {metrics.base_name(name): value for name, value in scores.items()}


def draw_images(count: int, channels: int, size: int, seed: int) -> torch.Tensor:
    """Smooth uint8 images with some noise."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, channels, 2, 2, generator=generator) * 200
    smooth = nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")
    return (smooth + torch.rand(smooth.shape, generator=generator) * 55).to(torch.uint8)


def test_scores_over_the_classifier_equal_torch_fidelity_end_to_end():
    torch.manual_seed(0)
    _Adapter.classifier = Classifier((1, 8, 8), 10).eval()
    torch_fidelity.register_feature_extractor("test-classifier", _Adapter)
    generated, real = draw_images(300, 1, 8, 0), draw_images(300, 1, 8, 1) // 2
    expected = torch_fidelity_scores("test-classifier", generated, real, prc=True)
    scores = our_scores(_Adapter.classifier, generated, real)
    assert {name: scores[name] for name in expected} == pytest.approx(expected, rel=1e-6)


@pytest.fixture(scope="module")
def inception_weights(tmp_path_factory):
    """Random weights of Inception-v3, which sees images at 139 instead of 299 pixels, for speed.

    Kaiming's initialisation keeps the size of features from layer to layer; batch normalisation
    takes its means and variances from a few images.
    """
    file = tmp_path_factory.mktemp("weights") / "random.pth"
    with pytest.MonkeyPatch.context() as patch:  # the constructor insists on weights
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        torch.save({}, file)
        network = FeatureExtractorInceptionV3(
            INCEPTION, ["2048"], feature_extractor_weights_path=file
        )
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    network.train()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FeatureExtractorInceptionV3, "INPUT_IMAGE_SIZE", 139)
        with torch.no_grad():
            network(draw_images(8, 3, 32, 5))
        state = network.state_dict()
        state["fc.weight"] = state["fc.weight"] * 3  # so that probabilities differ
        torch.save(state, file)
        yield file


def eigenvalues_of_low_rank(matrix: np.ndarray) -> np.ndarray:
    """The nonzero eigenvalues of a matrix of rank 16 or less, from a basis of its range."""
    directions = np.random.default_rng(0).standard_normal((len(matrix), 16))
    basis, _ = np.linalg.qr(matrix @ directions)
    return np.linalg.eig(basis.T @ matrix @ basis).eigenvalues


def test_scores_over_inception_equal_torch_fidelity_end_to_end(inception_weights, monkeypatch):
    """Grey images: repeated to three channels by us, and by hand for torch-fidelity.

    Its eigenvalues of a product of two 2048² covariances take most of a minute and are exact to
    1e-5 of their size. They are computed on the product's range here, which has few dimensions.
    """
    monkeypatch.setattr(np.linalg, "eigvals", eigenvalues_of_low_rank)
    monkeypatch.setattr(metrics, "minimum_samples", lambda _: 10)  # 12 images, for speed
    generated, real = draw_images(12, 1, 32, 0), draw_images(12, 1, 32, 1) // 32 + 30
    expected = torch_fidelity_scores(
        INCEPTION,
        generated.repeat(1, 3, 1, 1),
        real.repeat(1, 3, 1, 1),
        feature_extractor_weights_path=str(inception_weights),
    )
    assert expected["IS"] > 1.01
    state = torch.load(inception_weights, weights_only=True)
    scores = our_scores(Pretrained(INCEPTION, state, "0" * 64), generated, real)
    assert {name: scores[name] for name in expected} == pytest.approx(expected, rel=1e-6)

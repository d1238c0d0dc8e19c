"""Every metric equals independent implementations, and torch-fidelity's own `calculate_metrics`.

The same features to 1e-6 relative for each metric; the same images to 1e-6 end to end.
"""

import numpy as np
import pytest
import torch
import torch_fidelity
from cleanfid import fid as clean_fid
from ganbench.catalogue import metrics
from ganbench.evaluation import feature_metrics as fm
from ganbench.evaluation.classifier import Classifier
from ganbench.evaluation.extractor import Features, extract
from ganbench.evaluation.feature_sets import describe
from ganbench.evaluation.pretrained import Pretrained
from ganbench.evaluation.reference import measure_real
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


@pytest.fixture(scope="module")
def features() -> dict[str, torch.Tensor]:
    """Features such as a network's: not negative, many of them zero, correlated."""
    generator = torch.Generator().manual_seed(0)

    def made(count: int, shift: float) -> torch.Tensor:
        hidden = torch.randn(count, SIZE, generator=generator) @ mixing + shift
        return hidden.relu()

    mixing = torch.randn(SIZE, SIZE, generator=generator) / 5
    return {"generated": made(700, 0.3), "train": made(600, 0.2), "held_out": made(600, 0.2)}


@pytest.fixture(scope="module")
def real(features) -> fm.RealImages:
    return measure_real({name: Features(features[name], None) for name in ("train", "held_out")})


@pytest.fixture(scope="module")
def ours(features, real) -> dict[str, float]:
    """Every metric against held-out features; no key holds another reference's."""
    found = fm.score(Features(features["generated"], None), real, metrics.INCEPTION)
    return {name: value for reference, name, value in found if reference == "held_out"}


def statistics(features: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    array = features.double().numpy()
    return array.mean(0), np.cov(array, rowvar=False)


def test_frechet_distance_equals_four_other_implementations(features, ours):
    generated, held_out = (statistics(features[name]) for name in ("generated", "held_out"))
    named = [dict(zip(("mu", "sigma"), each, strict=True)) for each in (generated, held_out)]
    tensors = [torch.from_numpy(each) for each in (*generated, *held_out)]
    others = {
        "pytorch-fid": calculate_frechet_distance(*generated, *held_out),
        "clean-fid": clean_fid.frechet_distance(*generated, *held_out),
        "torchmetrics": float(_compute_fid(*tensors)),
        "torch-fidelity": metric_fid.fid_statistics_to_metric(*named, verbose=False)[
            metric_fid.KEY_METRIC_FID
        ],
    }
    assert others == pytest.approx(dict.fromkeys(others, ours["FID"]), rel=1e-6)


def test_kernel_distance_equals_three_other_implementations(features, real, ours):
    scaled = [features[name].double() * real.scale for name in ("generated", "held_out")]
    arrays = [each[:600].numpy() for each in scaled]
    sets = [describe(features[name][:600], real.scale) for name in ("generated", "held_out")]
    same_count = fm.kernel_distance(*sets, real.scale)
    others = {
        "clean-fid": clean_fid.kernel_distance(*arrays, num_subsets=1),
        "torch-fidelity": metric_kid.kid_features_to_metric(
            *(each[:600] for each in scaled), kid_subsets=1, kid_subset_size=600, verbose=False
        )[metric_kid.KEY_METRIC_KID_MEAN],
        "torchmetrics": float(poly_mmd(*(each[:600] for each in scaled))),
    }
    assert others == pytest.approx(dict.fromkeys(others, same_count), rel=1e-6)
    assert ours["KID"] == pytest.approx(same_count, rel=0.2)  # of 700 against 600 images


def test_mean_of_many_small_subsets_tends_to_the_kernel_distance_over_all_pairs(features, real):
    """What other programs report, the mean over subsets, estimates the same number."""
    sets = [features[name].double() * real.scale for name in ("generated", "held_out")]
    found = metric_kid.kid_features_to_metric(
        *sets, kid_subsets=400, kid_subset_size=100, verbose=False
    )
    error = found[metric_kid.KEY_METRIC_KID_STD] / 400**0.5
    described = [describe(features[name], real.scale) for name in ("generated", "held_out")]
    value = fm.kernel_distance(*described, real.scale)
    assert abs(found[metric_kid.KEY_METRIC_KID_MEAN] - value) < 4 * error


def test_precision_recall_density_and_coverage_equal_prdc(features, ours):
    arrays = [features[name].double().numpy() for name in ("held_out", "generated")]
    found = {
        name: compute_prdc(*arrays, nearest_k=k)[name] for name, k in metrics.NEIGHBOURS.items()
    }
    assert {name: ours[name] for name in found} == pytest.approx(found, rel=1e-6)


def test_precision_and_recall_equal_torch_fidelity(features, ours):
    found = metric_prc.prc_features_to_metric(
        features["generated"].double(), features["held_out"].double(), verbose=False
    )
    assert {name: ours[name] for name in ("precision", "recall")} == pytest.approx(
        {name: found[name] for name in ("precision", "recall")}, rel=1e-6
    )


@pytest.mark.parametrize("count", [700, 703])
def test_inception_score_equals_torch_fidelity(count):
    logits = torch.randn(count, 10, generator=torch.Generator().manual_seed(1)) * 3
    found = metric_isc.isc_features_to_metric(logits)[metric_isc.KEY_METRIC_ISC_MEAN]
    assert fm.inception_score(logits) == pytest.approx(found, rel=1e-9)


def test_inception_score_equals_torchmetrics_on_the_same_splits(monkeypatch):
    logits = torch.randn(700, 10, generator=torch.Generator().manual_seed(1)).double() * 3
    order = torch.from_numpy(np.random.RandomState(2020).permutation(700))
    monkeypatch.setattr(torch, "randperm", lambda _: order)
    metric = InceptionScore(feature=nn.Identity(), splits=10).set_dtype(torch.float64)
    metric.update(logits)
    assert fm.inception_score(logits) == pytest.approx(float(metric.compute()[0]), rel=1e-6)


class _Adapter(FeatureExtractorBase):
    """The classifier as torch-fidelity wants it, to run its own `calculate_metrics`."""

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
        found = {"features": features.double(), "logits": logits.double()}
        return tuple(found[name] for name in self.features_list)


class _Images(TensorDataset):
    def __getitem__(self, index):
        return super().__getitem__(index)[0]


def fidelity(extractor: str, images: list[torch.Tensor], **options) -> dict[str, float]:
    """What torch-fidelity's own program says of generated and real images."""
    found = torch_fidelity.calculate_metrics(
        input1=_Images(images[0]),
        input2=_Images(images[1]),
        feature_extractor=extractor,
        isc=True,
        fid=True,
        kid=True,
        kid_subsets=1,
        kid_subset_size=min(len(each) for each in images),
        cache=False,
        cuda=False,
        save_cpu_ram=True,
        verbose=False,
        **options,
    )
    names = {
        "FD": "frechet_inception_distance",
        "IS": "inception_score_mean",
        "KID": "kernel_inception_distance_mean",
        "precision": "precision",
        "recall": "recall",
    }
    return {name: found[key] for name, key in names.items() if key in found}


def scored(network: nn.Module, images: list[torch.Tensor]) -> dict[str, float]:
    """The same in our way, with features in their own unit."""
    found = [extract(network, each) for each in images]
    sets = {name: describe(each.features, 1.0) for name, each in zip("gr", found, strict=True)}
    against = fm.neighbourhoods(sets["g"], sets["r"])
    return {
        "FD": fm.frechet_distance(sets["g"], sets["r"]),
        "KID": fm.kernel_distance(sets["g"], sets["r"], 1.0),
        "IS": fm.inception_score(found[0].logits),
        "precision": against.precision,
        "recall": against.recall,
    }


def pictures(count: int, channels: int, size: int, seed: int) -> torch.Tensor:
    """Smooth uint8 images of one colour per quarter and some noise."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, channels, 2, 2, generator=generator) * 200
    smooth = nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")
    return (smooth + torch.rand(smooth.shape, generator=generator) * 55).to(torch.uint8)


def test_classifiers_scores_equal_torch_fidelity_end_to_end():
    torch.manual_seed(0)
    _Adapter.classifier = Classifier((1, 8, 8), 10).eval()
    torch_fidelity.register_feature_extractor("test-classifier", _Adapter)
    images = [pictures(300, 1, 8, 0), pictures(300, 1, 8, 1) // 2]
    expected = fidelity("test-classifier", images, prc=True)
    assert scored(_Adapter.classifier, images) == pytest.approx(expected, rel=1e-6)


@pytest.fixture(scope="module")
def inception_weights(tmp_path_factory):
    """Random weights whose features are neither all the same nor without end.

    Kaiming's initialisation keeps their size from layer to layer, and batch normalisation takes
    its means and variances from 16 images.
    """
    file = tmp_path_factory.mktemp("weights") / "random.pth"
    with pytest.MonkeyPatch.context() as patch:  # its constructor wants weights at once
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        torch.save({}, file)
        network = FeatureExtractorInceptionV3(
            metrics.INCEPTION, ["2048"], feature_extractor_weights_path=file
        )
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    network.train()
    with torch.no_grad():
        network(pictures(16, 3, 32, 5))
    state = network.state_dict()
    state["fc.weight"] = state["fc.weight"] * 3  # probabilities that are not all alike
    torch.save(state, file)
    return file


def test_inceptions_scores_equal_torch_fidelity_end_to_end(inception_weights):
    """Grey images: three equal channels here, tiled by hand for torch-fidelity.

    It takes the square root of a product of two 2048² covariances that has rank 11, which is
    exact to 1e-5 of their size; so real images get a small covariance and a mean far away.
    """
    state = torch.load(inception_weights, weights_only=True)
    images = [pictures(12, 1, 32, 0), pictures(12, 1, 32, 1) // 32 + 30]
    expected = fidelity(
        "inception-v3-compat",
        [each.repeat(1, 3, 1, 1) for each in images],
        feature_extractor_weights_path=str(inception_weights),
    )
    assert expected["IS"] > 1.01
    found = scored(Pretrained(metrics.INCEPTION, state, "0" * 64), images)
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-6)

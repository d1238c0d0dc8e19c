"""Metrics: equal to torch-fidelity end to end, to closed forms, and honest about their names."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
import torch
import torch_fidelity
from ganbench import metrics, study
from ganbench.datasets import prepare
from ganbench.evaluation import Reference, make_reference, score_run
from ganbench.evaluation import feature_metrics as fm
from ganbench.evaluation.extractors import Classifier, Features, extract, load_classifier
from ganbench.evaluation.reference import load_features, make_floor
from ganbench.networks import build_discriminator, build_generator
from ganbench.samples import to_float, to_uint8
from project import tiny_study
from scipy.linalg import sqrtm
from torch.utils.data import TensorDataset
from torch_fidelity.feature_extractor_base import FeatureExtractorBase


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> tuple:
    folder = tmp_path_factory.mktemp("reference")
    prepare("digits", "digits", folder / "data.npz", folder / "data.json")
    made = Reference(*(folder / name for name in ("n.pt", "f.npz", "card.json", "floor.csv")))
    make_reference(
        dataset="digits",
        extractor="classifier",
        samples=400,
        data_file=folder / "data.npz",
        device="cpu",
        outputs=made,
    )
    return folder, made


def normal(count: int, size: int, seed: int, **options) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, size, generator=generator, dtype=torch.float64, **options)


def test_frechet_distance_of_gaussians_is_the_closed_form():
    first = normal(200_000, 3, 0) * torch.tensor([1.0, 2.0, 0.5]) + torch.tensor([0.0, 1.0, 2.0])
    second = normal(200_000, 3, 1) * torch.tensor([2.0, 1.0, 0.5])
    expected = (1 + 4) + (1 + 1 + 0)  # squared mean distance + sum of squared SD differences
    assert fm.frechet_distance(first, second) == pytest.approx(expected, rel=0.02)


def test_frechet_distance_equals_its_definition_on_the_same_features():
    first, second = normal(300, 8, 0), normal(200, 8, 1) * 1.3 + 0.2
    mean = ((first.mean(0) - second.mean(0)) ** 2).sum()
    covariances = [np.cov(each.numpy(), rowvar=False) for each in (first, second)]
    root = sqrtm(covariances[0] @ covariances[1]).real
    expected = float(mean) + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert fm.frechet_distance(first, second) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_of_a_set_to_itself_is_zero():
    features = normal(100, 5, 0)
    assert fm.frechet_distance(features, features) == pytest.approx(0, abs=1e-9)


def test_kernel_distance_equals_its_definition():
    first, second = normal(40, 6, 0), normal(40, 6, 1) + 0.5
    kernel = [((a @ b.T) / 6 + 1) ** 3 for a, b in ((first, first), (second, second))]
    within = [(each.sum() - each.diagonal().sum()) / (40 * 39) for each in kernel]
    across = (((first @ second.T) / 6 + 1) ** 3).mean()
    expected = float(within[0] + within[1] - 2 * across)
    assert fm.kernel_distance(first, second, scale=1.0) == pytest.approx(expected, rel=1e-9)


def test_kernel_distance_does_not_depend_on_the_features_unit():
    first, second = normal(60, 6, 0), normal(60, 6, 1) + 0.5
    distances = [
        fm.kernel_distance(first * unit, second * unit, fm.kernel_scale(second * unit))
        for unit in (1.0, 1000.0)
    ]
    assert distances[0] == pytest.approx(distances[1], rel=1e-9)


def test_precision_and_recall_are_told_apart():
    real = normal(200, 2, 0)
    narrow = normal(200, 2, 1) * 0.05  # plausible, but of one mode
    precision, recall = fm.precision_recall(narrow, real)
    assert precision > 0.95
    assert recall < 0.2


def test_inception_score_of_certain_and_balanced_classes_is_their_number():
    logits = torch.eye(5, dtype=torch.float64).repeat(400, 1) * 100
    assert fm.inception_score(logits) == pytest.approx(5, rel=0.02)
    assert fm.inception_score(logits[:, :1].repeat(1, 5)) == pytest.approx(1)


class _Adapter(FeatureExtractorBase):
    """The classifier as torch-fidelity wants it, to run its own `calculate_metrics`."""

    classifier: Classifier

    def __init__(self, name, features_list, **kwargs):
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


def test_scores_equal_torch_fidelity_end_to_end(reference):
    folder, made = reference
    _Adapter.classifier = load_classifier(torch.load(made.network, weights_only=True))
    torch_fidelity.register_feature_extractor("test-classifier", _Adapter)
    with np.load(folder / "data.npz") as data:
        real, fake = (torch.from_numpy(data[name][:300]) for name in ("held_out", "train"))
    features = [extract(_Adapter.classifier, images) for images in (fake, real)]
    ours = {
        metric: value
        for _, metric, value in fm.score(features[0], {"held_out": features[1]}, 1.0, "c")
    }
    theirs = torch_fidelity.calculate_metrics(
        input1=_Images(fake),
        input2=_Images(real),
        feature_extractor="test-classifier",
        isc=True,
        fid=True,
        kid=True,
        prc=True,
        kid_subsets=1,
        kid_subset_size=300,
        cache=False,
        cuda=False,
        save_cpu_ram=True,
        verbose=False,
    )
    expected = {
        "FD-c": theirs["frechet_inception_distance"],
        "IS-c": theirs["inception_score_mean"],
        "KID-c": theirs["kernel_inception_distance_mean"],
        "precision-c": theirs["precision"],
        "recall-c": theirs["recall"],
    }
    assert ours == pytest.approx(expected, rel=1e-6)


def test_classifier_learns_its_classes(reference):
    _, made = reference
    card = pd.read_json(made.card, typ="series")
    assert card.accuracy > 0.9
    assert card.accuracy_split == "held_out"


def test_features_do_not_depend_on_the_batch_size(reference):
    folder, made = reference
    network = load_classifier(torch.load(made.network, weights_only=True))
    with np.load(folder / "data.npz") as data:
        images = torch.from_numpy(data["held_out"])
    whole, parts = extract(network, images), extract(network, images, batch_size=7)
    torch.testing.assert_close(whole.features, parts.features, rtol=1e-5, atol=1e-5)
    assert torch.equal(whole.features, load_features(made.features)["held_out"].features)


def test_floor_holds_real_images_of_the_same_count_against_both_splits(reference):
    _, made = reference
    floor = pd.read_csv(made.floor)
    assert set(floor.n) == {400}
    real = load_features(made.features)
    by = floor.set_index(["reference", "metric"]).value
    expected = fm.frechet_distance(real["held_out"].features[:400], real["train"].features)
    assert by["train", "FD-classifier"] == pytest.approx(expected)
    expected = fm.frechet_distance(real["train"].features[:400], real["held_out"].features)
    assert by["held_out", "FD-classifier"] == pytest.approx(expected)
    assert by["none", "IS-classifier"] > 5


def test_more_samples_than_real_images_are_refused(reference):
    _, made = reference
    with pytest.raises(ValueError, match=r"evaluation\.samples: found 600, .*599"):
        make_floor("digits", "classifier", 600, load_features(made.features))


def test_non_finite_features_never_become_a_score():
    broken = normal(100, 4, 0)
    broken[0, 0] = torch.inf
    real = {"train": Features(normal(100, 4, 1), normal(100, 3, 1))}
    with pytest.raises((ValueError, np.linalg.LinAlgError)), np.errstate(all="ignore"):
        list(fm.score(Features(broken, normal(100, 3, 2)), real, 1.0, "c"))


def test_every_snapshot_gets_every_metric_against_both_splits(tmp_path, reference):
    _, made = reference
    parameters = study.resolve(tiny_study(), "tiny")["runs"]["digits"]["minimax"]
    torch.manual_seed(0)
    states = [build_generator(parameters, (1, 8, 8)).state_dict() for _ in range(2)]
    judges = [build_discriminator(parameters, (1, 8, 8)).state_dict() for _ in range(2)]
    run = {"steps": [20, 40], "shape": [1, 8, 8], "parameters": parameters}
    run |= {"generators": states, "discriminators": judges}
    torch.save(run, tmp_path / "snapshots.pt")
    options = {
        "dataset": "digits",
        "seed": 1,
        "extractor": "classifier",
        "samples": 100,
        "snapshots_file": tmp_path / "snapshots.pt",
        "network_file": made.network,
        "features_file": made.features,
        "data_file": reference[0] / "data.npz",
    }
    score_run(variant="a", gap=False, scores_file=tmp_path / "a.csv", **options)
    score_run(variant="b", gap=False, scores_file=tmp_path / "b.csv", **options)
    score_run(variant="a", gap=True, scores_file=tmp_path / "gap.csv", **options)
    scores = pd.read_csv(tmp_path / "a.csv")
    with_reference = ["FD", "KID", "precision", "recall"]
    expected = {(f"{m}-classifier", r) for m, r in product(with_reference, ("train", "held_out"))}
    expected.add(("IS-classifier", "none"))
    for step, found in scores.groupby("step"):
        assert set(zip(found.metric, found.reference, strict=True)) == expected
        assert set(found.images) == {step * 16}
    gaps = pd.read_csv(tmp_path / "gap.csv").query("metric == 'duality_gap'")
    assert gaps.step.tolist() == [20, 40]
    assert (gaps.value > 0).all()
    # the same weights and the same latents for another variant: the same scores
    assert scores.value.tolist() == pd.read_csv(tmp_path / "b.csv").value.tolist()


def test_metric_names_carry_the_extractor_unless_it_is_inceptions():
    assert metrics.qualified("FD", "classifier") == "FD-classifier"
    assert metrics.qualified("FD", metrics.INCEPTION) == "FID"
    assert metrics.qualified("IS", metrics.INCEPTION) == "IS"
    assert {metrics.base("FID"), metrics.base("FD-classifier")} == {"FD"}
    assert metrics.base("precision-classifier") == "precision"


def test_pixels_survive_the_way_to_floats_and_back():
    pixels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(to_float(pixels)), pixels)
    assert to_uint8(torch.tensor([-9.0, 9.0])).tolist() == [0, 255]

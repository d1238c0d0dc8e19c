"""Networks of timm as extractors: their features, their weights, and what is refused."""

import hashlib
import importlib.util

import numpy as np
import pytest
import safetensors.torch
import timm
import torch
from ganbench.evaluation.extractor import extract, load_extractor, make_pretrained, save_extractor
from ganbench.evaluation.weights import WeightsError
from ganbench.interface.scoring import score_samples
from ganbench.jobs.arrays import map_array
from ganbench.study.resolve import resolve
from ganbench.study.schema import StudyError
from image_folder_example import write_folders
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as transforms

NAMES = {"test_resnet.r160_in1k": 1, "test_vit": 3}
"""Small networks, whose weights are random here, and the channels of the images they get."""

IMAGES = {
    channels: torch.randint(
        256, (7, channels, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    for channels in (1, 3)
}


def make_weights(folder, name, **changes):
    """A file of random weights as timm names them, and its digest."""
    torch.manual_seed(0)
    state = timm.create_model(name, pretrained=False).state_dict() | changes
    file = folder / "model.safetensors"
    safetensors.torch.save_file({key: state[key].contiguous() for key in state}, file)
    return str(file), hashlib.sha256(file.read_bytes()).hexdigest()


def compute_with_timm(name, file, images):
    """Pooled features by timm, torchvision and safetensors alone."""
    network = timm.create_model(name, pretrained=False, checkpoint_path=file).eval()
    config = timm.data.resolve_model_data_config(network)
    pixels = transforms.resize(
        images.repeat(1, 3 // images.shape[1], 1, 1) / 255,
        list(config["input_size"][1:]),
        InterpolationMode(config["interpolation"]),
        antialias=True,
    ).clamp(0, 1)
    with torch.no_grad():
        pixels = transforms.normalize(pixels, config["mean"], config["std"])
        return network.forward_head(network.forward_features(pixels), pre_logits=True)


@pytest.mark.parametrize("name", NAMES)
def test_features_are_those_of_plain_timm(tmp_path, name):
    images = IMAGES[NAMES[name]]
    file, sha256 = make_weights(tmp_path, name)
    state = torch.random.get_rng_state()
    network, facts = make_pretrained(f"timm:{name}", file, sha256)
    assert torch.equal(torch.random.get_rng_state(), state)
    features = extract(network, images)
    assert features.logits is None
    assert features.features.dtype == torch.float32
    torch.testing.assert_close(
        features.features, compute_with_timm(name, file, images), rtol=1e-4, atol=1e-5
    )
    assert features.features.std(0).max() > 0
    assert facts["parameters"]["pixels"] == [160, 160]
    save_extractor(network, tmp_path / "network.pt")
    again = extract(load_extractor(tmp_path / "network.pt", file), images)
    assert torch.equal(again.features, features.features)


def test_weights_that_changed_after_the_features_are_refused(tmp_path):
    name = "test_resnet"
    file, sha256 = make_weights(tmp_path, name)
    network, _ = make_pretrained(f"timm:{name}", file, sha256)
    save_extractor(network, tmp_path / "network.pt")
    make_weights(tmp_path, name, **{"conv1.0.weight": network.network.conv1[0].weight * 2})
    with pytest.raises(WeightsError, match=rf"evaluation\.sha256: .* expected {sha256}"):
        load_extractor(tmp_path / "network.pt", file)


def test_digest_is_compared_before_the_file_is_read(tmp_path):
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"not tensors")
    with pytest.raises(WeightsError, match=r"evaluation\.sha256: .*; give the digest"):
        make_pretrained("timm:test_resnet", str(file), "0" * 64)
    sha256 = hashlib.sha256(b"not tensors").hexdigest()
    with pytest.raises(WeightsError, match=r"evaluation\.weights: .* is no file of safetensors"):
        make_pretrained("timm:test_resnet", str(file), sha256)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("test_resnett", "did you mean timm:test_resnet?"), ("test_resnet.other", "other")],
)
def test_unknown_network_is_refused_with_the_nearest_name(tmp_path, name, hint):
    file, sha256 = make_weights(tmp_path, "test_resnet")
    with pytest.raises(WeightsError) as refusal:
        make_pretrained(f"timm:{name}", file, sha256)
    message = str(refusal.value)
    assert message.startswith(f"evaluation.extractor: found 'timm:{name}', expected a network")
    assert hint in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("network", "changes", "problem"),
    [
        ("test_vit", {}, "lacks conv1.0.weight, and"),
        ("test_resnet", {"bn1.weight": torch.ones(3)}, "has (3,) for bn1.weight, expected"),
        ("test_resnet", {"more.weight": torch.ones(3)}, "has more.weight, and 0 more"),
    ],
)
def test_weights_of_another_network_are_refused(tmp_path, network, changes, problem):
    file, sha256 = make_weights(tmp_path, network, **changes)
    with pytest.raises(WeightsError) as refusal:
        make_pretrained("timm:test_resnet", file, sha256)
    assert str(refusal.value).startswith("evaluation.weights: the file is not of timm:test_resnet")
    assert problem in str(refusal.value)


def test_classifier_of_another_size_does_not_matter(tmp_path):
    changes = {"fc.weight": torch.ones(5, 2), "fc.bias": torch.ones(5)}
    file, sha256 = make_weights(tmp_path, "test_resnet", **changes)
    network, _ = make_pretrained("timm:test_resnet", file, sha256)
    assert "fc.weight" not in dict(network.network.named_parameters())


def resolve_evaluation(**evaluation):
    study = {"study": "s", "datasets": {"digits": {}}, "variants": {"minimax": {}}}
    return resolve(study | {"evaluation": evaluation}, "s.yaml")


GIVEN = {"extractor": "timm:test_vit", "weights": "w.safetensors", "sha256": "a" * 64}


def test_study_names_a_network_of_timm_and_resolves_to_itself():
    study = resolve_evaluation(**GIVEN)
    assert study["datasets"]["digits"]["primary"]["metric"] == "FD-timm:test_vit"
    assert resolve_evaluation(**study["evaluation"]) == study


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha256": ""}, "evaluation.sha256: found ''"),
        ({"sha256": "A" * 64}, "evaluation.sha256: found 'AAAA"),
        ({"weights": ""}, "evaluation.weights: found '', expected the file .safetensors"),
        ({"weights": "w.pth"}, "evaluation.weights: found 'w.pth'"),
        ({"extractor": "timm:hf-hub:a/b"}, "evaluation.extractor: found 'timm:hf-hub:a/b'"),
        ({"extractor": "timm:../x"}, "evaluation.extractor: found 'timm:../x'"),
        ({"extractor": "timm:"}, "evaluation.extractor: found 'timm:'"),
        ({"extractor": "resnet18"}, "evaluation.extractor: found 'resnet18'"),
        ({"extractor": "vgg16"}, "evaluation.sha256: only weights of an extractor `timm:NAME`"),
        ({"primary_metric": "IS"}, "evaluation.primary_metric: found 'IS'"),
    ],
)
def test_study_without_what_timm_needs_is_refused(changes, message):
    with pytest.raises(StudyError) as refusal:
        resolve_evaluation(**(GIVEN | changes))
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_planning_says_how_to_install_timm(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "timm" else find(name)
    )
    with pytest.raises(StudyError, match="pip install timm"):
        resolve_evaluation(**GIVEN)


def test_anybodys_images_are_scored_in_a_network_of_timm(tmp_path):
    file, sha256 = make_weights(tmp_path, "test_resnet")
    write_folders(tmp_path / "photos", ["."], images=150)
    dataset = {"kind": "image_folder", "source": str(tmp_path / "photos"), "resolution": 8}
    scores = score_samples(
        IMAGES[3].repeat(2, 1, 1, 1)[:, :, :8, :8],
        dataset=dataset | {"labels": "none", "extractor_images": 0},
        evaluation={"extractor": "timm:test_resnet", "weights": file, "sha256": sha256},
        cache=tmp_path / "cache",
    )
    assert {"FD-timm:test_resnet", "precision-timm:test_resnet"} <= set(scores["metric"])
    [features] = (tmp_path / "cache").glob("dataset-*/timm:test_resnet-*/features.npz")
    network, _ = make_pretrained("timm:test_resnet", file, sha256)
    images = torch.from_numpy(np.array(map_array(features.parents[1] / "data.npz", "held_out")))
    expected = extract(network, images).features
    assert np.array_equal(map_array(features, "held_out"), expected.numpy())

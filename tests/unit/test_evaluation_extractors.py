"""Extractors: the classifier's architecture, and pretrained networks with verified weights."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
import torchvision
from ganbench.catalogue import metrics
from ganbench.catalogue.extractors import EXTRACTORS
from ganbench.downloads.download import DownloadError
from ganbench.evaluation.classifier import Classifier, choose_recipe
from ganbench.evaluation.dinov2 import SIZES, TransformerBlock, VisionTransformer
from ganbench.evaluation.extractor import extract, load_extractor, save_extractor
from ganbench.evaluation.pretrained import Pretrained, choose_layers
from ganbench.evaluation.reference import ReferenceFiles, make_reference
from ganbench.evaluation.score import score_run
from ganbench.evaluation.weights import WeightsError, find_weights
from ganbench.jobs import provenance
from ganbench.networks.build import build_generator
from ganbench.study import resolve as study
from project import tiny_study
from torch import nn
from torch_fidelity import feature_extractor_vgg16

PRETRAINED = [name for name, extractor in EXTRACTORS.items() if extractor.is_pretrained]

SMALL = "dinov2-vit-s-14"

PUBLISHED_SIZES = {name: dict(size) for name, size in SIZES.items()}


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def random_state(network: nn.Module) -> dict[str, torch.Tensor]:
    """Random weights for a network, which may be on the meta device."""
    return {
        key: noise(*value.shape) * 0.02 + (0.1 if key.endswith(("gamma", "norm1.weight")) else 0)
        for key, value in network.state_dict().items()
    }


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory):
    """Random weights in place of the published ones, for a transformer of fewer weights."""
    file = tmp_path_factory.mktemp("weights") / EXTRACTORS[SMALL].file
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SIZES, SMALL, {"size": 48, "depth": 2, "heads": 3})
        torch.save(random_state(VisionTransformer(**SIZES[SMALL])), file)
        facts = replace(EXTRACTORS[SMALL], sha256=provenance.sha256_file(file))
        patch.setitem(EXTRACTORS, SMALL, facts)
        yield file


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache on a machine without a network."""

    def fail(*_, **__):
        raise DownloadError("no route to the host")

    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("ganbench.evaluation.weights.download", fail)
    return tmp_path / "cache/weights"


def grey_images(count: int, seed: int = 0) -> torch.Tensor:
    return (noise(count, 1, 8, 8, seed=seed) * 50 + 128).clamp(0, 255).to(torch.uint8)


@pytest.mark.parametrize("resolution", [8, 16, 28, 32, 64])
def test_classifier_takes_images_of_every_size(resolution):
    network = Classifier((3, resolution, resolution), 10)
    features, logits = network(torch.zeros(2, 3, resolution, resolution, dtype=torch.uint8))
    assert features.shape == (2, 64)
    assert logits.shape == (2, 10)


def test_classifier_trains_longer_on_many_large_images():
    assert choose_recipe(8, 100_000)["steps"] == choose_recipe(28, 100)["steps"] == 800
    assert choose_recipe(28, 10_000)["steps"] == 10 * 10_000 // 64
    assert "constant_steps" not in choose_recipe(8, 100_000)


@pytest.mark.parametrize(
    ("name", "parameters", "tensors"),
    [
        ("dinov2-vit-s-14", 22_056_576, 175),
        ("dinov2-vit-b-14", 86_580_480, 175),
        ("dinov2-vit-l-14", 304_368_640, 343),
    ],
)
def test_transformers_have_the_parameters_of_the_published_files(name, parameters, tensors):
    with torch.device("meta"):
        state = VisionTransformer(**PUBLISHED_SIZES[name]).state_dict()
    assert sum(tensor.numel() for tensor in state.values()) == parameters
    assert len(state) == tensors


def test_transformer_block_equals_that_of_torch():
    block = TransformerBlock(48, 4)
    theirs = nn.TransformerEncoderLayer(
        48, 4, 192, 0, "gelu", layer_norm_eps=1e-6, batch_first=True, norm_first=True
    )
    ours = dict(block.named_parameters())
    renames = {
        "self_attn": "attn",
        "in_proj_": "qkv.",
        "out_proj": "proj",
        "linear": "mlp.fc",
    }
    for name, value in theirs.named_parameters():
        for old, new in renames.items():
            name = name.replace(old, new)  # noqa: PLW2901
        value.data.copy_(ours[name].data)
    tokens = noise(2, 9, 48)
    torch.testing.assert_close(block(tokens), theirs(tokens), rtol=1e-5, atol=1e-5)
    block.ls1.gamma.data.zero_()
    block.ls2.gamma.data.zero_()
    assert torch.equal(block(tokens), tokens)


def test_transformer_interpolates_positions_only_for_other_image_sizes():
    network = VisionTransformer(size=12, depth=1, heads=2)
    network.pos_embed.data.copy_(noise(1, 1 + 37**2, 12))
    assert network._positions(37, 37) is network.pos_embed
    smaller = network._positions(16, 16)
    assert smaller.shape == (1, 257, 12)
    assert torch.equal(smaller[:, 0], network.pos_embed[:, 0])
    network.pos_embed.data.fill_(3.0)
    torch.testing.assert_close(network._positions(16, 16), torch.full((1, 257, 12), 3.0))


def thin_vgg16() -> nn.Module:
    """VGG16 with the same layers to read from, but few channels and weights."""
    features = torchvision.models.vgg.make_layers([4, "M", 4, "M", 4, "M", 4, "M", 4, "M"])
    with torch.device("meta"):  # its wide layers are replaced
        network = torchvision.models.VGG(features, init_weights=False)
    network.classifier[0], network.classifier[3] = nn.Linear(4 * 49, 32), nn.Linear(32, 32)
    network.classifier[6] = nn.Linear(32, 1000)
    return network


def test_vgg16_has_the_features_of_torch_fidelity_and_no_classes(monkeypatch):
    monkeypatch.setattr(torchvision.models, "vgg16", thin_vgg16)
    state = random_state(thin_vgg16())
    network = thin_vgg16()
    network.load_state_dict(state)
    monkeypatch.setattr(
        feature_extractor_vgg16, "torchvision_load_pretrained_vgg16", lambda **_: network
    )
    theirs = feature_extractor_vgg16.FeatureExtractorVGG16("vgg16", choose_layers("vgg16"))
    images = grey_images(2)
    ours = extract(Pretrained("vgg16", state, ""), images)
    (expected,) = theirs(images.repeat(1, 3, 1, 1))
    assert torch.equal(ours.features, expected)
    assert ours.features.std() > 0
    assert ours.logits is None


def test_grey_images_are_seen_as_three_equal_channels(weights_file):
    network = Pretrained(SMALL, torch.load(weights_file, weights_only=True), "")
    images = grey_images(2)
    grey, colour = extract(network, images), extract(network, images.repeat(1, 3, 1, 1))
    assert torch.equal(grey.features, colour.features)
    assert not torch.equal(grey.features[0], grey.features[1])
    assert grey.logits is None


def test_saved_pretrained_extractor_loads_the_weights_of_its_digest(tmp_path, weights_file):
    digest = provenance.sha256_file(weights_file)
    network = Pretrained(SMALL, torch.load(weights_file, weights_only=True), digest)
    save_extractor(network, tmp_path / "network.pt")
    assert (tmp_path / "network.pt").stat().st_size < 10_000
    loaded = load_extractor(tmp_path / "network.pt", str(weights_file))
    images = grey_images(2)
    assert torch.equal(extract(loaded, images).features, extract(network, images).features)
    network.sha256 = "0" * 64
    save_extractor(network, tmp_path / "network.pt")
    with pytest.raises(WeightsError, match="run the rule extractor again"):
        load_extractor(tmp_path / "network.pt", str(weights_file))


def test_weights_come_from_the_study_or_else_from_the_cache(cache, weights_file):
    named = find_weights(SMALL, str(weights_file))
    assert (named.path, named.where) == (weights_file, "the file that evaluation.weights names")
    cache.mkdir(parents=True)
    (cache / weights_file.name).write_bytes(weights_file.read_bytes())
    cached = find_weights(SMALL)
    assert (cached.path, cached.where) == (cache / weights_file.name, "the shared cache")
    assert named.sha256 == cached.sha256 == EXTRACTORS[SMALL].sha256


@pytest.mark.parametrize("extractor", PRETRAINED)
@pytest.mark.parametrize("file", ["", "nowhere/weights.pth"], ids=["none named", "missing file"])
def test_message_about_missing_weights_says_where_to_put_them(cache, extractor, file):
    with pytest.raises(WeightsError) as error:
        find_weights(extractor, file)
    facts = EXTRACTORS[extractor]
    for part in (facts.file, facts.sha256, facts.url, str(cache / facts.file), "evaluation", file):
        assert part in str(error.value)


@pytest.mark.parametrize("place", ["study", "cache"])
def test_other_weights_are_refused_with_both_digests(cache, tmp_path, place):
    cache.mkdir(parents=True)
    file = tmp_path / "w.pth" if place == "study" else cache / EXTRACTORS["vgg16"].file
    file.write_bytes(b"not weights")
    with pytest.raises(WeightsError) as error:
        find_weights("vgg16", str(file) if place == "study" else "")
    assert provenance.sha256(b"not weights") in str(error.value)
    assert EXTRACTORS["vgg16"].sha256 in str(error.value)


def test_inception_is_the_only_pretrained_extractor_with_classes():
    assert [name for name in PRETRAINED if EXTRACTORS[name].classes] == [metrics.INCEPTION]


@pytest.mark.parametrize("name", PRETRAINED)
def test_address_of_weights_is_https_and_agrees_with_their_digest(name):
    facts = EXTRACTORS[name]
    assert facts.url.startswith("https://")
    assert len(facts.sha256) == 64
    digest_in_name = facts.file.removesuffix(".pth").rsplit("-", 1)[-1]
    assert "-" not in facts.file or facts.sha256.startswith(digest_in_name)


@pytest.fixture
def grey_reference(tmp_path, weights_file) -> ReferenceFiles:
    """A pretrained extractor's files for a few grey images, which lie in `tmp_path`."""
    images = {
        name: grey_images(12, seed).numpy() for seed, name in enumerate(("train", "held_out"))
    }
    np.savez(tmp_path / "data.npz", **images)
    names = ("network.pt", "features.npz", "card.json", "floor.csv")
    outputs = ReferenceFiles(*(tmp_path / name for name in names))
    make_reference(
        dataset="grey",
        extractor=SMALL,
        samples=10,
        weights=str(weights_file),
        data_file=tmp_path / "data.npz",
        device="cpu",
        outputs=outputs,
    )
    return outputs


def test_card_of_a_pretrained_extractor_tells_its_origin(tmp_path, grey_reference, weights_file):
    text = grey_reference.card.read_text(encoding="utf-8")
    card = json.loads(text)
    assert card["sha256"] == provenance.sha256_file(weights_file)
    assert card["accuracy"] is card["accuracy_split"] is None
    assert card["weights"] == "the file that evaluation.weights names"
    assert card["parameters"] == {"layers": {"features": "dinov2"}, "pixels": 224}
    assert str(tmp_path) not in text
    assert str(weights_file) not in text


def test_snapshots_are_scored_with_a_pretrained_extractor(tmp_path, grey_reference, weights_file):
    parameters = study.resolve(tiny_study(), "tiny")["runs"]["digits"]["minimax"]
    state = build_generator(parameters, (1, 8, 8)).state_dict()
    run = {"steps": [4], "shape": [1, 8, 8], "parameters": parameters, "generators": [state]}
    torch.save(run, tmp_path / "snapshots.pt")
    score_run(
        dataset="grey",
        variant="a",
        seed=0,
        extractor=SMALL,
        weights=str(weights_file),
        samples=10,
        snapshots_file=tmp_path / "snapshots.pt",
        network_file=grey_reference.network,
        features_file=grey_reference.features,
        data_file=tmp_path / "data.npz",
        gap=False,
        scores_file=tmp_path / "scores.csv",
        nearest_file=tmp_path / "nearest.png",
        nearest_table=tmp_path / "nearest.csv",
    )
    scores = pd.read_csv(tmp_path / "scores.csv")
    base_names = {metrics.base_name(metric) for metric in scores.metric}
    images = {name for name, metric in metrics.METRICS.items() if metric.of == "images"}
    assert base_names == images - {"IS", *metrics.STACKED}
    assert scores.metric.str.endswith(f"-{SMALL}").all()

"""Extractors: how the classifier is built, and pretrained networks with checked weights."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
import torchvision
from ganbench.catalogue import metrics
from ganbench.catalogue.extractors import EXTRACTORS
from ganbench.downloads import download as downloads
from ganbench.evaluation.classifier import Classifier, recipe
from ganbench.evaluation.dinov2 import SIZES, Block, VisionTransformer
from ganbench.evaluation.extractor import extract, load_extractor, save_extractor
from ganbench.evaluation.pretrained import Pretrained, layers
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


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def random_weights(name: str) -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        network = (
            torchvision.models.vgg16() if name == "vgg16" else VisionTransformer(**SIZES[name])
        )
    return {
        key: noise(*value.shape) * 0.02 + (0.1 if key.endswith(("gamma", "norm1.weight")) else 0)
        for key, value in network.state_dict().items()
    }


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A file of random weights in the place of published ones."""
    file = tmp_path_factory.mktemp("weights") / EXTRACTORS[SMALL].file
    torch.save(random_weights(SMALL), file)
    known = replace(EXTRACTORS[SMALL], sha256=provenance.sha256_file(file))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(EXTRACTORS, SMALL, known)
        yield file


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache on a machine without a network."""

    def fail(*_, **__):
        raise downloads.DownloadError("no route to the host")

    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(downloads, "download", fail)
    return tmp_path / "cache/weights"


def grey_images(count: int, seed: int = 0) -> torch.Tensor:
    return (noise(count, 1, 8, 8, seed=seed) * 50 + 128).clamp(0, 255).to(torch.uint8)


@pytest.mark.parametrize("resolution", [8, 16, 28, 32, 64])
def test_classifier_takes_every_size_of_image(resolution):
    network = Classifier((3, resolution, resolution), 10)
    features, logits = network(torch.zeros(2, 3, resolution, resolution, dtype=torch.uint8))
    assert features.shape == (2, 64)
    assert logits.shape == (2, 10)


def test_larger_images_are_trained_on_for_longer():
    assert recipe(8, 100_000)["steps"] == recipe(28, 100)["steps"] == 800
    assert recipe(28, 10_000)["steps"] == 10 * 10_000 // 64
    assert "constant_steps" not in recipe(8, 100_000)


@pytest.mark.parametrize(
    ("name", "parameters", "tensors"),
    [
        (SMALL, 22_056_576, 175),
        ("dinov2-vit-b-14", 86_580_480, 175),
        ("dinov2-vit-l-14", 304_368_640, 343),
    ],
)
def test_transformers_have_as_many_parameters_as_the_published_files(name, parameters, tensors):
    with torch.device("meta"):
        state = VisionTransformer(**SIZES[name]).state_dict()
    assert (sum(each.numel() for each in state.values()), len(state)) == (parameters, tensors)


def test_transformer_block_equals_torchs_own():
    block = Block(48, 4)
    theirs = nn.TransformerEncoderLayer(
        48, 4, 192, 0, "gelu", layer_norm_eps=1e-6, batch_first=True, norm_first=True
    )
    ours = dict(block.named_parameters())
    names = {"qkv.weight": "in_proj_weight", "qkv.bias": "in_proj_bias", "proj": "out_proj"}
    for name, value in theirs.named_parameters():
        own = name.replace("self_attn", "attn").replace("linear", "mlp.fc")
        for mine, other in names.items():
            own = own.replace(other, mine)
        value.data.copy_(ours[own].data)
    tokens = noise(2, 9, 48)
    torch.testing.assert_close(block(tokens), theirs(tokens), rtol=1e-5, atol=1e-5)
    block.ls1.gamma.data.zero_()
    block.ls2.gamma.data.zero_()
    assert torch.equal(block(tokens), tokens)


def test_transformer_keeps_its_position_embedding_at_the_size_it_was_trained_for():
    network = VisionTransformer(size=12, depth=1, heads=2)
    network.pos_embed.data.copy_(noise(1, 1 + 37**2, 12))
    assert network._positions(37, 37) is network.pos_embed
    smaller = network._positions(16, 16)
    assert smaller.shape == (1, 257, 12)
    assert torch.equal(smaller[:, 0], network.pos_embed[:, 0])
    network.pos_embed.data.fill_(3.0)
    torch.testing.assert_close(network._positions(16, 16), torch.full((1, 257, 12), 3.0))


def test_vgg16_has_torch_fidelitys_features_and_no_classes(monkeypatch):
    state = random_weights("vgg16")
    filled = torchvision.models.vgg16
    with torch.device("meta"):
        network = filled()
    network.load_state_dict(state, assign=True)
    monkeypatch.setattr(
        feature_extractor_vgg16, "torchvision_load_pretrained_vgg16", lambda **_: network
    )
    theirs = feature_extractor_vgg16.FeatureExtractorVGG16("vgg16", layers("vgg16"))
    images = grey_images(2)
    found = extract(Pretrained("vgg16", state, ""), images)
    assert torch.equal(found.features, theirs(images.repeat(1, 3, 1, 1))[0])
    assert found.features.std() > 0
    assert found.logits is None


def test_grey_images_are_seen_as_three_equal_channels(published):
    network = Pretrained(SMALL, torch.load(published, weights_only=True), "")
    images = grey_images(2)
    found = extract(network, images)
    assert torch.equal(found.features, extract(network, images.repeat(1, 3, 1, 1)).features)
    assert not torch.equal(found.features[0], found.features[1])
    assert found.logits is None


def test_pretrained_extractor_is_kept_as_a_digest_and_loaded_again(tmp_path, published):
    digest = provenance.sha256_file(published)
    network = Pretrained(SMALL, torch.load(published, weights_only=True), digest)
    save_extractor(network, tmp_path / "network.pt")
    assert (tmp_path / "network.pt").stat().st_size < 10_000
    again = load_extractor(tmp_path / "network.pt", str(published))
    images = grey_images(2)
    assert torch.equal(extract(again, images).features, extract(network, images).features)
    network.sha256 = "0" * 64
    save_extractor(network, tmp_path / "network.pt")
    with pytest.raises(WeightsError, match="run the rule extractor again"):
        load_extractor(tmp_path / "network.pt", str(published))


def test_weights_are_taken_from_the_study_then_from_the_cache(cache, published):
    given = find_weights(SMALL, str(published))
    assert (given.path, given.where) == (published, "the file that evaluation.weights names")
    cache.mkdir(parents=True)
    (cache / published.name).write_bytes(published.read_bytes())
    found = find_weights(SMALL)
    assert (found.path, found.where) == (cache / published.name, "the shared cache")
    assert found.sha256 == given.sha256 == EXTRACTORS[SMALL].sha256


@pytest.mark.parametrize("extractor", PRETRAINED)
@pytest.mark.parametrize("given", ["", "nowhere/weights.pth"])
def test_missing_weights_are_named_with_their_digest_and_both_places(cache, extractor, given):
    with pytest.raises(WeightsError) as error:
        find_weights(extractor, given)
    known, message = EXTRACTORS[extractor], str(error.value)
    for part in (known.file, known.sha256, known.url, str(cache / known.file), "evaluation", given):
        assert part in message


@pytest.mark.parametrize("place", ["study", "cache"])
def test_other_weights_are_refused_with_both_digests(cache, tmp_path, place):
    cache.mkdir(parents=True)
    file = tmp_path / "w.pth" if place == "study" else cache / EXTRACTORS["vgg16"].file
    file.write_bytes(b"not weights")
    with pytest.raises(WeightsError) as error:
        find_weights("vgg16", str(file) if place == "study" else "")
    assert provenance.sha256(b"not weights") in str(error.value)
    assert EXTRACTORS["vgg16"].sha256 in str(error.value)


def test_every_extractor_of_the_schema_is_known():
    choices = set(study.resolve(tiny_study(), "tiny")["evaluation"])
    assert {"extractor", "weights"} <= choices
    assert {name for name in PRETRAINED if EXTRACTORS[name].classes} == {metrics.INCEPTION}
    for known in map(EXTRACTORS.get, PRETRAINED):
        assert known.url.startswith("https://")
        assert len(known.sha256) == 64
        digest_in_name = known.file.removesuffix(".pth").rsplit("-", 1)[-1]
        assert "-" not in known.file or known.sha256.startswith(digest_in_name)


def test_snapshots_are_scored_with_a_pretrained_extractor(tmp_path, published):
    images = {
        name: grey_images(12, seed).numpy() for seed, name in enumerate(("train", "held_out"))
    }
    np.savez(tmp_path / "data.npz", **images)
    made = ReferenceFiles(
        *(tmp_path / name for name in ("n.pt", "f.npz", "card.json", "floor.csv"))
    )
    make_reference(
        dataset="grey",
        extractor=SMALL,
        samples=10,
        weights=str(published),
        data_file=tmp_path / "data.npz",
        device="cpu",
        outputs=made,
    )
    card = json.loads(made.card.read_text())
    assert card["sha256"] == provenance.sha256_file(published)
    assert card["accuracy"] is card["accuracy_split"] is None
    assert card["weights"] == "the file that evaluation.weights names"
    assert card["parameters"] == {"layers": {"features": "dinov2"}, "pixels": 224}
    assert str(tmp_path) not in made.card.read_text()

    parameters = study.resolve(tiny_study(), "tiny")["runs"]["digits"]["minimax"]
    state = build_generator(parameters, (1, 8, 8)).state_dict()
    run = {"steps": [4], "shape": [1, 8, 8], "parameters": parameters, "generators": [state]}
    torch.save(run, tmp_path / "snapshots.pt")
    score_run(
        dataset="grey",
        variant="a",
        seed=0,
        extractor=SMALL,
        weights=str(published),
        samples=10,
        snapshots_file=tmp_path / "snapshots.pt",
        network_file=made.network,
        features_file=made.features,
        data_file=tmp_path / "data.npz",
        gap=False,
        scores_file=tmp_path / "scores.csv",
        nearest_file=tmp_path / "nearest.png",
    )
    found = pd.read_csv(tmp_path / "scores.csv")
    assert len(found) == 13
    assert f"FD-{SMALL}" in set(found.metric)
    assert not found.metric.str.startswith("IS").any()

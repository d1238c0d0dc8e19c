"""Stacked images: how they are drawn, and how the modes of generated ones are counted."""

import io
import itertools
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from dataset_example import DEBIAN, SPLITS, prepare_in
from ganbench import randomness
from ganbench.catalogue import metrics
from ganbench.catalogue.datasets import KINDS
from ganbench.catalogue.extractors import EXTRACTORS
from ganbench.datasets.mnist_cifar10 import read_mnist
from ganbench.datasets.sources import Part
from ganbench.datasets.splits import plan_cuts, split_source
from ganbench.datasets.stacked import join_classes, stack_images, stack_source
from ganbench.evaluation import classifier_training, mode_coverage
from ganbench.evaluation.classifier import choose_recipe
from ganbench.evaluation.extractor import extract, load_extractor, make_classifier, save_extractor
from ganbench.evaluation.feature_metrics import inception_score
from ganbench.evaluation.mode_coverage import (
    StackedClassifier,
    join_logits,
    predict,
    score_modes,
    split_channels,
    split_labels,
)
from ganbench.evaluation.reference import ReferenceFiles, make_reference
from ganbench.evaluation.rulers import hash_split, load_ruler
from ganbench.evaluation.score import score_run
from ganbench.evaluation.snapshots import generate_images
from ganbench.networks.build import build_generator
from ganbench.randomness import Stream
from ganbench.samples import sample_latents
from ganbench.study.resolve import resolve
from ganbench.study.schema import StudyError
from project import tiny_study
from scipy.stats import entropy

TRIPLES = list(itertools.product(range(10), repeat=3))


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The (data, card) of the single digits."""
    return prepare_in(tmp_path_factory.mktemp("digits"), "digits")


@pytest.fixture(scope="module")
def stacks(tmp_path_factory):
    """The (folder, data, card) of the stacked digits."""
    folder = tmp_path_factory.mktemp("stacked")
    return folder, *prepare_in(folder, "stacked_digits")


@pytest.fixture(scope="module")
def known(digits) -> torch.Tensor:
    """One digit of each class that the ruler recognises, uint8 `(10, 8, 8)`."""
    data, _ = digits
    images, labels = map(torch.from_numpy, (data["held_out"], data["held_out_labels"]))
    right = load_ruler("digits-v1")(images)[1].argmax(1) == labels
    return torch.stack([images[right & (labels == digit)][0, 0] for digit in range(10)])


def stack_known(known: torch.Tensor, triples) -> torch.Tensor:
    """Images `(triples, 3, 8, 8)` with these digits as channels."""
    return known[torch.tensor(triples)]


def find_modes(images: torch.Tensor) -> torch.Tensor:
    return predict(extract(StackedClassifier(load_ruler("digits-v1")), images).logits)


@pytest.mark.parametrize("split", SPLITS)
def test_stacks_of_a_split_consist_of_that_splits_images_with_their_classes(split, digits, stacks):
    single, (_, data, card) = digits[0], stacks
    label_of = {
        image.tobytes(): label
        for image, label in zip(single[split], single[f"{split}_labels"], strict=True)
    }
    classes = [[label_of[channel.tobytes()] for channel in stack] for stack in data[split]]
    assert data[f"{split}_labels"].tolist() == [100 * a + 10 * b + c for a, b, c in classes]
    assert len(data[split]) == card["sizes"][split]
    assert card["splits"][split].startswith(f"three of the 599 {split} images")


def test_every_image_is_drawn_for_every_channel(stacks, digits):
    _, data, _ = stacks
    for channel in range(3):
        images = {image.tobytes() for image in data["train"][:, channel]}
        assert images == {image.tobytes() for image in digits[0]["train"]}


def test_preparing_stacks_again_gives_the_same_bytes(stacks, tmp_path):
    folder, _, _ = stacks
    prepare_in(tmp_path, "stacked_digits")
    assert (tmp_path / "data.npz").read_bytes() == (folder / "data.npz").read_bytes()


def test_stacks_are_drawn_from_the_named_stream_of_their_kind(digits):
    single = Part(digits[0]["train"], digits[0]["train_labels"])
    base = split_base("digits")
    drawn = stack_source(KINDS["stacked_digits"], base).parts["train"]
    rng = randomness.numpy_generator("stacked_digits", 0, "stacking train")
    expected = stack_images(single, KINDS["stacked_digits"].parts["train"], rng)
    assert np.array_equal(drawn.samples, expected.samples)


def split_base(kind: str):
    """The source of single images, read as `prepare` does."""
    if kind == "digits":
        from ganbench.datasets.sources import read_digits  # noqa: PLC0415

        return read_digits()
    return read_mnist(KINDS[kind], str(DEBIAN), io.StringIO())


STACKED_RULERS = [
    (name, kind)
    for name, extractor in EXTRACTORS.items()
    for kind in extractor.kinds
    if KINDS[kind].base
]


@pytest.mark.parametrize(("name", "kind"), STACKED_RULERS)
def test_ruler_accepts_the_stacks_of_the_images_it_was_trained_on(name, kind):
    source = stack_source(KINDS[kind], split_base(KINDS[kind].base))
    part = split_source(source, plan_cuts(source, None))["extractor"]
    digest = hash_split(torch.from_numpy(part.samples), torch.from_numpy(part.labels))
    assert digest == EXTRACTORS[name].kinds[kind]


def test_labels_of_stacks_and_of_their_channels_agree():
    labels = torch.from_numpy(join_classes(TRIPLES))
    assert labels.tolist() == list(range(1000))
    assert split_labels(labels).reshape(-1, 3).tolist() == [list(triple) for triple in TRIPLES]


def test_all_triples_of_recognised_digits_are_a_thousand_modes(known):
    labels = find_modes(stack_known(known, TRIPLES))
    assert labels.tolist() == list(range(1000))
    scores = score_modes(labels, 1000)
    assert tuple(scores) == metrics.STACKED
    assert scores == {"stacked_modes": 1000, "stacked_KL": pytest.approx(0, abs=1e-12)}


@pytest.mark.parametrize("classes", [[7], [3, 8], [0, 4, 9]])
def test_triples_of_a_few_digits_are_their_modes_alone(known, classes):
    triples = list(itertools.product(classes, repeat=3))
    scores = score_modes(find_modes(stack_known(known, triples * 2)), 1000)
    assert scores["stacked_modes"] == len(classes) ** 3
    assert scores["stacked_KL"] == pytest.approx(math.log(1000 / len(classes) ** 3))


@pytest.mark.parametrize("modes", [1, 20, 1000])
def test_divergence_of_modes_is_that_of_scipy(modes):
    labels = np.random.default_rng(modes).geometric(1 / modes, 5000) % 1000
    scores = score_modes(torch.from_numpy(labels), 1000)
    counts = np.bincount(labels, minlength=1000)
    assert scores["stacked_KL"] == pytest.approx(entropy(counts, np.ones(1000)), abs=1e-12)
    assert scores["stacked_modes"] == len(set(labels.tolist()))


def test_features_of_a_stack_are_those_of_its_channels_in_turn(stacks):
    images = torch.from_numpy(stacks[1]["train"][:40])
    ruler = load_ruler("digits-v1")
    features = extract(StackedClassifier(ruler), images).features
    channels = [extract(ruler, images[:, [channel]]).features for channel in range(3)]
    torch.testing.assert_close(features, torch.cat(channels, dim=1))


def test_joint_probabilities_are_products_of_the_channels():
    logits = torch.randn(5, 3, 10, generator=torch.Generator().manual_seed(0))
    first, second, third = logits.softmax(2).double().unbind(1)
    joint = torch.einsum("na,nb,nc->nabc", first, second, third).flatten(1)
    torch.testing.assert_close(join_logits(logits).exp().double(), joint, rtol=1e-5, atol=1e-9)
    assert torch.equal(joint.argmax(1), predict(logits))


@pytest.fixture(scope="module")
def scores(tmp_path_factory, stacks):
    """The options, scores and floor of a random generator of stacked digits, of 400 images."""
    _, data, _ = stacks
    small = {
        name: values[: 300 if name.startswith("held_out") else 600]
        for name, values in data.items()
        if not name.startswith("extractor")
    }
    extractor = {name: data[name] for name in ("extractor", "extractor_labels")}
    out = tmp_path_factory.mktemp("scores")
    np.savez(out / "data.npz", **small, **extractor)
    # torch's initial weights, with which a generator that was not trained makes different images
    training = {**tiny_study()["training"], "network": {"name": "dcgan_torch_init", "width": 4}}
    study = tiny_study(datasets={"stacked_digits": {}}, evaluation={}, training=training)
    parameters = resolve(study, "tiny")["runs"]["stacked_digits"]["minimax"]
    generator = build_generator(parameters, (3, 8, 8))
    run = {"steps": [4], "shape": [3, 8, 8], "parameters": parameters, "discriminators": []}
    torch.save(run | {"generators": [generator.state_dict()]}, out / "snapshots.pt")
    names = ("network.pt", "features.npz", "card.json", "floor.csv")
    reference = ReferenceFiles(*(out / name for name in names))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mode_coverage, "SAMPLES", 400)
        make_reference(
            dataset="stacked_digits",
            extractor="digits-v1",
            samples=100,
            data_file=out / "data.npz",
            device="cpu",
            stacked=True,
            outputs=reference,
        )
        score_run(
            dataset="stacked_digits",
            variant="minimax",
            seed=1,
            extractor="digits-v1",
            samples=100,
            snapshots_file=out / "snapshots.pt",
            network_file=reference.network,
            features_file=reference.features,
            data_file=out / "data.npz",
            gap=False,
            scores_file=out / "scores.csv",
            nearest_file=out / "nearest.png",
            nearest_table=out / "nearest.csv",
        )
    return out, generator.eval(), parameters


def test_modes_of_a_run_are_counted_in_more_samples_than_its_other_metrics(scores):
    out, generator, parameters = scores
    noise = randomness.generator("stacked_digits", 1, Stream.EVALUATION_NOISE)
    latents = [sample_latents(parameters["latent"], count, noise) for count in (100, 300)]
    images = generate_images(generator, torch.cat(latents), (3, 8, 8))
    expected = score_modes(find_modes(images), 1000)
    table = pd.read_csv(out / "scores.csv").set_index(["metric", "reference"])["value"]
    assert expected["stacked_modes"] > 1
    for name, value in expected.items():
        assert table[f"{name}-digits-v1", "none"] == pytest.approx(value)


def test_floor_of_modes_is_that_of_as_many_training_images(scores, stacks):
    floor = pd.read_csv(scores[0] / "floor.csv").set_index("metric")
    expected = score_modes(find_modes(torch.from_numpy(stacks[1]["train"][:400])), 1000)
    for name, value in expected.items():
        row = floor.loc[f"{name}-digits-v1"]
        assert (row["reference"], row["n"]) == ("none", 400)
        assert row["value"] == pytest.approx(value)


def test_inception_score_of_stacks_is_that_of_a_thousand_classes(scores, stacks):
    images = torch.from_numpy(stacks[1]["held_out"][:100])
    logits = extract(StackedClassifier(load_ruler("digits-v1")), images).logits
    floor = pd.read_csv(scores[0] / "floor.csv").set_index("metric")["value"]
    expected = inception_score(join_logits(logits))
    assert floor["IS-digits-v1"] == pytest.approx(expected, rel=1e-5)
    assert expected > 9.5  # each of the ten splits has ten images, nearly all of other classes


def test_accuracy_on_stacks_is_that_of_three_channels_at_once(scores, stacks):
    data = stacks[1]
    right = find_modes(torch.from_numpy(data["held_out"][:300])).numpy()
    right = right == data["held_out_labels"][:300]
    card = json.loads((scores[0] / "card.json").read_text())
    assert card["accuracy"] == pytest.approx(right.mean(), abs=1e-4)
    assert 0.8 < card["accuracy"] < 0.95
    assert card["feature_size"] == 192


def test_classifier_of_stacks_learns_their_channels_and_is_kept(tmp_path, stacks, monkeypatch):
    short = choose_recipe(8, 599) | {"steps": 200}
    monkeypatch.setattr(classifier_training, "choose_recipe", lambda *_: short)
    _, data, _ = stacks
    images, labels = map(torch.from_numpy, (data["extractor"], data["extractor_labels"]))
    network, _ = make_classifier(images, labels, "stacked_digits", stacked=True)
    held_out = torch.from_numpy(data["held_out"][:500])
    logits = extract(network, held_out).logits
    right = predict(logits) == torch.from_numpy(data["held_out_labels"][:500])
    assert float(right.double().mean()) > 0.4  # by chance, one in a thousand
    assert network.classifier.classes == 10
    save_extractor(network, Path(tmp_path, "network.pt"))
    assert torch.equal(extract(load_extractor(tmp_path / "network.pt"), held_out).logits, logits)


def test_channels_are_taken_apart_in_their_order():
    images = torch.arange(2 * 3 * 4, dtype=torch.uint8).reshape(2, 3, 2, 2)
    assert split_channels(images)[:, 0, 0, 0].tolist() == [0, 4, 8, 12, 16, 20]


@pytest.mark.parametrize(
    ("kind", "metric"),
    [
        ("stacked_digits", "FD-digits-v1"),
        ("stacked_fashion", "FD-fashion_mnist-v1"),
        ("stacked_mnist", "FD-classifier"),
    ],
)
def test_stacks_are_measured_by_the_ruler_of_their_images(kind, metric):
    study = resolve(tiny_study(datasets={"mine": {"kind": kind}}, evaluation={}), "study")
    assert study["datasets"]["mine"]["primary"] == {"metric": metric, "reference": "held_out"}
    assert study["datasets"]["mine"]["shape"][0] == 3


@pytest.mark.parametrize(
    ("dataset", "evaluation", "message"),
    [
        ({"digits": {}}, {"primary_metric": "stacked_modes"}, r"needs a dataset of kind stacked_"),
        (
            {"stacked_digits": {}},
            {"primary_metric": "stacked_KL", "extractor": "vgg16"},
            r"found 'stacked_KL'.*stacked_digits and has vgg16",
        ),
        ({"stacked_digits": {"source": "x"}}, {}, "digits are part of scikit-learn"),
        ({"stacked_digits": {"extractor_images": 9}}, {}, "has 5,000 stacks of images"),
        ({"stacked_mnist": {"resolution": 32}}, {}, "stacked_mnist has its own"),
    ],
)
def test_what_stacks_cannot_have_is_refused_before_anything_runs(dataset, evaluation, message):
    with pytest.raises(StudyError, match=message):
        resolve(tiny_study(datasets=dataset, evaluation=evaluation), "study")

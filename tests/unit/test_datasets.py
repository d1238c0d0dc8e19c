"""Datasets: found, verified, split without overlap, and described by a card that is true."""

import gzip
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dataset_example import DEBIAN, SPLITS, prepared_in
from ganbench.datasets import card as cards
from ganbench.datasets import splits
from ganbench.datasets.sources import DatasetError, Part, Source, points
from ganbench.densities.mixtures import DENSITIES
from PIL import Image
from project import ROOT
from sklearn.datasets import load_digits


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    return folder, *prepared_in(folder, "digits")


def test_splits_are_disjoint_and_lose_no_image(prepared):
    _, data, _ = prepared
    pixels = np.concatenate([data[split] for split in SPLITS])[:, 0]
    expected = np.round(load_digits().images * 255 / 16).astype(np.uint8)
    assert sorted(each.tobytes() for each in pixels) == sorted(each.tobytes() for each in expected)


def test_labels_stay_with_their_images(prepared):
    _, data, _ = prepared
    found = load_digits()
    label_of = {
        np.round(image * 255 / 16).astype(np.uint8).tobytes(): label
        for image, label in zip(found.images, found.target, strict=True)
    }
    for split in SPLITS:
        labels = [label_of[image.tobytes()] for image in data[split]]
        assert labels == data[f"{split}_labels"].tolist()


def test_preparing_again_gives_the_same_bytes(prepared, tmp_path):
    folder, _, _ = prepared
    prepared_in(tmp_path, "digits")
    for name in ("data.npz", "card.json", "examples.png"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_card_describes_the_data(prepared):
    _, data, card = prepared
    assert (
        card["sizes"] == {split: len(data[split]) for split in SPLITS} == dict.fromkeys(SPLITS, 599)
    )
    assert (card["channels"], card["resolution"]) == (1, 8)
    assert [sum(counts) for counts in card["class_counts"].values()] == [599, 599, 599]
    assert card["pixel_mean"] == [pytest.approx(data["train"].mean(), abs=1e-5)]
    assert card["pixel_std"] == [pytest.approx(data["train"].std(), abs=1e-5)]
    assert card["licence"]
    assert card["citation"]
    assert len(card["sha256"]) == 64


def test_digits_have_the_splits_that_they_always_had(prepared):
    folder, data, _ = prepared
    order = np.random.default_rng(0).permutation(1797)
    images = np.round(load_digits().images * 255 / 16).astype(np.uint8)[:, None]
    assert np.array_equal(data["held_out"], images[order[:599]])
    assert np.array_equal(data["train"], images[order[2 * 599 :]])
    found = hashlib.sha256((folder / "data.npz").read_bytes()).hexdigest()
    assert found == "72fc93341601e41a9f5a93f084633cce7b4dc48d58c2d1fa135372f9fd3f1aaf"


def test_picture_shows_training_images_in_the_order_of_their_classes(prepared):
    folder, data, _ = prepared
    shown = np.asarray(Image.open(folder / "examples.png"))
    assert shown.shape == (2 * 9, 16 * 9)
    cells = [shown[9 * row :, 9 * column :][:8, :8] for row in range(2) for column in range(16)]
    label_of = {
        image.tobytes(): label
        for image, label in zip(data["train"], data["train_labels"], strict=True)
    }
    labels = [label_of[cell.tobytes()] for cell in cells]
    assert labels == sorted(labels)
    assert set(labels) == set(range(10))


@pytest.mark.parametrize("kind", DENSITIES)
def test_points_of_a_known_density_are_split_in_thirds(kind, tmp_path):
    data, card = prepared_in(tmp_path, kind)
    assert card["dimensions"] == DENSITIES[kind].dimensions == data["train"].shape[1]
    assert card["sizes"] == dict.fromkeys(SPLITS, 50_000)
    rows = [{point.tobytes() for point in data[split]} for split in SPLITS]
    # in one dimension two of 150,000 float32 numbers can be the same
    assert len(set.union(*rows)) >= 150_000 * (0.9 if card["dimensions"] == 1 else 1)
    size = {1: (128, 64), 2: (96, 96)}[card["dimensions"]]
    assert Image.open(tmp_path / "examples.png").size == size


def test_labels_of_points_are_their_modes():
    assert len(points("gaussian_ring").class_names) == 8


@pytest.fixture(scope="module")
def fashion(tmp_path_factory):
    if not DEBIAN.is_dir():
        pytest.skip("Debian's package dataset-fashion-mnist is not installed")
    folder = tmp_path_factory.mktemp("fashion")
    return folder, *prepared_in(folder, "fashion_mnist")


def test_fashion_mnist_is_that_of_the_machine_with_its_official_test_part_held_out(fashion):
    folder, data, card = fashion
    assert card["source"] == str(DEBIAN)
    assert card["sizes"] == {"train": 50_000, "held_out": 10_000, "extractor": 10_000}
    assert card["class_counts"]["held_out"] == [1000] * 10
    both = np.add(card["class_counts"]["train"], card["class_counts"]["extractor"])
    assert both.tolist() == [6000] * 10
    raw = gzip.decompress((DEBIAN / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    test = np.frombuffer(raw, np.uint8).reshape(-1, 784)
    found = data["held_out"].reshape(-1, 784)
    assert sorted(image.tobytes() for image in test) == sorted(each.tobytes() for each in found)
    assert card["pixel_mean"] == [pytest.approx(data["train"].mean(), abs=1e-4)]
    assert Image.open(folder / "examples.png").size == (16 * 29, 2 * 29)


def test_splits_of_fashion_mnist_share_no_image_and_keep_their_labels(fashion):
    _, data, _ = fashion
    raw = gzip.decompress((DEBIAN / "train-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((DEBIAN / "train-labels-idx1-ubyte.gz").read_bytes())[8:]
    images = np.frombuffer(raw, np.uint8).reshape(-1, 784)
    expected = sorted((image.tobytes(), label) for image, label in zip(images, labels, strict=True))
    found = [
        (image.tobytes(), int(label))
        for split in ("train", "extractor")
        for image, label in zip(data[split], data[f"{split}_labels"], strict=True)
    ]
    assert sorted(found) == expected


def test_images_of_the_extractor_split_can_be_left_to_training(fashion, tmp_path):
    _, card = prepared_in(tmp_path, "fashion_mnist", extractor_images=0)
    assert card["sizes"] == {"train": 60_000, "held_out": 10_000, "extractor": 0}


def split_of(source, extractor_images):
    return splits.split(source, splits.plan(source, extractor_images))


def test_official_parts_stay_what_they_are():
    parts = {
        name: Part(np.full((count, 1, 8, 8), number, np.uint8), np.arange(count))
        for number, (name, count) in enumerate({"train": 60, "test": 50, "extractor": 70}.items())
    }
    found = split_of(Source(parts, ""), None)
    assert [found[split].samples[0, 0, 0, 0] for split in SPLITS] == [0, 1, 2]
    assert [len(found[split].samples) for split in SPLITS] == [60, 50, 70]
    assert sorted(found["held_out"].labels) == list(range(50))


@pytest.mark.parametrize("extractor_images", [100, 200])
def test_extractor_split_that_leaves_nothing_to_train_on_is_refused(extractor_images):
    parts = {
        "train": Part(np.zeros((100, 1, 8, 8), np.uint8), np.zeros(100, np.int64)),
        "test": Part(np.zeros((9, 1, 8, 8), np.uint8), np.zeros(9, np.int64)),
    }
    with pytest.raises(DatasetError, match=f"found {extractor_images}, expected less than 100"):
        split_of(Source(parts, ""), extractor_images)


def test_images_without_parts_give_no_more_than_ten_thousand_to_held_out_and_extractor():
    part = Part(np.zeros((40_000, 1, 1, 1), np.uint8), np.arange(40_000))
    found = split_of(Source({"all": part}, ""), None)
    assert [len(found[name].samples) for name in SPLITS] == [20_000, 10_000, 10_000]
    found = split_of(Source({"all": part}, ""), 30)
    assert [len(found[name].samples) for name in SPLITS] == [29_970, 10_000, 30]
    assert len(set(np.concatenate([each.labels for each in found.values()]))) == 40_000


def test_moments_are_the_same_counted_in_many_pieces(prepared, tmp_path, monkeypatch):
    _, _, card = prepared
    monkeypatch.setattr(cards, "BLOCK", 1000)
    _, again = prepared_in(tmp_path, "digits")
    assert again == card


def test_fashion_mnist_takes_seconds_and_less_than_a_gigabyte(fashion, tmp_path):
    program = (
        "import sys, time; from pathlib import Path; from dataset_example import prepared_in\n"
        "prepared_in(Path(sys.argv[1]), 'fashion_mnist')\n"
        "(peak,) = [line for line in open('/proc/self/status') if line.startswith('VmHWM')]\n"
        "print(time.process_time(), int(peak.split()[1]) * 1024 / 1e9)"
    )
    folders = [Path(__file__).parent, ROOT / "workflow/scripts"]
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))},
        check=True,
        capture_output=True,
        text=True,
    )
    seconds, gigabytes = map(float, done.stdout.split()[-2:])
    assert seconds < 10  # of a processor: what other programs do does not count
    assert gigabytes < 1

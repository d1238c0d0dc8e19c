"""Datasets are split without overlap, and a card describes them correctly."""

import gzip
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dataset_example import DEBIAN, SPLITS, prepare_in, read_prepared
from ganbench.datasets import card as cards
from ganbench.datasets.sources import DatasetError, Part, Source, draw_points
from ganbench.datasets.splits import plan_cuts, split_source
from ganbench.densities.mixtures import DENSITIES
from PIL import Image
from project import ROOT
from sklearn.datasets import load_digits


def load_digit_images():
    """Scikit-learn's digits as uint8 `(count, 8, 8)`."""
    return np.round(load_digits().images * 255 / 16).astype(np.uint8)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The (folder, data, card) of the prepared digits."""
    folder = tmp_path_factory.mktemp("digits")
    return folder, *prepare_in(folder, "digits")


def test_splits_are_disjoint_and_lose_no_image(digits):
    _, data, _ = digits
    pixels = np.concatenate([data[split] for split in SPLITS])[:, 0]
    assert sorted(map(bytes, pixels)) == sorted(map(bytes, load_digit_images()))


def test_labels_stay_with_their_images(digits):
    _, data, _ = digits
    label_of = dict(zip(map(bytes, load_digit_images()), load_digits().target, strict=True))
    for split in SPLITS:
        assert [label_of[bytes(image)] for image in data[split]] == data[f"{split}_labels"].tolist()


def test_preparing_again_gives_the_same_bytes(digits, tmp_path):
    folder, _, _ = digits
    prepare_in(tmp_path, "digits")
    for name in ("data.npz", "card.json", "examples.png"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_card_describes_the_data(digits):
    _, data, card = digits
    assert card["sizes"] == {split: len(data[split]) for split in SPLITS}
    assert card["sizes"] == dict.fromkeys(SPLITS, 599)
    assert (card["channels"], card["resolution"]) == (1, 8)
    assert [sum(counts) for counts in card["class_counts"].values()] == [599, 599, 599]
    assert card["pixel_mean"] == [pytest.approx(data["train"].mean(), abs=1e-5)]
    assert card["pixel_std"] == [pytest.approx(data["train"].std(), abs=1e-5)]
    assert card["licence"]
    assert card["citation"]
    assert len(card["sha256"]) == 64


def test_splits_of_digits_never_change(digits):
    folder, data, _ = digits
    order = np.random.default_rng(0).permutation(1797)
    images = load_digit_images()[:, None]
    assert np.array_equal(data["held_out"], images[order[:599]])
    assert np.array_equal(data["train"], images[order[2 * 599 :]])
    sha256 = hashlib.sha256((folder / "data.npz").read_bytes()).hexdigest()
    assert sha256 == "72fc93341601e41a9f5a93f084633cce7b4dc48d58c2d1fa135372f9fd3f1aaf"


def test_examples_are_training_images_ordered_by_class(digits):
    folder, data, _ = digits
    picture = np.asarray(Image.open(folder / "examples.png"))
    assert picture.shape == (2 * 9, 16 * 9)
    cells = [picture[9 * row :, 9 * column :][:8, :8] for row in range(2) for column in range(16)]
    label_of = dict(zip(map(bytes, data["train"]), data["train_labels"], strict=True))
    labels = [label_of[bytes(np.ascontiguousarray(cell))] for cell in cells]
    assert labels == sorted(labels)
    assert set(labels) == set(range(10))


@pytest.mark.parametrize("kind", DENSITIES)
def test_points_of_a_density_are_split_into_thirds(kind, tmp_path):
    data, card = prepare_in(tmp_path, kind)
    assert card["dimensions"] == DENSITIES[kind].dimensions == data["train"].shape[1]
    assert card["sizes"] == dict.fromkeys(SPLITS, 50_000)
    points = {bytes(point) for split in SPLITS for point in data[split]}
    # in one dimension some of 150,000 float32 numbers are equal
    assert len(points) >= 150_000 * (0.9 if card["dimensions"] == 1 else 1)
    size = {1: (128, 64), 2: (96, 96)}[card["dimensions"]]
    assert Image.open(tmp_path / "examples.png").size == size


def test_labels_of_points_are_their_modes():
    assert len(draw_points("gaussian_ring").class_names) == 8


PREPARE_FASHION_MNIST = """
import sys, time
from pathlib import Path
from dataset_example import prepare_in
prepare_in(Path(sys.argv[1]), "fashion_mnist")
(peak,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(time.process_time(), int(peak.split()[1]) * 1024 / 1e9)
"""


@pytest.fixture(scope="module")
def fashion(tmp_path_factory):
    """The (folder, data, card, CPU seconds, peak gigabytes) of Fashion-MNIST, from a process."""
    if not DEBIAN.is_dir():
        pytest.skip("Debian's package dataset-fashion-mnist is not installed")
    folder = tmp_path_factory.mktemp("fashion")
    paths = [str(Path(__file__).parent), str(ROOT / "workflow/scripts")]
    done = subprocess.run(
        [sys.executable, "-c", PREPARE_FASHION_MNIST, folder],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        check=True,
        capture_output=True,
        text=True,
    )
    seconds, gigabytes = map(float, done.stdout.split()[-2:])
    return folder, *read_prepared(folder), seconds, gigabytes


def read_fashion(name: str, header: int) -> np.ndarray:
    content = gzip.decompress((DEBIAN / f"{name}-ubyte.gz").read_bytes())
    return np.frombuffer(content[header:], np.uint8)


def test_official_test_images_of_fashion_mnist_are_held_out(fashion):
    folder, data, card, _, _ = fashion
    assert card["source"] == str(DEBIAN)
    assert card["sizes"] == {"train": 50_000, "held_out": 10_000, "extractor": 10_000}
    assert card["class_counts"]["held_out"] == [1000] * 10
    both = np.add(card["class_counts"]["train"], card["class_counts"]["extractor"])
    assert both.tolist() == [6000] * 10
    test_images = read_fashion("t10k-images-idx3", 16).reshape(-1, 784)
    assert sorted(map(bytes, test_images)) == sorted(map(bytes, data["held_out"]))
    assert card["pixel_mean"] == [pytest.approx(data["train"].mean(), abs=1e-4)]
    assert Image.open(folder / "examples.png").size == (16 * 29, 2 * 29)


def test_splits_of_fashion_mnist_share_no_image_and_keep_labels(fashion):
    _, data, _, _, _ = fashion
    images = read_fashion("train-images-idx3", 16).reshape(-1, 784)
    labels = read_fashion("train-labels-idx1", 8)
    pairs = [
        (bytes(image), int(label))
        for split in ("train", "extractor")
        for image, label in zip(data[split], data[f"{split}_labels"], strict=True)
    ]
    assert sorted(pairs) == sorted(zip(map(bytes, images), labels.tolist(), strict=True))


def test_fashion_mnist_takes_seconds_and_under_a_gigabyte(fashion):
    *_, seconds, gigabytes = fashion
    assert seconds < 10  # of a processor, so that other programs do not count
    assert gigabytes < 1


def split(source, extractor_images):
    return split_source(source, plan_cuts(source, extractor_images))


def make_parts(**sizes):
    """Official parts whose images hold the number of their part."""
    return {
        name: Part(np.full((size, 1, 8, 8), number, np.uint8), np.arange(size))
        for number, (name, size) in enumerate(sizes.items())
    }


def test_official_parts_become_the_splits():
    splits = split(Source(make_parts(train=60, test=50, extractor=70), ""), None)
    assert [splits[name].samples[0, 0, 0, 0] for name in SPLITS] == [0, 1, 2]
    assert [len(splits[name].samples) for name in SPLITS] == [60, 50, 70]
    assert sorted(splits["held_out"].labels) == list(range(50))


@pytest.mark.parametrize("extractor_images", [100, 200])
def test_extractor_split_that_leaves_nothing_to_train_on_is_refused(extractor_images):
    source = Source(make_parts(train=100, test=9), "")
    with pytest.raises(DatasetError, match=f"found {extractor_images}, expected less than 100"):
        split(source, extractor_images)


def test_held_out_and_extractor_get_at_most_ten_thousand_images():
    part = Part(np.zeros((40_000, 1, 1, 1), np.uint8), np.arange(40_000))
    splits = split(Source({"all": part}, ""), None)
    assert [len(splits[name].samples) for name in SPLITS] == [20_000, 10_000, 10_000]
    splits = split(Source({"all": part}, ""), 30)
    assert [len(splits[name].samples) for name in SPLITS] == [29_970, 10_000, 30]
    assert len(set(np.concatenate([part.labels for part in splits.values()]))) == 40_000


def test_moments_do_not_depend_on_the_size_of_blocks(digits, tmp_path, monkeypatch):
    _, _, card = digits
    monkeypatch.setattr(cards, "BLOCK", 1000)
    _, card_from_small_blocks = prepare_in(tmp_path, "digits")
    assert card_from_small_blocks == card

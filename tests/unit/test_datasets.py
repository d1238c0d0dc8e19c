"""Datasets: disjoint seeded splits, and a card that tells the truth."""

import json

import numpy as np
import pytest
from ganbench.datasets import KINDS, prepare
from sklearn.datasets import load_digits

SPLITS = ("train", "held_out", "extractor")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    prepare("digits", "digits", folder / "data.npz", folder / "card.json")
    with np.load(folder / "data.npz") as data:
        return folder, dict(data), json.loads((folder / "card.json").read_text())


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
    prepare("digits", "digits", tmp_path / "data.npz", tmp_path / "card.json")
    for name in ("data.npz", "card.json"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_card_describes_the_data(prepared):
    _, data, card = prepared
    assert (
        card["sizes"] == {split: len(data[split]) for split in SPLITS} == dict.fromkeys(SPLITS, 599)
    )
    assert (card["channels"], card["resolution"]) == (1, 8)
    assert [sum(counts) for counts in card["class_counts"].values()] == [599, 599, 599]
    assert card["pixel_mean"] == pytest.approx(data["train"].mean(), abs=1e-5)
    assert card["pixel_std"] == pytest.approx(data["train"].std(), abs=1e-5)
    assert card["licence"]
    assert card["citation"]
    assert len(card["sha256"]) == 64


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_labelled_images_or_points(kind):
    source = KINDS[kind]()
    assert (source.samples.dtype, source.samples.ndim) in ((np.uint8, 4), (np.float32, 2))
    assert source.labels.shape == (len(source.samples),)


def test_points_of_a_known_density_are_split_like_images(tmp_path):
    prepare("ring", "gaussian_ring", tmp_path / "data.npz", tmp_path / "card.json")
    card = json.loads((tmp_path / "card.json").read_text())
    assert card["dimensions"] == 2
    assert card["sizes"] == dict.fromkeys(SPLITS, 50_000)
    with np.load(tmp_path / "data.npz") as data:
        assert data["train"].shape == (50_000, 2)
        rows = [{point.tobytes() for point in data[split]} for split in SPLITS]
        assert len(set.union(*rows)) == 150_000

"""Datasets: found, verified, split without overlap, and described by a card that is true."""

import gzip
import hashlib
import importlib
import io
import json
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ganbench import kinds
from ganbench.datasets import Outputs, locate, prepare, published
from ganbench.datasets.sources import DatasetError, Part, Source, points
from ganbench.densities import DENSITIES
from PIL import Image
from sklearn.datasets import load_digits

preparing = importlib.import_module("ganbench.datasets.prepare")  # the function has its name
SPLITS = ("train", "held_out", "extractor")
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
KEYS = {"source": "", "resolution": None, "channels": None, "extractor_images": None}


def prepared_in(folder, kind, **keys):
    """(data, card) of a dataset, prepared in a folder."""
    outputs = Outputs(*(folder / name for name in ("data.npz", "card.json", "examples.png")))
    prepare(
        name=kind,
        dataset={**KEYS, "kind": kind, **keys},
        needs_classes=False,
        outputs=outputs,
        log=sys.stdout,
    )
    with np.load(outputs.data) as data:
        return dict(data), json.loads(outputs.card.read_text())


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
    assert Image.open(folder / "examples.png").size == (16 * 9, 2 * 9)


@pytest.mark.parametrize("kind", DENSITIES)
def test_points_of_a_known_density_are_split_in_thirds(kind, tmp_path):
    data, card = prepared_in(tmp_path, kind)
    assert card["dimensions"] == DENSITIES[kind].dimensions == data["train"].shape[1]
    assert card["sizes"] == dict.fromkeys(SPLITS, 50_000)
    rows = [{point.tobytes() for point in data[split]} for split in SPLITS]
    # in one dimension two of 150,000 float32 numbers can be the same
    assert len(set.union(*rows)) >= 150_000 * (0.9 if card["dimensions"] == 1 else 1)
    assert (Image.open(tmp_path / "examples.png").width > 1) == (card["dimensions"] > 0)


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


def idx_file(array):
    header = np.array([0x0800 + array.ndim, *array.shape], ">u4").tobytes()
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def small_mnist(tmp_path, monkeypatch):
    """A kind like MNIST with few images, its digests right, and a folder that holds its files."""
    random = np.random.default_rng(3)
    contents = {}
    for prefix, count in (("train", 400), ("t10k", 100)):
        contents[f"{prefix}-images-idx3-ubyte"] = idx_file(random.integers(0, 256, (count, 28, 28)))
        contents[f"{prefix}-labels-idx1-ubyte"] = idx_file(random.integers(0, 10, count))
    kind = replace(
        kinds.kinds()["mnist"],
        parts={"train": 400, "test": 100},
        files={name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
    )
    monkeypatch.setattr(preparing, "kinds", lambda: {"mnist": kind})
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(locate, "SYSTEM_FOLDERS", (tmp_path / "system",))
    return kind, contents


def put(folder, contents, *, compressed=False):
    folder.mkdir(parents=True)
    for name, content in contents.items():
        if compressed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("compressed", [False, True])
def test_source_is_looked_for_in_order(small_mnist, tmp_path, compressed):
    _, contents = small_mnist
    places = [tmp_path / "mine", tmp_path / "system/mnist", tmp_path / "cache/mnist"]
    for folder in places:
        put(folder, contents, compressed=compressed)
    found = []
    for number, folder in enumerate(places):
        source = str(folder) if number == 0 else ""
        _, card = prepared_in(tmp_path / f"out{number}", "mnist", source=source, extractor_images=9)
        found.append(card["source"])
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    assert found == [f"the folder {places[0]}", str(places[1]), "the shared cache"]


def test_file_that_is_not_the_published_one_is_refused_wherever_it_lies(small_mnist, tmp_path):
    _, contents = small_mnist
    name = "t10k-labels-idx1-ubyte"
    contents[name] = contents[name][:-1] + bytes([contents[name][-1] ^ 1])
    for compressed in (False, True):
        folder = put(tmp_path / f"mine{compressed}", contents, compressed=compressed)
        with pytest.raises(DatasetError, match=f"{name} of MNIST .* is not the published one"):
            prepared_in(tmp_path / "out", "mnist", source=str(folder), extractor_images=9)


def test_source_that_lacks_a_file_is_said_with_what_it_should_hold(small_mnist, tmp_path):
    _, contents = small_mnist
    folder = put(tmp_path / "mine", contents)
    (folder / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DatasetError, match="does not hold train-images-idx3-ubyte, train-labels"):
        prepared_in(tmp_path / "out", "mnist", source=str(folder))
    with pytest.raises(DatasetError, match="there is no folder"):
        prepared_in(tmp_path / "out", "mnist", source=str(tmp_path / "nowhere"))


@pytest.mark.parametrize("damage", [lambda c: c[: len(c) // 2], lambda c: b"no gzip" + c])
def test_damaged_compressed_file_is_named(small_mnist, tmp_path, damage):
    _, contents = small_mnist
    folder = put(tmp_path / "mine", contents, compressed=True)
    file = folder / "train-images-idx3-ubyte.gz"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(DatasetError, match=r"train-images-idx3-ubyte.gz cannot be read"):
        prepared_in(tmp_path / "out", "mnist", source=str(folder))


def test_file_that_uncompresses_to_far_more_than_it_may_is_not_read(
    small_mnist, tmp_path, monkeypatch
):
    _, contents = small_mnist
    monkeypatch.setattr(locate, "LARGEST", 1000)
    folder = put(tmp_path / "mine", contents, compressed=True)
    with pytest.raises(DatasetError, match="uncompresses to more than 1,000 bytes"):
        prepared_in(tmp_path / "out", "mnist", source=str(folder))


def test_without_a_network_the_three_ways_out_are_named(small_mnist, tmp_path, monkeypatch):
    kind, _ = small_mnist
    nowhere = replace(kind, download="https://127.0.0.1:9/")  # nobody listens at port 9
    monkeypatch.setattr(preparing, "kinds", lambda: {"mnist": nowhere})
    with pytest.raises(DatasetError) as error:
        prepared_in(tmp_path / "out", "mnist")
    for way in ("run the same command again", "as `source` of the dataset", "another dataset"):
        assert way in str(error.value)


def test_idx_file_whose_header_disagrees_is_refused(small_mnist):
    _, contents = small_mnist
    found = locate.Found(contents, "")
    with pytest.raises(DatasetError, match="its header says"):
        published.idx(found, "train-images-idx3-ubyte", (401, 28, 28))


def test_cifar10_is_read_from_its_archive_in_memory(tmp_path, monkeypatch):
    random = np.random.default_rng(4)
    names = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
    records = {name: random.integers(0, 256, (40, 3073)).astype(np.uint8) for name in names}
    for each in records.values():
        each[:, 0] %= 10
    kind = replace(
        kinds.kinds()["cifar10"],
        parts={"train": 200, "test": 40},
        files={name: hashlib.sha256(each.tobytes()).hexdigest() for name, each in records.items()},
    )
    monkeypatch.setattr(preparing, "kinds", lambda: {"cifar10": kind})
    folder = tmp_path / "mine"
    folder.mkdir()
    with tarfile.open(folder / "cifar-10-binary.tar.gz", "w:gz") as archive:
        for name in ("../outside.bin", *(f"cifar-10-batches-bin/{each}" for each in names)):
            content = records.get(name.rsplit("/", 1)[1], records[names[0]]).tobytes()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    data, card = prepared_in(tmp_path / "out", "cifar10", source=str(folder), extractor_images=50)
    assert not (tmp_path / "outside.bin").exists()
    assert card["sizes"] == {"train": 150, "held_out": 40, "extractor": 50}
    rows = {row[1:].tobytes(): row[0] for each in records.values() for row in each}
    for split in SPLITS:
        assert data[split].shape[1:] == (3, 32, 32)
        labels = [rows[image.tobytes()] for image in data[split]]
        assert labels == data[f"{split}_labels"].tolist()


def test_official_parts_stay_what_they_are():
    parts = {
        name: Part(np.full((count, 1, 8, 8), number, np.uint8), np.arange(count))
        for number, (name, count) in enumerate({"train": 60, "test": 50, "extractor": 70}.items())
    }
    found = preparing.split(Source(parts, ""), None)
    assert [found[split].samples[0, 0, 0, 0] for split in SPLITS] == [0, 1, 2]
    assert [len(found[split].samples) for split in SPLITS] == [60, 50, 70]
    assert sorted(found["held_out"].labels) == list(range(50))


def test_classifier_needs_classes(tmp_path):
    outputs = Outputs(*(tmp_path / name for name in ("data.npz", "card.json", "examples.png")))
    folder = tmp_path / "plain"
    folder.mkdir()
    for number in range(150):
        Image.new("L", (9, 9), number).save(folder / f"{number}.png")
    keys = {"kind": "image_folder", "source": str(folder), "resolution": 8, "channels": 1}
    with pytest.raises(DatasetError, match="has no classes, and the classifier is trained on them"):
        prepare(
            name="plain", dataset={**KEYS, **keys}, needs_classes=True, outputs=outputs,
            log=sys.stdout,
        )  # fmt: skip
    assert not outputs.data.exists()

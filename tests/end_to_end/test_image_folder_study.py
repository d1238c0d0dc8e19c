"""A folder of a user's own images: the study names nothing but its path."""

import json
import os

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from project import copy_checkout, planned, snakemake, tiny_study
from sklearn.datasets import load_digits


def write_images(folder):
    """The bundled digits as grey PNG files, one sub-folder for each class."""
    images, labels = load_digits(return_X_y=True)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        write_image(image, folder / f"class {label}" / f"{number:04}.png")


def write_image(image, file):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((image.reshape(8, 8) * 15).astype(np.uint8)).save(file)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return copy_checkout(tmp_path_factory.mktemp("own images") / "checkout")


@pytest.fixture(scope="module")
def study(checkout):
    write_images(checkout / "my images")
    dataset = {"kind": "image_folder", "source": "my images", "resolution": 8, "channels": 1}
    study = tiny_study(seeds=1, datasets={"mine": dataset}, evaluation={})
    return study | {"variants": {"minimax": {}}}


def test_folder_is_trained_and_scored_with_as_many_samples_as_it_has(checkout, study):
    done = snakemake(checkout, "--cores", "2", study=study)
    assert done.returncode == 0, done.stdout + done.stderr
    results = checkout / "results/tiny"
    card = json.loads((results / "datasets/mine/card.json").read_text())
    assert sum(card["sizes"].values()) == 1797
    smaller = min(card["sizes"]["train"], card["sizes"]["held_out"])
    floor = pd.read_csv(results / "extractors/mine/classifier/floor.csv")
    assert set(floor.n) == {smaller}
    scores = pd.read_csv(results / "scores.csv")
    assert set(scores.dataset) == {"mine"}
    assert np.isfinite(scores.value).all()
    page = (results / "report.html").read_text()
    assert "mine" in page


def test_folder_is_judged_by_content(checkout, study):
    """All that does not count at once; test_folder_digest has each change alone."""
    folder = checkout / "my images"
    os.utime(folder)
    os.utime(folder / "class 0")
    (folder / "class 0/.DS_Store").write_bytes(b"x")
    (folder / "@eaDir").mkdir()
    assert not planned(checkout, study=study)
    image = next((folder / "class 0").glob("*.png"))
    times = image.stat()
    Image.new("L", (8, 8), 90).save(image)
    os.utime(image, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert "prepare/mine" in planned(checkout, study=study)


def test_classes_without_meaning_stop_the_study_before_training(checkout, study):
    """The digits in numbered shards, as a download may come."""
    images, _ = load_digits(return_X_y=True)
    for number, image in enumerate(images):
        write_image(image, checkout / f"shards/{number % 5:05}/{number:04}.png")
    dataset = study["datasets"]["mine"] | {"source": "shards"}
    shards = study | {"study": "shards", "datasets": {"mine": dataset}}
    done = snakemake(checkout, "--cores", "2", study=shards)
    assert done.returncode != 0
    for words in ("no better than naming the largest class", "`labels: none`"):
        assert words in done.stderr
    assert not (checkout / "results/shards/runs").exists()
    assert not (checkout / "results/shards/logs/train").exists()

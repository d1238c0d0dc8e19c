"""A folder of a user's own images: the study names nothing but its path."""

import json

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
        file = folder / f"class {label}" / f"{number:04}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((image.reshape(8, 8) * 15).astype(np.uint8)).save(file)


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


def test_added_image_prepares_the_folder_again(checkout, study):
    assert not planned(checkout, study=study)
    Image.new("L", (8, 8), 90).save(checkout / "my images/class 0/more.png")
    assert "prepare/mine" in planned(checkout, study=study)

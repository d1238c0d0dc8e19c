"""Real images end to end: a shortened Fashion-MNIST study trains, is scored, and shows learning."""

import json
from pathlib import Path

import pandas as pd
import pytest
from ganbench.catalogue.metrics import METRICS, STACKED, qualify
from project import ROOT, copy_checkout, snakemake

STUDY = ROOT / "tests/studies/fashion_mnist_short.yaml"
DEBIAN = Path("/usr/share/datasets/fashion-mnist")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    if not DEBIAN.is_dir():
        pytest.skip("Debian's package dataset-fashion-mnist is not installed")
    folder = tmp_path_factory.mktemp("fashion")
    checkout = copy_checkout(folder / "checkout")
    arguments = ("--cores", "2", "--configfile", str(STUDY))
    done = snakemake(checkout, *arguments, GANBENCH_CACHE=str(folder / "cache"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (folder / "cache").exists(), "the machine's copy needs no cache"
    return checkout / "results/fashion_mnist_short"


def test_distance_halves_from_the_first_to_the_last_snapshot(results):
    scores = pd.read_csv(results / "scores.csv")
    scores = scores[(scores.metric == "FD-classifier") & (scores.reference == "held_out")]
    by_step = scores.pivot(index=["variant", "seed"], columns="step", values="value")
    assert by_step.shape == (2, 6)
    assert (by_step[600] < by_step[100] / 2).all(), by_step


def test_every_metric_has_a_sensible_value(results):
    scores = pd.read_csv(results / "scores.csv")
    last = scores[scores.step == 600].groupby("metric")["value"]
    names = {
        kind: [m.name for m in METRICS.values() if m.of == kind] for kind in ("images", "training")
    }
    images = [qualify(name, "classifier") for name in names["images"] if name not in STACKED]
    assert set(last.groups) == {*images, *names["training"]}
    assert last.min().notna().all()
    for name in ("precision", "recall", "coverage"):
        assert last.get_group(f"{name}-classifier").between(0.02, 1).all()
    assert last.get_group("IS-classifier").between(2, 10).all()


def test_classifier_tells_the_classes_apart(results):
    (card,) = results.glob("extractors/*/*/card.json")
    card = json.loads(card.read_text())
    assert card["accuracy_split"] == "held_out"
    assert card["accuracy"] > 0.85


def test_card_says_which_images_these_are(results):
    card = json.loads((results / "datasets/fashion_mnist/card.json").read_text())
    assert card["sizes"] == {"train": 50_000, "held_out": 10_000, "extractor": 10_000}
    assert sum(card["class_counts"]["held_out"]) == 10_000
    assert set(card["class_counts"]["held_out"]) == {1000}
    assert str(DEBIAN) in card["source"]

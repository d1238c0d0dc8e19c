"""From files to scores: real images are measured once, then every snapshot of a run."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from ganbench import randomness
from ganbench.catalogue import metrics
from ganbench.datasets.prepare import DatasetFiles, prepare
from ganbench.densities import point_metrics
from ganbench.duality_gap import AdversaryBudget
from ganbench.evaluation import feature_metrics, score, score_density
from ganbench.evaluation.extractor import Features, extract, load_extractor
from ganbench.evaluation.feature_sets import summarise_features
from ganbench.evaluation.real_images import load_real, measure_real
from ganbench.evaluation.reference import ReferenceFiles, make_floor, make_reference
from ganbench.evaluation.score import score_run
from ganbench.evaluation.score_density import score_density_run
from ganbench.evaluation.snapshots import generate_images
from ganbench.networks.build import build_discriminator, build_generator
from ganbench.samples import SAMPLES_PER_ROW, sample_latents, to_float, to_uint8
from ganbench.study import resolve as study
from project import ROOT, tiny_study

WITH_REFERENCE = [
    metrics.qualify(name, "classifier").removesuffix("-classifier")
    for name, metric in metrics.METRICS.items()
    if metric.has_reference and name not in feature_metrics.AGAINST_TRAINING_ONLY
]

SHORT_BUDGET = AdversaryBudget(steps=20, batch_size=64, samples=2000)


@pytest.fixture(scope="module")
def data_file(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    prepare(
        name="digits",
        dataset=study.resolve(tiny_study(), "tiny")["datasets"]["digits"],
        needs_classes=True,
        outputs=DatasetFiles(*(folder / name for name in ("data.npz", "data.json", "digits.png"))),
        log=sys.stderr,
    )
    return folder / "data.npz"


@pytest.fixture(scope="module")
def reference(tmp_path_factory, data_file) -> ReferenceFiles:
    folder = tmp_path_factory.mktemp("reference")
    files = ReferenceFiles(*(folder / name for name in ("n.pt", "f.npz", "card.json", "floor.csv")))
    make_reference(
        dataset="digits",
        extractor="classifier",
        samples=400,
        data_file=data_file,
        device="cpu",
        outputs=files,
    )
    return files


@pytest.fixture(scope="module")
def real_features(reference) -> dict[str, Features]:
    with np.load(reference.features) as arrays:
        return {
            split: Features(
                torch.from_numpy(arrays[split]), torch.from_numpy(arrays[f"{split}_logits"])
            )
            for split in ("train", "held_out")
        }


def load_images(data_file: Path, split: str) -> torch.Tensor:
    with np.load(data_file) as data:
        return torch.from_numpy(data[split])


def save_random_run(file: Path, shape: tuple[int, ...], network: str) -> None:
    """Writes a run with two snapshots of random weights."""
    parameters = study.resolve(tiny_study(), "tiny")["runs"]["digits"]["minimax"]
    parameters = parameters | {"network": parameters["network"] | {"name": network}}
    torch.manual_seed(0)
    run = {
        "steps": [20, 40],
        "shape": list(shape),
        "parameters": parameters,
        "generators": [build_generator(parameters, shape).state_dict() for _ in range(2)],
        "discriminators": [build_discriminator(parameters, shape).state_dict() for _ in range(2)],
    }
    torch.save(run, file)


@pytest.fixture(scope="module")
def options(tmp_path_factory, reference, data_file) -> dict[str, Any]:
    """What `score_run` needs to score a run on images, except for its outputs."""
    snapshots_file = tmp_path_factory.mktemp("run") / "snapshots.pt"
    save_random_run(snapshots_file, (1, 8, 8), "dcgan")
    return {
        "dataset": "digits",
        "variant": "a",
        "seed": 1,
        "extractor": "classifier",
        "samples": 100,
        "gap": False,
        "snapshots_file": snapshots_file,
        "network_file": reference.network,
        "features_file": reference.features,
        "data_file": data_file,
    }


@pytest.fixture
def compute_scores(tmp_path, options) -> Callable[..., pd.DataFrame]:
    """Scores the run with some of its options changed."""

    def compute(**changes) -> pd.DataFrame:
        scores_file, nearest_file = tmp_path / "scores.csv", tmp_path / "nearest.png"
        files = {"nearest_file": nearest_file, "nearest_table": tmp_path / "nearest.csv"}
        score_run(scores_file=scores_file, **files, **options | changes)
        return pd.read_csv(scores_file)

    return compute


def test_every_snapshot_is_scored_by_the_moments_that_the_study_names(compute_scores):
    kinds = {kind: compute_scores(batch_norm=kind) for kind in ("running", "standing", "batch")}
    assert kinds["running"].equals(compute_scores())
    distances = pd.DataFrame(
        {kind: scores[scores.metric == "FD-classifier"].value for kind, scores in kinds.items()}
    )
    assert len(distances) == 4
    assert (distances.nunique(axis=1) == 3).all()
    # over 100 batches or over the one, the moments are of the same weights
    near = (distances["standing"] - distances["batch"]).abs()
    assert (near < (distances["standing"] - distances["running"]).abs()).all()


def test_classifier_learns_its_classes(reference):
    card = json.loads(reference.card.read_text(encoding="utf-8"))
    assert card["accuracy"] > 0.9
    assert 0.1 < card["largest_class"] < 0.13
    assert card["accuracy_split"] == "held_out"
    assert card["reference_images"] == {"train": 599, "held_out": 599}


def test_features_do_not_depend_on_the_batch_size(reference, data_file, real_features):
    network, images = load_extractor(reference.network), load_images(data_file, "held_out")
    features = extract(network, images).features
    in_small_batches = extract(network, images, batch_size=7).features
    torch.testing.assert_close(features, in_small_batches, rtol=1e-5, atol=1e-5)
    assert torch.equal(features, real_features["held_out"].features)


@pytest.mark.parametrize(("threads", "batch_size"), [(2, 100), (1, 33), (2, 7)])
def test_scores_do_not_depend_on_batches_or_threads(reference, data_file, threads, batch_size):
    network, real = load_extractor(reference.network), load_real(reference.features)
    images = 255 - load_images(data_file, "extractor")

    def compute(threads, batch_size):
        torch.set_num_threads(threads)
        features = extract(network, images, batch_size)
        scores = list(feature_metrics.score_features(features, real, "classifier"))
        return [value for _, _, value in scores]

    expected = compute(1, 100)
    scores = compute(threads, batch_size)
    torch.set_num_threads(1)
    assert scores == pytest.approx(expected, rel=1e-6)


def test_saved_summaries_are_those_of_the_saved_features(reference, real_features):
    saved, computed = load_real(reference.features), measure_real(real_features, "classifier")
    assert (saved.scale, saved.held_out_distance) == (computed.scale, computed.held_out_distance)
    assert torch.equal(saved.train, computed.train)
    for split, images in computed.references.items():
        for field, value in vars(images).items():
            saved_value = getattr(saved.references[split], field)
            torch.testing.assert_close(saved_value, value, rtol=1e-12, atol=0)


def test_references_are_equally_many_first_images_of_each_split(real_features):
    fewer = real_features | {"held_out": real_features["held_out"].first(200)}
    real = measure_real(fewer, "classifier")
    for split, images in real_features.items():
        assert torch.equal(real.references[split].features, images.features[:200])
    assert len(real.train) == 599


def test_floor_compares_each_split_with_the_same_number_of_the_other(reference):
    floor = pd.read_csv(reference.floor)
    assert set(floor.n) == {400}
    real = load_real(reference.features)
    values = floor.set_index(["reference", "metric"]).value
    for split, other in (("train", "held_out"), ("held_out", "train")):
        images = summarise_features(real.references[other].features[:400], real.scale)
        expected = feature_metrics.frechet_distance(images, real.references[split])
        assert values[split, "FD-classifier"] == pytest.approx(expected)
    assert values["none", "IS-classifier"] > 5
    assert values["train", "memorisation-classifier"] == pytest.approx(1, abs=0.05)
    assert ("held_out", "memorisation-classifier") not in values
    assert 0.005 < values["train", "copies-classifier"] < 0.02


def test_more_samples_than_real_images_are_refused(reference, real_features):
    with pytest.raises(ValueError, match=r"evaluation\.samples: found 600, .*599"):
        make_floor("digits", "classifier", 600, real_features, load_real(reference.features))


@pytest.mark.parametrize("images", [599, 0], ids=["one class", "no images"])
def test_classifier_without_classes_is_refused(tmp_path, data_file, reference, images):
    with np.load(data_file) as data:
        arrays = dict(data)
    arrays["extractor"] = arrays["extractor"][:images]
    arrays["extractor_labels"] = arrays["extractor_labels"][:images] * 0
    np.savez(tmp_path / "data.npz", **arrays)
    with pytest.raises(ValueError, match=r"evaluation\.extractor: .*inception-v3-compat"):
        make_reference(
            dataset="digits",
            extractor="classifier",
            samples=400,
            data_file=tmp_path / "data.npz",
            device="cpu",
            outputs=reference,
        )


def test_every_snapshot_gets_every_metric_against_both_splits(compute_scores):
    scores = compute_scores()
    expected = {(f"{m}-classifier", r) for m, r in product(WITH_REFERENCE, ("train", "held_out"))}
    expected |= {("IS-classifier", "none"), ("memorisation-classifier", "train")}
    expected |= {("copies-classifier", "train")}
    assert set(scores.step) == {20, 40}
    for step, rows in scores.groupby("step"):
        assert set(zip(rows.metric, rows.reference, strict=True)) == expected
        assert set(rows.images) == {step * 16}
    assert set(scores.repeat) == {0}


def test_variants_with_the_same_weights_get_the_same_scores(compute_scores):
    first, second = compute_scores(variant="a"), compute_scores(variant="b")
    assert first.value.tolist() == second.value.tolist()


def test_scores_are_those_of_the_images_that_snapshots_generate(compute_scores, options):
    scores = compute_scores().set_index(["step", "reference", "metric"]).value
    run = torch.load(options["snapshots_file"], weights_only=True)
    generator = build_generator(run["parameters"], (1, 8, 8)).eval()
    generator.load_state_dict(run["generators"][1])
    noise = randomness.generator("digits", 1, "evaluation noise")
    latents = sample_latents(run["parameters"]["latent"], 100, noise)
    network = load_extractor(options["network_file"])
    features = extract(network, generate_images(generator, latents, (1, 8, 8)))
    real = load_real(options["features_file"])
    for reference, metric, value in feature_metrics.score_features(features, real, "classifier"):
        assert scores[40, reference, metric] == pytest.approx(value, rel=1e-9)


def test_repeats_score_the_last_snapshot_from_other_latents(compute_scores):
    once, thrice = compute_scores(), compute_scores(repeats=3)
    assert thrice[thrice.repeat == 0].value.tolist() == once.value.tolist()
    repeated = thrice[thrice.repeat > 0]
    assert set(repeated.step) == {40}
    assert set(repeated.repeat) == {1, 2}
    values = thrice[thrice.step == 40].groupby(["reference", "metric"]).value
    assert (values.count() == 3).all()
    assert values.nunique()["none", "IS-classifier"] == 3
    assert values.nunique()["train", "FD-classifier"] == 3


def test_duality_gap_of_every_snapshot_is_added_on_request(compute_scores, monkeypatch):
    monkeypatch.setattr(score, "IMAGE_BUDGET", SHORT_BUDGET)
    gaps = compute_scores(gap=True).query("metric == 'duality_gap'")
    assert gaps.step.tolist() == [20, 40]
    assert (gaps.value > 0).all()


def test_run_without_a_snapshot_gets_a_table_without_rows(tmp_path, compute_scores, options):
    run = torch.load(options["snapshots_file"], weights_only=True)
    torch.save(run | {"steps": [], "generators": [], "discriminators": []}, tmp_path / "s.pt")
    scores = compute_scores(snapshots_file=tmp_path / "s.pt", repeats=2)
    assert scores.empty
    assert "repeat" in scores.columns


def test_copies_are_counted_and_named(tmp_path, data_file, options, compute_scores, monkeypatch):
    """Every third image is a training image, the others are noise: `memorisation` sees no copy."""
    train = load_images(data_file, "train")
    noise = torch.Generator().manual_seed(0)

    def copy_some(generator, latents, shape):
        images = torch.randint(0, 256, (len(latents), *shape), generator=noise, dtype=torch.uint8)
        images[::3] = train[500 : 500 + len(images[::3])]
        return images

    monkeypatch.setattr(score, "generate_images", copy_some)
    scores = compute_scores().query("step == 40 and reference == 'train'")
    values = scores.set_index("metric").value
    assert values["memorisation-classifier"] > 0.5
    assert values["copies-classifier"] == pytest.approx(0.34)
    table = pd.read_csv(tmp_path / "nearest.csv")
    copies = table[table.samples == "scored"]
    assert copies["sample"].tolist() == list(range(0, 100, 3))
    assert copies.train_image.tolist() == list(range(500, 534))
    assert (copies.distance <= copies.copy_distance).all()
    shown = table[table.samples == "samples.png"]
    assert shown["sample"].tolist() == list(range(SAMPLES_PER_ROW["images"]))


def test_hash_seed_changes_no_score(tmp_path, compute_scores, options):
    """The hash seed of a process determines the order of its sets."""
    program = (
        "import json, pathlib, sys\n"
        "from ganbench.evaluation.score import score_run\n"
        "options = json.loads(sys.argv[1])\n"
        "kinds = ('_file', '_table')\n"
        "files = {k: pathlib.Path(v) for k, v in options.items() if k.endswith(kinds)}\n"
        "score_run(**options | files)\n"
    )
    names = {"scores_file": "scores.csv", "nearest_file": "n.png", "nearest_table": "n.csv"}
    outputs = {key: tmp_path / "other" / name for key, name in names.items()}
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    subprocess.run(
        [sys.executable, "-c", program, json.dumps(options | outputs, default=str)],
        check=True,
        cwd=ROOT / "workflow/scripts",
        env={**os.environ, "PYTHONHASHSEED": seed},
    )
    scores = pd.read_csv(outputs["scores_file"]).value.tolist()
    assert scores == pytest.approx(compute_scores().value.tolist(), rel=1e-6)


def test_repeats_on_points_score_the_last_snapshot_from_other_samples(tmp_path, monkeypatch):
    monkeypatch.setattr(point_metrics, "POINT_COUNTS", {1: 2000, 2: 2000})
    monkeypatch.setattr(score_density, "POINT_BUDGET", SHORT_BUDGET)
    save_random_run(tmp_path / "snapshots.pt", (1,), "mlp")

    def compute(repeats):
        score_density_run(
            dataset="points",
            kind="mixture_1d",
            variant="a",
            seed=1,
            snapshots_file=tmp_path / "snapshots.pt",
            scores_file=tmp_path / "scores.csv",
            maps_file=tmp_path / "maps.npz",
            repeats=repeats,
        )
        return pd.read_csv(tmp_path / "scores.csv"), (tmp_path / "maps.npz").read_bytes()

    (once, maps), (twice, maps_of_two) = compute(repeats=1), compute(repeats=2)
    assert twice[twice.repeat == 0].value.tolist() == once.value.tolist()
    assert set(twice[twice.repeat == 1].step) == {40}
    last = twice[(twice.step == 40) & (twice.metric == "JSD")]
    assert last.value.nunique() == 2
    assert maps == maps_of_two


def test_pixels_survive_conversion_to_floats_and_back():
    pixels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(to_float(pixels)), pixels)
    assert to_uint8(torch.tensor([-9.0, 9.0])).tolist() == [0, 255]

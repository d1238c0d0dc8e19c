"""From files to scores: the extractor and real images once, then every snapshot of a run."""

import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from ganbench import randomness
from ganbench.datasets.prepare import DatasetFiles, prepare
from ganbench.evaluation import feature_metrics as fm
from ganbench.evaluation.extractor import Features, extract, load_extractor
from ganbench.evaluation.feature_sets import describe
from ganbench.evaluation.reference import (
    ReferenceFiles,
    load_real,
    make_floor,
    make_reference,
    measure_real,
)
from ganbench.evaluation.score import score_run
from ganbench.evaluation.score_density import score_density_run
from ganbench.evaluation.snapshots import generate_images
from ganbench.networks.build import build_discriminator, build_generator
from ganbench.samples import sample_latents, to_float, to_uint8
from ganbench.study import resolve as study
from project import ROOT, tiny_study

WITH_REFERENCE = ["FD", "KID", "precision", "recall", "density", "coverage"]


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> tuple[Path, ReferenceFiles]:
    folder = tmp_path_factory.mktemp("reference")
    prepare(
        name="digits",
        dataset=study.resolve(tiny_study(), "tiny")["datasets"]["digits"],
        needs_classes=True,
        outputs=DatasetFiles(*(folder / name for name in ("data.npz", "data.json", "digits.png"))),
        log=sys.stderr,
    )
    made = ReferenceFiles(*(folder / name for name in ("n.pt", "f.npz", "card.json", "floor.csv")))
    make_reference(
        dataset="digits",
        extractor="classifier",
        samples=400,
        data_file=folder / "data.npz",
        device="cpu",
        outputs=made,
    )
    return folder, made


def images_of(folder: Path, split: str) -> torch.Tensor:
    with np.load(folder / "data.npz") as data:
        return torch.from_numpy(data[split])


def kept_features(made: ReferenceFiles) -> dict[str, Features]:
    with np.load(made.features) as kept:
        return {
            split: Features(
                torch.from_numpy(kept[split]), torch.from_numpy(kept[f"{split}_logits"])
            )
            for split in ("train", "held_out")
        }


@pytest.fixture(scope="module")
def run(tmp_path_factory, reference) -> dict:
    """Two snapshots with random weights, and what `score_run` is told about them."""
    parameters = study.resolve(tiny_study(), "tiny")["runs"]["digits"]["minimax"]
    torch.manual_seed(0)
    found = {
        "steps": [20, 40],
        "shape": [1, 8, 8],
        "parameters": parameters,
        "generators": [build_generator(parameters, (1, 8, 8)).state_dict() for _ in range(2)],
        "discriminators": [
            build_discriminator(parameters, (1, 8, 8)).state_dict() for _ in range(2)
        ],
    }
    file = tmp_path_factory.mktemp("run") / "snapshots.pt"
    torch.save(found, file)
    folder, made = reference
    return {
        "dataset": "digits",
        "seed": 1,
        "extractor": "classifier",
        "samples": 100,
        "snapshots_file": file,
        "network_file": made.network,
        "features_file": made.features,
        "data_file": folder / "data.npz",
    }


def scores(run: dict, file: Path, **changes) -> pd.DataFrame:
    given = {"variant": "a", "gap": False, "scores_file": file, **run, **changes}
    score_run(nearest_file=file.with_suffix(".png"), **given)
    return pd.read_csv(file)


def test_classifier_learns_its_classes(reference):
    _, made = reference
    card = pd.read_json(made.card, typ="series")
    assert card.accuracy > 0.9
    assert card.accuracy_split == "held_out"
    assert card.reference_images == {"train": 599, "held_out": 599}


def test_features_do_not_depend_on_the_batch_size(reference):
    folder, made = reference
    network, images = load_extractor(made.network), images_of(folder, "held_out")
    whole, parts = extract(network, images), extract(network, images, batch_size=7)
    torch.testing.assert_close(whole.features, parts.features, rtol=1e-5, atol=1e-5)
    assert torch.equal(whole.features, kept_features(made)["held_out"].features)


@pytest.mark.parametrize(("threads", "batch_size"), [(2, 100), (1, 33), (2, 7)])
def test_scores_do_not_depend_on_the_batch_size_or_the_number_of_threads(
    reference, threads, batch_size
):
    folder, made = reference
    network, real = load_extractor(made.network), load_real(made.features)
    images = 255 - images_of(folder, "extractor")
    found = []
    for count, size in ((1, 100), (threads, batch_size)):
        torch.set_num_threads(count)
        found.append(list(fm.score(extract(network, images, size), real, "classifier")))
    torch.set_num_threads(1)
    values = [[value for *_, value in each] for each in found]
    assert values[1] == pytest.approx(values[0], rel=1e-6)


def test_what_is_kept_of_real_images_is_what_they_would_give_again(reference):
    _, made = reference
    kept, again = load_real(made.features), measure_real(kept_features(made))
    assert (kept.scale, kept.held_out_distance) == (again.scale, again.held_out_distance)
    assert torch.equal(kept.train, again.train)
    for name, images in again.sets.items():
        for part, value in vars(images).items():
            torch.testing.assert_close(getattr(kept.sets[name], part), value, rtol=1e-12, atol=0)


def test_references_are_the_first_images_of_each_split_in_equal_number(reference):
    _, made = reference
    found = kept_features(made)
    fewer = {"train": found["train"], "held_out": found["held_out"].first(200)}
    real = measure_real(fewer)
    for split in fewer:
        assert torch.equal(real.sets[split].features, found[split].features[:200])
    assert len(real.train) == 599


def test_floor_holds_real_images_of_the_same_count_against_both_splits(reference):
    _, made = reference
    floor = pd.read_csv(made.floor)
    assert set(floor.n) == {400}
    real = load_real(made.features)
    by = floor.set_index(["reference", "metric"]).value
    for split, other in (("train", "held_out"), ("held_out", "train")):
        images = describe(real.sets[other].features[:400], real.scale)
        expected = fm.frechet_distance(images, real.sets[split])
        assert by[split, "FD-classifier"] == pytest.approx(expected)
    assert by["none", "IS-classifier"] > 5
    assert by["train", "memorisation-classifier"] == pytest.approx(1, abs=0.05)
    assert ("held_out", "memorisation-classifier") not in by


def test_more_samples_than_real_images_are_refused(reference):
    _, made = reference
    found, real = kept_features(made), load_real(made.features)
    with pytest.raises(ValueError, match=r"evaluation\.samples: found 600, .*599"):
        make_floor("digits", "classifier", 600, found, real)


def test_classifier_without_classes_is_refused(tmp_path, reference):
    folder, made = reference
    with np.load(folder / "data.npz") as data:
        arrays = {name: data[name] for name in data.files}
    for labels, images in ((arrays["extractor_labels"] * 0, 599), (np.zeros(0, int), 0)):
        np.savez(
            tmp_path / "data.npz",
            **arrays | {"extractor_labels": labels} | {"extractor": arrays["extractor"][:images]},
        )
        with pytest.raises(ValueError, match=r"evaluation\.extractor: .*inception-v3-compat"):
            make_reference(
                dataset="digits",
                extractor="classifier",
                samples=400,
                data_file=tmp_path / "data.npz",
                device="cpu",
                outputs=made,
            )


def test_every_snapshot_gets_every_metric_against_both_splits(tmp_path, run):
    found = scores(run, tmp_path / "a.csv")
    expected = {(f"{m}-classifier", r) for m, r in product(WITH_REFERENCE, ("train", "held_out"))}
    expected |= {("IS-classifier", "none"), ("memorisation-classifier", "train")}
    for step, of_step in found.groupby("step"):
        assert set(zip(of_step.metric, of_step.reference, strict=True)) == expected
        assert set(of_step.images) == {step * 16}
    assert set(found.repeat) == {0}
    # the same weights and the same latents for another variant: the same scores
    assert scores(run, tmp_path / "b.csv", variant="b").value.tolist() == found.value.tolist()


def test_scores_are_those_of_the_images_that_the_snapshots_make(tmp_path, run):
    found = scores(run, tmp_path / "a.csv").set_index(["step", "reference", "metric"]).value
    kept = torch.load(run["snapshots_file"], weights_only=True)
    generator = build_generator(kept["parameters"], (1, 8, 8)).eval()
    generator.load_state_dict(kept["generators"][1])
    noise = randomness.generator("digits", 1, "evaluation noise")
    latents = sample_latents(kept["parameters"]["latent"], 100, noise)
    images = extract(load_extractor(run["network_file"]), generate_images(generator, latents))
    real = load_real(run["features_file"])
    for reference, metric, value in fm.score(images, real, "classifier"):
        assert found[40, reference, metric] == pytest.approx(value, rel=1e-9)


def test_repeats_score_the_last_snapshot_from_other_latents(tmp_path, run):
    once = scores(run, tmp_path / "once.csv")
    found = scores(run, tmp_path / "thrice.csv", repeats=3)
    assert found[found.repeat == 0].value.tolist() == once.value.tolist()
    more = found[found.repeat > 0]
    assert set(more.step) == {40}
    assert set(more.repeat) == {1, 2}
    per_metric = found[found.step == 40].groupby(["reference", "metric"]).value
    assert (per_metric.count() == 3).all()
    assert per_metric.nunique()["none", "IS-classifier"] == 3
    assert per_metric.nunique()["train", "FD-classifier"] == 3


def test_duality_gap_is_added_where_it_is_asked_for(tmp_path, run):
    gaps = scores(run, tmp_path / "gap.csv", gap=True).query("metric == 'duality_gap'")
    assert gaps.step.tolist() == [20, 40]
    assert (gaps.value > 0).all()


def test_run_without_a_snapshot_gets_a_table_without_rows(tmp_path, run):
    kept = torch.load(run["snapshots_file"], weights_only=True)
    torch.save(kept | {"steps": [], "generators": [], "discriminators": []}, tmp_path / "s.pt")
    found = scores(run, tmp_path / "a.csv", snapshots_file=tmp_path / "s.pt", repeats=2)
    assert found.empty
    assert "repeat" in found.columns


def test_hash_seed_changes_no_score(tmp_path, run):
    """Sets are walked in another order in every process that has another seed for its hashes."""
    program = (
        "import json, pathlib, sys; from ganbench.evaluation.score import score_run; "
        "given = json.loads(sys.argv[1]); "
        "score_run(**{k: pathlib.Path(v) if k.endswith('_file') else v for k, v in given.items()})"
    )
    expected = scores(run, tmp_path / "here.csv")
    for seed in ("1", "2"):
        file = tmp_path / f"{seed}.csv"
        given = {**run, "variant": "a", "gap": False, "scores_file": file}
        given["nearest_file"] = file.with_suffix(".png")
        subprocess.run(
            [sys.executable, "-c", program, json.dumps(given, default=str)],
            check=True,
            cwd=ROOT / "workflow/scripts",
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        assert pd.read_csv(file).value.tolist() == pytest.approx(expected.value.tolist(), rel=1e-6)


def test_repeats_on_points_score_the_last_snapshot_from_other_samples(tmp_path, monkeypatch):
    monkeypatch.setattr("ganbench.evaluation.score_density.SAMPLES", {1: 2000, 2: 2000})
    parameters = study.resolve(tiny_study(), "tiny")["runs"]["digits"]["minimax"]
    parameters = parameters | {"network": parameters["network"] | {"name": "mlp"}}
    torch.manual_seed(0)
    players = {
        "generators": [build_generator(parameters, (1,)).state_dict() for _ in range(2)],
        "discriminators": [build_discriminator(parameters, (1,)).state_dict() for _ in range(2)],
    }
    kept = {"steps": [20, 40], "shape": [1], "parameters": parameters, **players}
    torch.save(kept, tmp_path / "s.pt")
    tables = []
    for repeats in (1, 2):
        score_density_run(
            dataset="points",
            kind="mixture_1d",
            variant="a",
            seed=1,
            snapshots_file=tmp_path / "s.pt",
            scores_file=tmp_path / "scores.csv",
            maps_file=tmp_path / f"maps{repeats}.npz",
            repeats=repeats,
        )
        tables.append(pd.read_csv(tmp_path / "scores.csv"))
    once, twice = tables
    assert twice[twice.repeat == 0].value.tolist() == once.value.tolist()
    assert set(twice[twice.repeat == 1].step) == {40}
    last = twice[(twice.step == 40) & (twice.metric == "JSD")]
    assert last.value.nunique() == 2
    assert (tmp_path / "maps1.npz").read_bytes() == (tmp_path / "maps2.npz").read_bytes()


def test_pixels_survive_the_way_to_floats_and_back():
    pixels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(to_float(pixels)), pixels)
    assert to_uint8(torch.tensor([-9.0, 9.0])).tolist() == [0, 255]

"""Plausible result files of a made-up study, for tests of the report alone."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from ganbench import files, objectives, study
from ganbench.budget import images_per_step, snapshot_steps
from ganbench.metrics import qualified
from ganbench.training.measure import COLUMNS
from PIL import Image

_NETWORKS = {"mixture_1d": {"network": {"name": "mlp"}}}
IMAGE_METRICS = {"FD": 30.0, "KID": 0.01, "precision": 0.7, "recall": 0.8}


def make_study(variants=("minimax", "non_saturating"), datasets=("digits",), seeds=5, **changes):
    """A resolved study; a variant that is no objective's name trains the non-saturating one."""
    known = {*objectives.catalogue(), *changes.get("objectives", {})}
    given = {
        "study": "example",
        "seeds": seeds,
        "datasets": {name: {"training": _NETWORKS.get(name, {})} for name in datasets},
        "variants": {
            name: {} if name in known else {"objective": "non_saturating"} for name in variants
        },
        "training": {"steps": 100, "snapshots": 4, "history_interval": 10},
        "evaluation": {"samples": 100},
        **changes,
    }
    return study.resolve(given, "example.yaml")


def make_results(folder: Path, resolved: dict, diverged=()) -> dict[str, list[Path]]:
    """Writes every file that the rule `report` reads; `diverged` are (dataset, variant, seed)."""
    inputs = {name: [] for name in ("runs", "histories", "scores", "samples", "maps")}
    for dataset, variant, seed in study.runs(resolved):
        rng = np.random.default_rng([*f"{dataset} {variant} {seed}".encode()])
        at = folder / dataset / variant / f"seed{seed}"
        at.mkdir(parents=True)
        parameters = resolved["runs"][dataset][variant]
        failed = (dataset, variant, seed) in diverged
        steps = [] if failed else snapshot_steps(parameters)
        inputs["runs"].append(_run(at, dataset, variant, seed, parameters, failed))
        inputs["histories"].append(_history(at, parameters, rng))
        points = resolved["datasets"][dataset]["type"] == "points"
        inputs["scores"].append(_scores(at, dataset, variant, seed, parameters, steps, points, rng))
        inputs["samples"].append(at / "samples.png")
        Image.fromarray(rng.integers(0, 255, (8 * max(1, len(steps)), 128), dtype=np.uint8)).save(
            at / "samples.png"
        )
        if points:
            inputs["maps"].append(_maps(at, steps, rng))
    return inputs | _shared(folder, resolved)


def _run(at, dataset, variant, seed, parameters, failed):
    run = {
        "dataset": dataset,
        "variant": variant,
        "seed": seed,
        "status": "diverged" if failed else "completed",
        "step": 12 if failed else parameters["steps"],
        "reason": "non-finite generator loss" if failed else None,
        "seconds": 12.5,
        "images_per_second": 512.0,
        "device": "cpu",
        "versions": {"python": "3.11", "torch": "2.15.0"},
        "machine": {"system": "Linux", "cores": 2},
        "parameters": parameters,
        "parameters_sha256": "0" * 64,
        "generator_sha256": "a" * 64,
        "parameter_counts": {"generator": 10, "discriminator": 11},
    }
    files.write_json(at / "run.json", run)
    return at / "run.json"


def _history(at, parameters, rng):
    interval = parameters["history_interval"]
    steps = np.arange(interval, parameters["steps"] + 1, interval)
    table = pd.DataFrame({column: rng.uniform(0.1, 0.9, len(steps)) for column in COLUMNS})
    table["step"] = steps
    table["images"] = steps * images_per_step(parameters)
    table["value"] = -1.386 + 0.1 * table["value"]
    table.to_csv(at / "history.csv", index=False)
    return at / "history.csv"


def _scores(at, dataset, variant, seed, parameters, steps, points, rng):
    rows = []
    for step in steps:
        key = (dataset, variant, seed, step, step * images_per_step(parameters))
        if points:
            rows += [(*key, "none", name, rng.uniform(0, 0.1)) for name in ("JSD", "value")]
            continue
        for reference in ("train", "held_out"):
            for name, size in IMAGE_METRICS.items():
                value = size * rng.uniform(0.9, 1.1) * (1 + 5 / step)
                rows.append((*key, reference, qualified(name, "classifier"), value))
        rows.append((*key, "none", "IS-classifier", rng.uniform(7, 8)))
    columns = ["dataset", "variant", "seed", "step", "images", "reference", "metric", "value"]
    pd.DataFrame(rows, columns=columns).to_csv(at / "scores.csv", index=False)
    return at / "scores.csv"


def _maps(at, steps, rng):
    cells, shape = 20, (len(steps), 20)
    files.write_arrays(
        at / "maps.npz",
        steps=np.array(steps),
        centers=np.linspace(-4, 4, cells)[:, None],
        data=np.full(cells, 0.125),
        generated=rng.uniform(0, 0.2, shape),
        discriminator=rng.uniform(0, 1, shape),
        optimal=rng.uniform(0, 1, shape),
    )
    return at / "maps.npz"


def _shared(folder, resolved):
    shared = {name: [] for name in ("theory", "cards", "extractor_cards", "floors")}
    for name in resolved["objectives"]:
        weight = {"d_fake": [0.1, 0.5, 0.9], "weight": [-0.1, -0.5, -0.9], "given": ""}
        step = {
            "title": "A step",
            "text": "Text.",
            "mathml": "<math><mi>a</mi></math>",
            "check": "",
        }
        theory = {"objective": name, "why_not": "", "steps": [step], "gradient_weight": weight}
        shared["theory"].append(_json(folder / f"theory-{name}.json", theory))
    for name, dataset in resolved["datasets"].items():
        card = {
            "name": name,
            "title": name,
            "source": "made up",
            "sha256": "b" * 64,
            "licence": "none",
            "citation": "",
            "sizes": {"train": 100},
            "split_seed": 0,
        }
        points = dataset["type"] == "points"
        shape = {"dimensions": 1} if points else {"channels": 1, "resolution": 8}
        shape |= {} if points else {"pixel_mean": 1.0, "pixel_std": 1.0}
        shared["cards"].append(_json(folder / f"card-{name}.json", card | shape))
        rows = [(name, "none", "JSD", 100, 0.001)] if points else _floor(name)
        floor = pd.DataFrame(rows, columns=["dataset", "reference", "metric", "n", "value"])
        floor.to_csv(folder / f"floor-{name}.csv", index=False)
        shared["floors"].append(folder / f"floor-{name}.csv")
        if not points:
            extractor = {
                "name": "classifier",
                "dataset": name,
                "trained_on": "extractor split, 100 images",
                "accuracy": 0.97,
                "accuracy_split": "held_out",
                "feature_size": 64,
                "sha256": "c" * 64,
            }
            shared["extractor_cards"].append(_json(folder / f"extractor-{name}.json", extractor))
    return shared


def _floor(name):
    rows = [
        (name, reference, qualified(metric, "classifier"), 100, size / 2)
        for reference in ("train", "held_out")
        for metric, size in IMAGE_METRICS.items()
    ]
    return [*rows, (name, "none", "IS-classifier", 100, 8.5)]


def _json(file: Path, value) -> Path:
    file.write_text(json.dumps(value))
    return file

"""Plausible result files of a made-up study, for tests that need a report and no training."""

import json
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
from ganbench.catalogue import datasets, objectives
from ganbench.catalogue.metrics import qualify
from ganbench.catalogue.variants import VARIANTS
from ganbench.jobs import files
from ganbench.report.figures import drawing
from ganbench.report.report import write_report
from ganbench.study import resolve as study
from ganbench.study.budget import images_per_step, snapshot_steps
from PIL import Image
from scipy.ndimage import gaussian_filter

_NETWORKS = {
    "mixture_1d": {"network": {"name": "mlp"}},
    "gaussian_ring": {"network": {"name": "mlp"}},
}
IMAGE_METRICS = {
    "FD": 30.0,
    "KID": 0.01,
    "precision": 0.7,
    "recall": 0.8,
    "density": 0.75,
    "coverage": 0.65,
}
"""Metrics against real images, with a typical score."""

ALL_METRICS = (*IMAGE_METRICS, "IS", "memorisation")
FEW_METRICS = ("FD", "recall")
"""Enough for most pages; every metric more is three figures more."""

HISTORY = (
    "d_loss",
    "g_loss",
    "value",
    "d_real",
    "d_fake",
    "d_grad_norm",
    "g_grad_norm",
    "g_d_fake",
    "g_weight",
    "g_update_size",
)

STOPPED = "JSD has not improved over 2 snapshots (best 0.1, now 0.2)"
"""The reason of a run that stopped early."""

CELLS = 16
"""Samples in a row of a picture."""

Run = tuple[str, str, int]

EVIL = "<script>alert('x')</script> & \"quotes\""
PAGES = {
    "whole": {
        "variants": ("minimax", "non_saturating", "wgan_gp"),
        "datasets": ("digits", "mixture_1d"),
        "seeds": 3,
        "title": EVIL,
        "description": EVIL,
    },
    "failed": {"variants": ("minimax", "non_saturating", "hinge"), "seeds": 3},
    "many": {"variants": tuple(f"variant_{number}" for number in range(20)), "seeds": 1},
    "one": {"variants": ("minimax",), "seeds": 1},
    "pair": {"seeds": 3, "margin": "30 %"},
    "ring": {"variants": ("minimax", "wgan_gp"), "datasets": ("gaussian_ring",), "seeds": 2},
}
"""Studies whose pages are opened in a browser."""
DIVERGED = {"failed": [("digits", "minimax", seed) for seed in range(3)]}
MISSING = {"failed": [("digits", "hinge", 1)]}


def make_study(variants=("minimax", "non_saturating"), datasets=("digits",), seeds=5, **changes):
    """A resolved study; a variant that is named after no objective is non-saturating."""
    objective_names = {*objectives.OBJECTIVES, *VARIANTS, *changes.get("objectives", {})}
    raw = {
        "study": "example",
        "seeds": seeds,
        "datasets": {name: {"training": _NETWORKS.get(name, {})} for name in datasets},
        "variants": {
            name: {} if name in objective_names else {"objective": "non_saturating"}
            for name in variants
        },
        "training": {"steps": 100, "snapshots": 4, "history_interval": 10},
        "evaluation": {"extractor": "classifier", "samples": 100},
        **changes,
    }
    return study.resolve(raw, "example.yaml")


def make_results(
    folder: Path,
    resolved: dict,
    diverged: Sequence[Run] = (),
    missing: Sequence[Run] = (),
    metrics: Sequence[str] = ALL_METRICS,
    stopped: Sequence[Run] = (),
) -> dict[str, list[Path]]:
    """Writes every file that the rule `report` reads.

    The runs `diverged` stop at step 12, before their first snapshot; `stopped` runs end early, at
    half of their steps, and are completed; `missing` runs left no files. Runs on images have scores
    by `metrics`.
    """
    names = ("runs", "histories", "scores", "samples", "nearest", "maps", "benchmarks")
    inputs: dict[str, list[Path]] = {name: [] for name in names}
    for dataset, variant, seed in study.list_runs(resolved):
        if (dataset, variant, seed) in missing:
            continue
        rng = np.random.default_rng([*f"{dataset} {variant} {seed}".encode()])
        at = folder / dataset / variant / f"seed{seed}"
        at.mkdir(parents=True)
        parameters = resolved["runs"][dataset][variant]
        failed = (dataset, variant, seed) in diverged
        end = parameters["steps"] // (2 if (dataset, variant, seed) in stopped else 1)
        steps = [] if failed else [step for step in snapshot_steps(parameters) if step <= end]
        place = resolved["variants"].keys()
        skill = 1 + 0.12 * list(place).index(variant)
        inputs["runs"].append(_run(at, dataset, variant, seed, parameters, failed, end))
        inputs["histories"].append(_history(at, parameters, failed, rng, end))
        points = resolved["datasets"][dataset]["type"] == "points"
        key = (dataset, variant, seed)
        inputs["scores"].append(_scores(at, key, parameters, steps, points, skill, rng, metrics))
        inputs["samples"].append(at / "samples.png")
        shape = resolved["datasets"][dataset]["shape"] or (1, 28, 28)
        _picture(shape, max(1, len(steps)), rng).save(at / "samples.png")
        if points:
            inputs["maps"].append(_maps(at, steps, 2 if dataset == "gaussian_ring" else 1, rng))
        else:
            inputs["nearest"].append(at / "nearest.png")
            _picture(shape, 1, rng).save(at / "nearest.png")
        inputs["benchmarks"].append(_benchmark(folder / f"train/{dataset}_{variant}_{seed}.tsv"))
    return inputs | _shared(folder, resolved)


def write_page(name: str, folder: Path) -> Path:
    """The folder of the report of one of `PAGES`, written below `folder`."""
    resolved = make_study(**PAGES[name])
    inputs = make_results(
        folder,
        resolved,
        diverged=DIVERGED.get(name, ()),
        missing=MISSING.get(name, ()),
        metrics=ALL_METRICS if name == "whole" else FEW_METRICS,
    )
    with without_pdf():
        write_report(resolved, inputs, folder / "report")
    (folder / "report/runs").symlink_to(folder)  # where a study has them
    return folder / "report"


def draw_curves(page) -> None:
    """Has a browser's page draw all curves now, as it does for print, and not in its idle time."""
    page.evaluate("drawAll()")


def without_pdf():
    """Leaves the PDF files of figures empty, which take a third of a report's time."""
    return mock.patch.object(drawing, "save_pdf", return_value=b"")


def _picture(shape: Sequence[int], rows: int, rng: np.random.Generator) -> Image.Image:
    """A picture of samples that takes as much room as one of clothes: shaded shapes on black."""
    channels, height, width = shape
    y, x = np.mgrid[-1 : 1 : (height + 1) * 1j, -1 : 1 : (width + 1) * 1j]
    size, tilt = rng.uniform(0.4, 0.9, (2, rows, CELLS, 1, 1))
    inside = (x / size) ** 4 + (y / tilt) ** 4 + 0.6 * x * y * (size - tilt) < 0.8
    noise = gaussian_filter(
        rng.normal(size=(rows, CELLS, height + 1, width + 1, channels)), (0, 0, 0.6, 0.6, 0)
    )
    shade = 150 + 60 * x[..., None] * size[..., None] + 130 * noise
    pixels = np.clip(inside[..., None] * shade, 0, 255).astype(np.uint8)
    pixels = pixels.transpose(0, 2, 1, 3, 4).reshape(
        rows * (height + 1), CELLS * (width + 1), channels
    )
    return Image.fromarray(pixels[..., 0] if channels == 1 else pixels)


def _run(at, dataset, variant, seed, parameters, failed, end):
    reason = STOPPED if end < parameters["steps"] else None
    run = {
        "dataset": dataset,
        "variant": variant,
        "seed": seed,
        "status": "diverged" if failed else "completed",
        "step": 12 if failed else end,
        "reason": "non-finite generator loss" if failed else reason,
        "seconds": 12.5,
        "images_per_second": 512.0,
        "device": "cpu",
        "versions": {"python": "3.11", "torch": "2.15.0"},
        "machine": {"system": "Linux", "cores": 2},
        "fingerprint": {"digest": "f" * 16, "threads": 1},
        "software": {"version": "0.1.0", "commit": "c0ffee" * 6 + "c0ff", "clean": True},
        "parameters": parameters,
        "parameters_sha256": "0" * 64,
        "generator_sha256": "a" * 64,
        "parameter_counts": {"generator": 10, "discriminator": 11},
        "flops": {"generator": 1.2e6, "discriminator": 0.8e6, "step": 4.1e8},
    }
    files.write_json(at / "run.json", run)
    return at / "run.json"


def _history(at, parameters, failed, rng, end):
    interval = parameters["history_interval"]
    steps = np.arange(interval, parameters["steps"] + 1, interval)
    past = steps / steps[-1]
    table = pd.DataFrame(
        {column: 0.5 + 0.04 * rng.normal(size=len(steps)).cumsum() for column in HISTORY}
    )
    table["step"] = table["generator_steps"] = steps
    table["discriminator_steps"] = steps * parameters["discriminator_steps"]
    table["images"] = steps * images_per_step(parameters)
    table["seconds"] = 12.5 * past * rng.uniform(0.9, 1.1)
    table["value"] = -1.386 + 0.1 * table["value"]
    for column in ("d_real", "d_fake", "g_d_fake", "g_weight"):
        table[column] = table[column].clip(0.02, 0.98)
    for column in ("d_grad_norm", "g_grad_norm"):
        table[column] = 3 * np.exp(-past + table[column])
    table["g_update_size"] = 1e-3 * table["g_grad_norm"]
    reached = table.iloc[:1] if failed else table[table["step"] <= end]
    reached.to_csv(at / "history.csv", index=False)
    return at / "history.csv"


def _scores(at, run, parameters, steps, points, skill, rng, metrics):
    rows = []
    for step in steps:
        key = (*run, step, step * images_per_step(parameters), 0)
        early = 1 + 2 * np.exp(-4 * step / parameters["steps"])
        if points:
            rows += [(*key, "none", name, rng.uniform(0.05, 0.1)) for name in ("JSD", "value")]
            continue
        for reference in ("train", "held_out"):
            for name in [metric for metric in metrics if metric in IMAGE_METRICS]:
                size = IMAGE_METRICS[name]
                worse = skill * early if name in ("FD", "KID") else 1 / (skill * early)
                value = size * worse * rng.uniform(0.92, 1.08)
                rows.append((*key, reference, qualify(name, "classifier"), value))
        if "IS" in metrics:
            rows.append((*key, "none", "IS-classifier", rng.uniform(7, 8)))
        if "memorisation" in metrics:
            rows.append((*key, "train", "memorisation-classifier", rng.uniform(0.9, 1.1)))
    columns = ["dataset", "variant", "seed", "step", "images", "repeat", "reference", "metric"]
    columns.append("value")
    pd.DataFrame(rows, columns=columns).to_csv(at / "scores.csv", index=False)
    return at / "scores.csv"


def _maps(at, steps, dimensions, rng):
    line = np.linspace(-3, 3, 64 if dimensions == 2 else 100)
    grid = np.meshgrid(*[line] * dimensions, indexing="ij")
    centers = np.stack([axis.ravel() for axis in grid], axis=1)
    data = np.exp(-((np.linalg.norm(centers, axis=1) - 2) ** 2) / 0.1)
    shape = (len(steps), len(centers))
    files.write_arrays(
        at / "maps.npz",
        steps=np.array(steps),
        centers=centers,
        data=data,
        generated=data * rng.uniform(0.5, 1, shape),
        discriminator=1 / (1 + np.exp(centers[:, 0] + np.zeros(shape))),
        optimal=rng.uniform(0.4, 0.6, shape),
    )
    return at / "maps.npz"


def _benchmark(file: Path) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text("s\th:m:s\tmax_rss\n12.5\t0:00:12\t750.0\n")
    return file


def _shared(folder, resolved):
    shared = {name: [] for name in ("theory", "cards", "examples", "extractor_cards", "floors")}
    for name in resolved["objectives"]:
        weight = {"d_fake": [0.1, 0.5, 0.9], "weight": [-0.1, -0.5, -0.9], "given": ""}
        step = {
            "title": "A step",
            "text": "Text.",
            "mathml": "<math><mi>a</mi></math>",
            "check": "",
        }
        descent = {
            "applies": True,
            "is_divergence": True,
            "name": "2·JSD(p_data ‖ p_g)",
            "sentence": "Lets go of samples far off the data.",
            "log_t": [-2.0, 0.0, 2.0],
            "h": [0.37, 0.0, 2.75],
        }
        theory = {"objective": name, "why_not": "", "steps": [step], "gradient_weight": weight}
        theory["descent"] = descent
        shared["theory"].append(_json(folder / f"theory-{name}.json", theory))
    for name, dataset in resolved["datasets"].items():
        points = dataset["type"] == "points"
        shared["cards"].append(_json(folder / f"card-{name}.json", _card(name, dataset)))
        shared["examples"].append(folder / f"examples-{name}.png")
        rng = np.random.default_rng(0)
        _picture(dataset["shape"] or (1, 28, 28), 2, rng).save(shared["examples"][-1])
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
                "weights": "trained by this study",
                "reference_images": {"train": 100, "held_out": 100},
                "parameters": {"epochs": 20, "batch_size": 128},
            }
            shared["extractor_cards"].append(_json(folder / f"extractor-{name}.json", extractor))
    (folder / "requirements.lock").write_text("torch==2.15.0\n")
    return shared | {"lock": [folder / "requirements.lock"]}


def _card(name, dataset):
    card = {
        "name": name,
        "kind": dataset["kind"],
        "title": datasets.KINDS[dataset["kind"]].title or name,
        "source": "made up",
        "sha256": "b" * 64,
        "licence": "none",
        "citation": "",
        "sizes": {"train": 100, "held_out": 50},
        "splits": {"train": "the first 100", "held_out": "the next 50"},
        "split_seed": 0,
        "decisions": [],
        "class_names": [],
        "class_counts": {"train": [100], "held_out": [50]},
    }
    if dataset["type"] == "points":
        return card | {"dimensions": 2 if name == "gaussian_ring" else 1}
    channels, resolution, _ = dataset["shape"]
    return card | {
        "channels": channels,
        "resolution": resolution,
        "pixel_mean": [72.94] * channels,
        "pixel_std": [90.02] * channels,
        "class_names": ["zero", "one"],
        "class_counts": {"train": [50, 50], "held_out": [24, 26]},
    }


def _floor(name):
    rows = [
        (
            name,
            reference,
            qualify(metric, "classifier"),
            100,
            size * (0.5 if size != 0.7 else 1.2),
        )
        for reference in ("train", "held_out")
        for metric, size in IMAGE_METRICS.items()
    ]
    return [*rows, (name, "none", "IS-classifier", 100, 8.5)]


def _json(file: Path, value) -> Path:
    file.write_text(json.dumps(value))
    return file

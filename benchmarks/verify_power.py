"""What `make verify` finds: honest repetitions on another processor, and dishonest ones.

    python benchmarks/verify_power.py [--seeds 12] [--jobs 2] [--runs FILE.csv]

Trains small real runs on digits twice: as published, and in processes where torch and oneDNN choose
the kernels of an older processor, which rounds sums in another order. There runs are also trained
with half of the steps, of the learning rate and of the batch, and twins. Studies of five seeds
are then drawn from the published runs, and a run of each kind is judged by
`ganbench.evidence.repetitions`, which `make verify` uses. Prints the share of accepted runs of each
kind. `--runs` keeps the scores of all runs, or reads them where the file exists.
"""

import argparse
import io
import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import measure
import numpy as np
import pandas as pd
import torch
from ganbench import randomness
from ganbench.datasets.prepare import DatasetFiles, prepare
from ganbench.evaluation.extractor import extract, load_extractor
from ganbench.evaluation.feature_metrics import score_features
from ganbench.evaluation.real_images import load_real
from ganbench.evaluation.reference import ReferenceFiles, make_reference
from ganbench.evaluation.snapshots import generate_images
from ganbench.jobs.arrays import map_array
from ganbench.randomness import Stream
from ganbench.samples import sample_latents
from ganbench.study.budget import snapshot_steps
from ganbench.study.resolve import resolve
from ganbench.training.measure import measure as measure_game
from ganbench.training.run import start_run
from verify_draws import PUBLISHED, TWINS, judge_studies

DATASET, VARIANTS = "digits", ("minimax", "non_saturating")
TRAINING = {
    "steps": 320,
    "batch_size": 32,
    "snapshots": 4,
    "history_interval": 10,
    "device": "cpu",
    "network": {"name": "dcgan", "width": 8},
    "latent": {"size": 16},
    "optimizer": {"lr": 1e-3},
}
OLDER_PROCESSOR = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}
"""Environment variables by which libraries choose the kernels of another processor."""

NICENESS = 10
"""So that other work on the machine goes first."""

HONEST, HALF_STEPS = "honest", "half of the steps"
RATE = TRAINING["optimizer"]["lr"]
KINDS = {
    HONEST: {},
    f"{HONEST}, {TWINS[0]}": {"optimizer": {"lr": RATE * (1 + 1e-6)}},
    f"{HONEST}, {TWINS[1]}": {"optimizer": {"lr": RATE * (1 - 1e-6)}},
    "half of the learning rate": {"optimizer": {"lr": RATE / 2}},
    "half of the batch": {"batch_size": TRAINING["batch_size"] // 2},
}
"""Kinds of repetitions, by the keys of `training` that they change."""


def main() -> None:
    """Trains the runs, judges drawn studies, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--runs", type=Path)
    options = parser.parse_args()
    if options.runs and options.runs.exists():
        runs = pd.read_csv(options.runs)
    else:
        runs = train_all(options)
        if options.runs:
            runs.to_csv(options.runs, index=False)
    measure.show("verify_power", judge_studies(runs, options.studies))


def resolve_runs(training: dict[str, Any]) -> dict[str, Any]:
    """The resolved study with these keys of `training` changed."""
    study = {
        "study": "verify_power",
        "datasets": {DATASET: {}},
        "variants": {name: {} for name in VARIANTS},
        "recipe": "equal",
        "training": TRAINING | training,
        "evaluation": {"extractor": "classifier", "samples": 500},
    }
    return resolve(study, "verify_power")


def train_all(options: argparse.Namespace) -> pd.DataFrame:
    """The scores of all runs, those of the older processor from processes of their own."""
    context, tables = multiprocessing.get_context("spawn"), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare_images(folder)
        for kinds, environment in (((PUBLISHED,), {}), (tuple(KINDS), OLDER_PROCESSOR)):
            jobs = [
                (kind, variant, seed)
                for seed in range(options.seeds)
                for variant in VARIANTS
                for kind in kinds
            ]
            os.environ |= environment
            with ProcessPoolExecutor(options.jobs, mp_context=context) as pool:
                tables += pool.map(partial(score_run, folder), *zip(*jobs, strict=True))
    for variable in OLDER_PROCESSOR:
        del os.environ[variable]
    return pd.concat(tables, ignore_index=True)


def prepare_images(folder: Path) -> None:
    """Writes the splits and the extractor into the folder."""
    study, log = resolve_runs({}), io.StringIO()
    prepare(
        name=DATASET,
        dataset=study["datasets"][DATASET],
        needs_classes=True,
        outputs=DatasetFiles(folder / "data.npz", folder / "card.json", folder / "examples.png"),
        log=log,
    )
    make_reference(
        dataset=DATASET,
        extractor="classifier",
        samples=500,
        data_file=folder / "data.npz",
        device="cpu",
        outputs=ReferenceFiles(
            folder / "network.pt", folder / "features.npz", folder / "net.json", folder / "floor"
        ),
        log=log,
    )


def score_run(folder: Path, kind: str, variant: str, seed: int) -> pd.DataFrame:
    """Trains one run and scores its snapshots; of an honest run, those at half of the steps too."""
    os.nice(max(0, NICENESS - os.nice(0)))
    randomness.use_deterministic_kernels(threads=1)
    torch.set_flush_denormal(True)
    parameters = resolve_runs(KINDS.get(kind, {}))["runs"][DATASET][variant]
    real = torch.from_numpy(np.array(map_array(folder / "data.npz", "train")))
    run = start_run(parameters, DATASET, seed, real)
    snapshots = snapshot_steps(parameters)
    halves = {step // 2: step for step in snapshots} if kind.startswith(HONEST) else {}
    rows = []
    network, references = load_extractor(folder / "network.pt"), load_real(folder / "features.npz")
    for _ in range(parameters["steps"]):
        losses = run.take_step()
        if run.step in (10, 20, 40, 80):
            game = measure_game(run.game, losses).tolist()
            rows.append((kind, run.step, "history", "d_loss", game[0]))
            rows.append((kind, run.step, "history", "g_loss", game[1]))
        if run.step in snapshots or run.step in halves:
            noise = randomness.generator(DATASET, seed, Stream.EVALUATION_NOISE)
            latents = sample_latents(parameters["latent"], 500, noise)
            generator = run.game.scored_generator
            generator.eval()
            images = generate_images(generator, latents, tuple(real.shape[1:]))
            generator.train()
            scores = score_features(extract(network, images), references, "classifier")
            for reference, metric, value in scores:
                if run.step in snapshots:
                    rows.append((kind, run.step, reference, metric, value))
                if run.step in halves:
                    rows.append(
                        (
                            kind.replace(HONEST, HALF_STEPS),
                            halves[run.step],
                            reference,
                            metric,
                            value,
                        )
                    )
    table = pd.DataFrame(rows, columns=["kind", "step", "reference", "metric", "value"])
    return table.assign(dataset=DATASET, variant=variant, seed=seed)


if __name__ == "__main__":
    main()

"""The runs of `verify_power.py`: how each is trained, scored and kept."""

import io
import os
import signal
from pathlib import Path
from typing import Any, NamedTuple

import measure  # noqa: F401 (puts ganbench on the path)
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
from ganbench.jobs import files
from ganbench.jobs.arrays import map_array
from ganbench.randomness import Stream
from ganbench.samples import sample_latents
from ganbench.study.budget import snapshot_steps
from ganbench.study.resolve import resolve
from ganbench.training.run import start_run

DATASET, VARIANTS = "digits", ("minimax", "non_saturating")
RATE, BATCH, SAMPLES = 1e-3, 32, 500
TRAINING = {
    "steps": 320,
    "batch_size": BATCH,
    "snapshots": 4,
    "history_interval": 10,
    "device": "cpu",
    "network": {"name": "dcgan", "width": 8},
    "latent": {"size": 16},
    "optimizer": {"lr": RATE},
}

NICENESS = 10
"""So that other work on the machine goes first."""

PUBLISHED, HONEST, HALF_STEPS = "published", "honest", "half of the steps"
DISHONEST = {
    "1.5 times the learning rate": {"optimizer": {"lr": 1.5 * RATE}},
    "half of the batch": {"batch_size": BATCH // 2},
}
"""Kinds of dishonest repetitions that are trained, by the keys of `training` that they change.

Those of half of the steps need no training: they are the honest ones, stopped halfway.
"""

TWINS = {", twin 1": 1 + 1e-6, ", twin 2": 1 - 1e-6}
"""What the learning rate of each twin is multiplied with, as in ganbench.commands.repetition."""


class Job(NamedTuple):
    """A run to train."""

    kind: str
    variant: str
    seed: int

    def file(self, folder: Path) -> Path:
        """Where its scores are kept."""
        kind = self.kind.replace(", ", "_").replace(" ", "_")
        return folder / f"{kind}-{self.variant}-seed{self.seed}.csv"


def with_twins(kind: str) -> list[str]:
    """The name of a kind of repetitions, and of its twins."""
    return [kind, *(kind + twin for twin in TWINS)]


def choose_training(kind: str) -> dict[str, Any]:
    """The keys of `training` that a kind of runs changes."""
    base, comma, twin = kind.partition(",")
    training = DISHONEST.get(base, {})
    rate = training.get("optimizer", {}).get("lr", RATE) * TWINS.get(comma + twin, 1.0)
    return training | {"optimizer": {"lr": rate}}


def resolve_study(training: dict[str, Any]) -> dict[str, Any]:
    """The resolved study with these keys of `training` changed."""
    study = {
        "study": "verify_power",
        "datasets": {DATASET: {}},
        "variants": {name: {} for name in VARIANTS},
        "recipe": "equal",
        "training": TRAINING | training,
        "evaluation": {"extractor": "classifier", "samples": SAMPLES},
    }
    return resolve(study, "verify_power")


def prepare_images(folder: Path) -> None:
    """Writes the splits and the extractor into the folder."""
    study, log = resolve_study({}), io.StringIO()
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
        samples=SAMPLES,
        data_file=folder / "data.npz",
        device="cpu",
        outputs=ReferenceFiles(
            folder / "network.pt", folder / "features.npz", folder / "net.json", folder / "floor"
        ),
        log=log,
    )


def score_run(images: Path, folder: Path, job: Job) -> None:
    """Trains a run, scores its snapshots, of an honest one those at half of the steps too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends the pool
    os.nice(max(0, NICENESS - os.nice(0)))
    randomness.use_deterministic_kernels(threads=1)
    torch.set_flush_denormal(True)
    parameters = resolve_study(choose_training(job.kind))["runs"][DATASET][job.variant]
    real = torch.from_numpy(np.array(map_array(images / "data.npz", "train")))
    network, references = load_extractor(images / "network.pt"), load_real(images / "features.npz")
    run = start_run(parameters, DATASET, job.seed, real)
    snapshots = {step: (job.kind, step) for step in snapshot_steps(parameters)}
    halves = {
        step // 2: (job.kind.replace(HONEST, HALF_STEPS), step)
        for step in snapshots
        if job.kind.startswith(HONEST)
    }
    rows = []
    for _ in range(parameters["steps"]):
        run.take_step()
        names = [where[run.step] for where in (snapshots, halves) if run.step in where]
        if names:
            generated = _generate(run, parameters, job.seed, tuple(real.shape[1:]))
            scores = list(score_features(extract(network, generated), references, "classifier"))
            rows += [(*name, *score) for name in names for score in scores]
    table = pd.DataFrame(rows, columns=["kind", "step", "reference", "metric", "value"])
    table = table.assign(variant=job.variant, seed=job.seed, repeat=0)
    files.write_text(job.file(folder), table.to_csv(index=False))


def _generate(
    run: Any, parameters: dict[str, Any], seed: int, shape: tuple[int, ...]
) -> torch.Tensor:
    noise = randomness.generator(DATASET, seed, Stream.EVALUATION_NOISE)
    latents = sample_latents(parameters["latent"], SAMPLES, noise)
    generator = run.game.scored_generator
    generator.eval()
    images = generate_images(generator, latents, shape)
    generator.train()
    return images

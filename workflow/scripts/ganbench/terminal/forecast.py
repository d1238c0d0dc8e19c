"""How long a job takes at first sight: from counted operations and measured times of two machines.

The constants are medians of runs on two cores of an AMD EPYC and of an Intel Xeon, and for GPUs on
an H200 (docs/scaling.md). Another machine may be twice as fast or half; `past_jobs` corrects that
as soon as a study has run there.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganbench.catalogue.extractors import EXTRACTORS, choose_extractor
from ganbench.catalogue.metrics import BY_FEATURES, DEFAULT_SAMPLES
from ganbench.catalogue.updates import cost_of_updates
from ganbench.study.budget import frame_steps, snapshot_steps
from ganbench.study.stopping_cost import stopping_share
from ganbench.terminal.arithmetic import estimate_step_operations, size_networks
from ganbench.terminal.job_names import find_stage

STARTS = {
    "train": 3.3,
    "evaluate": 2.3,
    "extractor": 2.5,
    "prepare": 2.5,
    "theory": 1.3,
    "reference": 0.9,
}
"""Seconds until the imports of a stage are done."""

MEMORY = {
    "train": 800,
    "evaluate": 750,
    "extractor": 800,
    "prepare": 650,
    "theory": 125,
    "reference": 125,
    "report": 250,
}
"""Megabytes that a job of a stage holds beside its data."""

IMAGE_SECONDS = 0.0006
"""Scoring one image in the classifier's features, every metric together."""

PRETRAINED_IMAGE_SECONDS = {"cpu": 0.15, "gpu": 0.002}
"""Scoring one image in the features of a pretrained network."""

POINTS_SNAPSHOT_SECONDS = 3.3
"""Scoring one snapshot of a run on points, its duality gap and maps included."""


@dataclass(frozen=True)
class EstimatedJob:
    """One job of a plan: its rule, its wildcards, and the threads it takes."""

    rule: str
    wildcards: Mapping[str, str]
    threads: int = 1

    @property
    def stage(self) -> str:
        """The stage of its rule."""
        return find_stage(self.rule)

    @property
    def kind(self) -> tuple[str, ...]:
        """What jobs have in common that differ by their seed alone."""
        return (self.rule, *(value for key, value in self.wildcards.items() if key != "seed"))


def predict_seconds(job: EstimatedJob, study: Mapping[str, Any], *, on_gpu: bool) -> float:
    """Seconds of one job of a resolved study, from its start to its end."""
    work = {
        "train": _predict_training,
        "evaluate": _predict_scoring,
        "extractor": _predict_extractor,
        "prepare": _predict_preparation,
        "theory": lambda *_: 0.3,
        "reference": lambda *_: 0.1,
        "report": _predict_report,
    }.get(job.stage)
    if work is None:  # rule all
        return 0.0
    return STARTS.get(job.stage, 0.0) + work(job, study, on_gpu)


def step_seconds(parameters: Mapping[str, Any], shape: tuple[int, ...], *, on_gpu: bool) -> float:
    """Seconds of one iteration of Algorithm 1."""
    updates = parameters["discriminator_steps"]
    penalties = sum(1 / options.get("every", 1) for options in parameters["regularizers"].values())
    update = 1 + penalties
    last = cost_of_updates(parameters) * (1 + update)
    calls = ((updates - 1) * update + last) / 2  # a plain step has one update of each player
    giga = estimate_step_operations(parameters, shape) / 1e9
    if on_gpu:
        return calls * (0.0008 if parameters["cuda_graphs"] else 0.0049) + giga * 8.5e-5
    # a small layer uses less of a processor than a large one, hence the power
    work = (giga / calls) ** 0.7
    if parameters["network"]["name"] == "mlp":
        return calls * (0.0015 + 0.008 * work)
    speed = 0.8 if parameters["precision"] == "bf16" else 1.0
    return calls * (0.004 + 0.025 * speed * work)


def _predict_training(job: EstimatedJob, study: Mapping[str, Any], on_gpu: bool) -> float:
    parameters = study["runs"][job.wildcards["dataset"]][job.wildcards["variant"]]
    shape = find_shape(study, job.wildcards["dataset"])
    seconds = parameters["steps"] * step_seconds(parameters, shape, on_gpu=on_gpu)
    run = job.wildcards["dataset"], job.wildcards["variant"]
    return seconds * (1 + predict_stopping(study, *run, on_gpu=on_gpu))


def predict_stopping(
    study: Mapping[str, Any], dataset: str, variant: str, *, on_gpu: bool
) -> float:
    """The time of a run's early stopping over that of its training."""
    parameters = study["runs"][dataset][variant]
    stop = parameters["stop"]
    if not stop or stop["metric"] not in BY_FEATURES:
        return stopping_share(parameters)
    facts, snapshots = study["datasets"][dataset], len(set(snapshot_steps(parameters)))
    scoring = snapshots * _count_samples(facts) * _image_seconds(study, facts, on_gpu)
    step = step_seconds(parameters, find_shape(study, dataset), on_gpu=on_gpu)
    return scoring / (parameters["steps"] * step)


def _predict_scoring(job: EstimatedJob, study: Mapping[str, Any], on_gpu: bool) -> float:
    dataset = study["datasets"][job.wildcards["dataset"]]
    parameters = study["runs"][job.wildcards["dataset"]][job.wildcards["variant"]]
    snapshots = len(set(snapshot_steps(parameters)))
    repeats = study["evaluation"]["repeats"]
    if dataset["type"] == "points":
        return snapshots * repeats * POINTS_SNAPSHOT_SECONDS
    return snapshots * repeats * _count_samples(dataset) * _image_seconds(study, dataset, on_gpu)


def _count_samples(dataset: Mapping[str, Any]) -> int:
    return dataset["samples"] or DEFAULT_SAMPLES


def _image_seconds(study: Mapping[str, Any], dataset: Mapping[str, Any], on_gpu: bool) -> float:
    if not _is_pretrained(study, dataset):
        return IMAGE_SECONDS
    return PRETRAINED_IMAGE_SECONDS["gpu" if on_gpu else "cpu"]


def _is_pretrained(study: Mapping[str, Any], dataset: Mapping[str, Any]) -> bool:
    return EXTRACTORS[choose_extractor(dataset, study["evaluation"])].is_pretrained


def _predict_extractor(job: EstimatedJob, study: Mapping[str, Any], on_gpu: bool) -> float:
    dataset = study["datasets"][job.wildcards["dataset"]]
    if dataset["type"] == "points":
        return 0.3
    sizes = dataset["sizes"] or {"train": 10_000, "held_out": 10_000, "extractor": 10_000}
    if not _is_pretrained(study, dataset):
        return 4.0 + 0.001 * sum(sizes.values()) * (0.2 if on_gpu else 1.0)
    return (sizes["train"] + sizes["held_out"]) * _image_seconds(study, dataset, on_gpu)


def _predict_preparation(job: EstimatedJob, study: Mapping[str, Any], _on_gpu: bool) -> float:
    dataset = study["datasets"][job.wildcards["dataset"]]
    if dataset["type"] == "points":
        return 0.0
    return 0.5 + count_images(dataset) * math.prod(dataset["shape"]) * 2e-8


def _predict_report(_job: EstimatedJob, study: Mapping[str, Any], _on_gpu: bool) -> float:
    return 8.0 + 7.0 * len(study["datasets"])


def find_shape(study: Mapping[str, Any], dataset: str) -> tuple[int, ...]:
    """The shape of one sample; a point counts as two-dimensional."""
    return tuple(study["datasets"][dataset]["shape"] or (2,))


def count_images(dataset: Mapping[str, Any]) -> int:
    """Images of a dataset; a guess for a folder, whose files nobody has counted yet."""
    return sum((dataset["sizes"] or {"all": 20_000}).values())


def predict_memory(job: EstimatedJob, study: Mapping[str, Any]) -> float:
    """Megabytes that one job holds at most."""
    data, dataset = 0.0, study["datasets"].get(job.wildcards.get("dataset"))
    if dataset and dataset["type"] == "images":
        data = 2 * count_images(dataset) * math.prod(dataset["shape"]) / 1e6
    if job.rule == "evaluate_density":
        data = 800.0
    return MEMORY.get(job.stage, 0) + data


def predict_disk(job: EstimatedJob, study: Mapping[str, Any]) -> float:
    """Megabytes of the files that one job leaves."""
    dataset = study["datasets"].get(job.wildcards.get("dataset"))
    if job.stage == "prepare" and dataset["type"] == "points":
        return 2.0
    if job.stage == "prepare":
        return count_images(dataset) * math.prod(dataset["shape"]) / 1e6
    if job.stage == "extractor" and dataset["type"] == "images":
        features = 2048 if _is_pretrained(study, dataset) else 64
        return 1.0 + count_images(dataset) * features * 24 / 1e6
    if job.stage == "train":
        parameters = study["runs"][job.wildcards["dataset"]][job.wildcards["variant"]]
        generator, discriminator = size_networks(
            parameters, find_shape(study, job.wildcards["dataset"])
        )
        weights = generator.weights
        weights += discriminator.weights if parameters["keep_discriminator"] else 0
        states = 4 * len(set(snapshot_steps(parameters)))
        if study["datasets"][job.wildcards["dataset"]]["type"] == "points":
            states += 2 * len(frame_steps(parameters))  # in half precision
        return 0.1 + weights * states / 1e6
    return {"evaluate": 0.1, "report": 2.2 * len(study["datasets"])}.get(job.stage, 0.0)

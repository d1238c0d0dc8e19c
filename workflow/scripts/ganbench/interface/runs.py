"""One run for a program or notebook: train it, load its generator, sample from it."""

import json
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganbench.catalogue.metrics import BY_FEATURES
from ganbench.evaluation.snapshots import (
    generate_images,
    generate_points,
    load_generators,
    load_run,
)
from ganbench.interface.prepared import LIBRARY, prepare_dataset, resolve_run
from ganbench.jobs import code_digest
from ganbench.jobs.checkout import read_version
from ganbench.jobs.errors import ActionableError
from ganbench.jobs.gpus.devices import choose_device
from ganbench.samples import sample_latents
from ganbench.study.schema import StudyError
from ganbench.training.loop import train
from ganbench.training.records import RunFiles


class RunFolderError(ActionableError):
    """A folder holds no such run, or another one."""


class TrainedGenerator(nn.Module):
    """A generator of a run: latents `(count, size)` to samples as networks see them.

    `latent` has the size and prior of its latents, `shape` is that of one sample, `step` the
    training step of its weights.
    """

    def __init__(self, network: nn.Module, run: Mapping[str, Any], step: int) -> None:
        super().__init__()
        self.network, self.step = network, step
        self.latent: dict[str, Any] = run["parameters"]["latent"]
        self.shape = tuple(run["shape"])

    def forward(self, latents: Tensor) -> Tensor:
        """Images `(count, channels, height, width)` in [-1, 1], or points `(count, dimensions)`."""
        return self.network(latents)

    def sample(self, count: int, seed: int = 0) -> np.ndarray:
        """Draws `count` samples: uint8 images `(count, channels, height, width)`, or float points.

        The same `seed` gives the same samples on the same kind of device.
        """
        noise = torch.Generator(next(self.parameters()).device).manual_seed(seed)
        latents = sample_latents(self.latent, count, noise)
        if len(self.shape) == 1:
            return generate_points(self.network, latents).numpy()
        return generate_images(self.network, latents, self.shape).cpu().numpy()


def find_run_files(folder: str | Path) -> RunFiles:
    """The files of the run in `folder`, with the names that they have in a study's results."""
    folder = Path(folder)
    return RunFiles(
        snapshots=folder / "snapshots.pt",
        history=folder / "history.csv",
        samples=folder / "samples.png",
        run=folder / "run.json",
    )


def train_run(
    variant: str | Mapping[str, Any] = "non_saturating",
    *,
    folder: str | Path,
    dataset: str | Mapping[str, Any] = "digits",
    seed: int = 0,
    cache: str | Path | None = None,
    tensorboard: bool = False,
    **training: Any,
) -> Path:
    """Trains one run and writes it to `folder`, which is returned.

    `variant` is the name of a shipped variant or objective, or what a study has below the name of a
    variant; `dataset` likewise. `training` are keys of a study's `training`, such as `steps=2000`.
    An interrupted run resumes; a finished one is not trained again. With `tensorboard`, its history
    is written for that too, to `folder/tensorboard`. Raises StudyError where a key or value is
    wrong, or where the run would stop by a metric of images; RunFolderError where `folder` holds
    another run.
    """
    folder = Path(folder)
    [(label, parameters)] = next(
        iter(resolve_run(dataset, variant, seed, training)["runs"].values())
    ).items()
    _check_stop(parameters["stop"])
    outputs = find_run_files(folder)
    if outputs.run.exists():  # written last
        _check_same_run(outputs.run, parameters, seed)
        return folder
    data = prepare_dataset(dataset, cache)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "train.log").open("a", encoding="utf-8") as log:
        train(
            parameters=parameters,
            dataset=data.name,
            variant=label,
            seed=seed,
            data_file=data.data,
            outputs=outputs,
            checkpoint_folder=folder / "checkpoints",
            log=log,
            log_interval=10,
            code=code_digest.digest(LIBRARY / "training/loop.py"),
            software={"version": find_version(), "commit": None, "clean": None},
            tensorboard=tensorboard,
        )
    return folder


def _check_stop(stop: Mapping[str, Any] | None) -> None:
    if stop and stop["metric"] in BY_FEATURES:
        raise StudyError(
            f"stop.metric: found {stop['metric']!r}, expected 'duality_gap' or a metric of points: "
            "one run alone has no extractor; a study has"
        )


def load_generator(
    folder: str | Path, step: int | None = None, device: str = "auto"
) -> TrainedGenerator:
    """The generator of a run, trained here or in a study (`results/…/runs/…/seed0`).

    `step` names one of its snapshots; without it, the last one is loaded. Its files are data: none
    of them is unpickled or executed. Raises RunFolderError where there is no such run or snapshot.
    """
    file = find_run_files(folder).snapshots
    if not file.is_file():
        raise RunFolderError(f"{folder}: found no {file.name}, expected the folder of a run")
    run = load_run(file)
    if not run["steps"]:
        raise RunFolderError(f"{folder}: this run ended before its first snapshot")
    wanted = run["steps"][-1] if step is None else step
    for at, network in load_generators(run, choose_device(device)):
        if at == wanted:
            return TrainedGenerator(network, run, at)
    steps = ", ".join(map(str, run["steps"]))
    raise RunFolderError(f"{folder}: found no snapshot of step {step}, expected one of {steps}")


def find_version() -> str | None:
    """The version of this library: of the installed package, or of the checkout it lies in."""
    try:
        return metadata.version("ganbench")
    except metadata.PackageNotFoundError:
        return read_version(LIBRARY.parents[2])


def _check_same_run(file: Path, parameters: Mapping[str, Any], seed: int) -> None:
    run = json.loads(file.read_text(encoding="utf-8"))
    if run["parameters"] != json.loads(json.dumps(parameters)) or run["seed"] != seed:
        raise RunFolderError(
            f"{file.parent}: found a finished run with other parameters or another seed; name "
            "another folder, or remove this one"
        )

"""Small runs for the tests of training: their parameters and data, and folders to train in."""

import io
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from ganbench.catalogue.objectives import OBJECTIVES
from ganbench.study import resolve as study
from ganbench.training import interrupts, run
from ganbench.training.loop import train
from ganbench.training.records import RunFiles
from project import tiny_study

SHAPES = {
    "digits": (1, 8, 8),
    "mnist": (1, 28, 28),
    "cifar10": (3, 32, 32),
    "celeba": (3, 64, 64),
}
FILES = ("snapshots.pt", "history.csv", "samples.png", "run.json")


def make_pixels(dataset: str = "digits", count: int = 60) -> torch.Tensor:
    """Random uint8 images of a dataset's shape."""
    noise = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, *SHAPES[dataset]), generator=noise).byte()


PIXELS = make_pixels()

SETTINGS = {
    "adam": {},
    "momentum": {"optimizer": {"name": "sgd", "lr": 0.01, "momentum": 0.9}},
    "clipped": {
        "optimizer": {"name": "rmsprop", "lr": 0.001},
        "discriminator_steps": 3,
        "regularizers": {"weight_clip": {"limit": 0.01}},
    },
    "batch norm": {"network": {"discriminator_norm": "batch"}},
    "spectral norm and lazy r1": {"regularizers": {"spectral_norm": {}, "r1": {"every": 4}}},
    "gradient penalty": {"regularizers": {"gradient_penalty": {}}},
    "averaged": {"ema": 0.9},
    "scheduled": {
        "optimizer": {"name": "adamw", "generator": {"name": "rmsprop", "lr": 0.001}},
        "ema": 0.9,
        "regularizers": {"r1": {}},
        "schedule": {
            "optimizer.lr": {"kind": "cosine", "warm_up": 0.2},
            "optimizer.betas": {"kind": "linear", "from": 0.9, "to": 1.0},
            "regularizers.r1.weight": {"kind": "steps", "at": [0.3, 0.7]},
            "ema": {"warm_up": 0.9},
        },
    },
    "simultaneous": {"updates": "simultaneous"},
    "extragradient": {
        "updates": "extragradient",
        "discriminator_steps": 2,
        "regularizers": {"r1": {"every": 2}},
        "ema": 0.9,
    },
    "optimistic": {"updates": "optimistic", "schedule": {"optimizer.lr": {"kind": "linear"}}},
    "consensus": {"updates": "consensus", "network": {"discriminator_norm": "batch"}},
    "consistency and top k": {"regularizers": {"consistency": {}, "top_k": {}}},
    "lecam": {"objective": "wasserstein", "regularizers": {"lecam": {}}},
    "flip": {"augment": {"name": "flip"}, "objective": "relativistic"},
    "diffaugment": {
        "dataset": "cifar10",
        "augment": {"name": "diffaugment"},
        "regularizers": {"r1": {"every": 4}},
    },
    "ada": {
        "dataset": "cifar10",
        "augment": {"name": "ada", "images": 600, "target": 0.1},
        "regularizers": {"r1": {"every": 4}},
    },
    "began": {"objective": "began", "network": {"name": "began", "width": 4}},
    "bf16": {"precision": "bf16", "channels_last": True},
    "early stopping": {"stop": {"metric": "duality_gap", "patience": 4}, "snapshots": 8},
    "sngan": {
        "dataset": "cifar10",
        "network": {"name": "sngan_resnet", "width": 4},
        "regularizers": {"spectral_norm": {}},
    },
    "points": {"dataset": "mixture_1d", "network": {"name": "mlp"}, "ema": 0.9},
}
"""Runs that together have every kind of state that a checkpoint must hold."""


def resolve_run(
    dataset: str = "digits",
    *,
    objective: str = "non_saturating",
    regularizers: dict | None = None,
    **training: object,
) -> dict:
    """Parameters of a run of the tiny study, with keys of `training` changed."""
    variant = {"objective": objective, "regularizers": regularizers or {}}
    config = tiny_study(datasets={dataset: {}}, variants={"v": variant}, evaluation={})
    network = {**config["training"]["network"], **training.pop("network", {})}
    config["training"] |= {**training, "network": network}
    return deepcopy(study.resolve(config, "tiny")["runs"][dataset]["v"])


def choose_network(objective: str) -> dict:
    """The `network` that a catalogue's objective needs: BEGAN an auto-encoder, others none."""
    return {"name": "began", "width": 4} if "balance" in OBJECTIVES[objective] else {}


def resolve_setting(name: str, **training: object) -> tuple[dict, torch.Tensor]:
    """Parameters of one of `SETTINGS`, and samples for it."""
    settings = {**deepcopy(SETTINGS[name]), **training}
    dataset = settings.get("dataset", "digits")
    samples = make_pixels(dataset) if dataset in SHAPES else torch.linspace(-2, 2, 60)[:, None]
    return resolve_run(**settings), samples


class RunFolder:
    """A folder in which one run is trained as the rule trains it, several times if necessary."""

    def __init__(
        self,
        path: Path,
        parameters: dict,
        samples: torch.Tensor = PIXELS,
        dataset: str = "digits",
    ) -> None:
        path.mkdir(exist_ok=True)
        np.savez(path / "data.npz", train=samples.numpy())
        self.path, self.parameters, self.dataset, self.log = (
            path,
            parameters,
            dataset,
            io.StringIO(),
        )

    def train(
        self,
        *,
        interval: int | None = None,
        code: str = "",
        log_interval: float = 60.0,
        tensorboard: bool = False,
        **changes: object,
    ) -> None:
        train(
            parameters={**self.parameters, **changes},
            dataset=self.dataset,
            variant="v",
            seed=0,
            data_file=self.path / "data.npz",
            outputs=RunFiles(*(self.path / name for name in FILES)),
            log=self.log,
            log_interval=log_interval,
            checkpoint_folder=self.path / "checkpoints",
            checkpoint_interval=interval,
            code=code,
            tensorboard=tensorboard,
        )

    def checkpoints(self) -> list[Path]:
        """The newest, then the previous one."""
        files = (self.path / "checkpoints").glob("*.checkpoint")
        return sorted(files, key=lambda file: len(file.name))

    def run(self) -> dict:
        """The content of run.json."""
        return json.loads((self.path / "run.json").read_text())

    def history(self) -> pd.DataFrame:
        """The history without the seconds, which differ from run to run."""
        return pd.read_csv(self.path / "history.csv").drop(columns="seconds")

    def results(self) -> tuple:
        """Everything that two equal runs have in common."""
        run = self.run()
        outcome = {key: run[key] for key in ("status", "step", "reason", "generator_sha256")}
        contents = [(self.path / name).read_bytes() for name in ("snapshots.pt", "samples.png")]
        return self.history().to_csv(), outcome, contents


def train_run(
    path: Path,
    parameters: dict,
    samples: torch.Tensor = PIXELS,
    *,
    dataset: str = "digits",
    log_interval: float = 60.0,
) -> tuple[dict, str]:
    """Trains one run in the folder `path`; returns the content of run.json and the log."""
    folder = RunFolder(path, parameters, samples, dataset)
    folder.train(log_interval=log_interval)
    return folder.run(), folder.log.getvalue()


def read_weights(network: torch.nn.Module) -> torch.Tensor:
    """A copy of all weights of a network, as one vector."""
    return torch.cat([weight.detach().flatten() for weight in network.parameters()])


@contextmanager
def signal_during(step: int, number: int = signal.SIGTERM) -> Iterator[None]:
    """Has the process send itself a signal during a step, as a scheduler would."""
    original = run.adversarial_step

    def step_then_signal(game, current):
        losses = original(game, current)
        if current == step:
            os.kill(os.getpid(), number)
        return losses

    with pytest.MonkeyPatch.context() as patch:
        # on a busy machine a step may take seconds, and the alarm would end the tests
        patch.setattr(interrupts, "GRACE", 600)
        patch.setattr(run, "adversarial_step", step_then_signal)
        yield

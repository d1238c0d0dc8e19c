"""One run, trained as the rule trains it."""

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from ganbench.training.loop import train
from ganbench.training.records import RunFiles


def outputs(folder: Path) -> RunFiles:
    names = ("snapshots.pt", "history.csv", "samples.png", "run.json")
    return RunFiles(*(folder / name for name in names))


def run(
    folder: Path,
    parameters: dict,
    images: torch.Tensor,
    *,
    dataset: str = "digits",
    variant: str = "v",
    seed: int = 0,
    log_interval: float = 60.0,
) -> tuple[dict, str]:
    """What run.json and the log say; the other files are in `folder`."""
    folder.mkdir(exist_ok=True)
    np.savez(folder / "data.npz", train=images.numpy())
    log = io.StringIO()
    train(
        parameters=parameters,
        dataset=dataset,
        variant=variant,
        seed=seed,
        data_file=folder / "data.npz",
        outputs=outputs(folder),
        log=log,
        log_interval=log_interval,
        checkpoint_folder=folder / "checkpoints",
    )
    return json.loads((folder / "run.json").read_text()), log.getvalue()


def history(folder: Path) -> pd.DataFrame:
    """Its history but for the seconds, which differ from time to time."""
    return pd.read_csv(folder / "history.csv").drop(columns="seconds")

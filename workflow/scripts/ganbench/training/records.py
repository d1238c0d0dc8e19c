"""The results of a run: `snapshots.pt`, `history.csv`, `samples.png` and `run.json`."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from ganbench.jobs import files
from ganbench.jobs.csv_tables import write_table
from ganbench.samples import picture_row
from ganbench.training.measure import COLUMNS


@dataclass(frozen=True)
class RunFiles:
    """Paths of the four files that a run writes."""

    snapshots: Path
    history: Path
    samples: Path
    run: Path


@dataclass
class Frames:
    """Both networks between snapshots, in half precision: for a film, and not for scores."""

    steps: list[int] = field(default_factory=list)
    generators: list[dict[str, Tensor]] = field(default_factory=list)
    discriminators: list[dict[str, Tensor]] = field(default_factory=list)

    def add(self, step: int, generator: nn.Module, discriminator: nn.Module) -> None:
        """Copies both networks, unless one is not finite: the run is about to end as diverged."""
        networks = [_copy_half(network) for network in (generator, discriminator)]
        if all(value.isfinite().all() for state in networks for value in state.values()):
            self.steps.append(step)
            self.generators.append(networks[0])
            self.discriminators.append(networks[1])


@dataclass
class Record:
    """What a run has recorded so far: its history, and its generator at each snapshot.

    `sample_latent` are the latents `(count, latent)` of `samples.png`, which has one row per
    snapshot. `keep_discriminator` keeps the discriminator too, for scores that need it: the
    distance to D*, and the duality gap. A run with `has_frames` fills `frames`.
    """

    sample_latent: Tensor
    keep_discriminator: bool
    has_frames: bool = False
    history: list[list[float]] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    generators: list[dict[str, Tensor]] = field(default_factory=list)
    discriminators: list[dict[str, Tensor]] = field(default_factory=list)
    pictures: list[np.ndarray] = field(default_factory=list)
    frames: Frames = field(default_factory=Frames)

    def take_snapshot(self, step: int, generator: nn.Module, discriminator: nn.Module) -> None:
        """Copies the generator's state, and draws its samples at the fixed latents."""
        self.steps.append(step)
        self.generators.append(_copy_state(generator))
        if self.keep_discriminator:
            self.discriminators.append(_copy_state(discriminator))
        generator.eval()
        with torch.no_grad():
            self.pictures.append(picture_row(generator(self.sample_latent)))
        generator.train()

    def write(self, outputs: RunFiles, run: Mapping[str, Any], shape: tuple[int, ...]) -> None:
        """Writes the four files; `run` is the content of `run.json`, `shape` one sample's shape."""
        snapshots = {
            "steps": self.steps,
            "shape": list(shape),
            "parameters": run["parameters"],
            "generators": self.generators,
            "discriminators": self.discriminators,
            "frames": vars(self.frames),
        }
        with files.whole(outputs.snapshots) as temporary, temporary.open("wb") as file:
            torch.save(snapshots, file)  # given a path, torch writes its name into the file
        write_table(outputs.history, COLUMNS, self.history)
        self.write_samples(outputs.samples)
        files.write_json(outputs.run, run)

    def write_samples(self, path: Path) -> None:
        """Writes the samples of all snapshots so far; before the first one, one black pixel."""
        picture = np.concatenate(self.pictures or [np.zeros((1, 1), dtype=np.uint8)])
        with files.whole(path) as temporary:
            Image.fromarray(picture).save(temporary, format="PNG")


def _copy_state(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}


def _copy_half(network: nn.Module) -> dict[str, Tensor]:
    state = _copy_state(network)
    return {
        name: value.half() if value.is_floating_point() else value for name, value in state.items()
    }


def weights_sha256(network: nn.Module) -> str:
    """SHA-256 over the names and bytes of a network's state, in the order of names."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()

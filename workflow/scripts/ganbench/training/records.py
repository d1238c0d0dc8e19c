"""What a run leaves behind: `snapshots.pt`, `history.csv`, `samples.png` and `run.json`."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from PIL import Image
from torch import Tensor, nn

from ganbench import files
from ganbench.images import grid, to_uint8
from ganbench.training.measure import COLUMNS


@dataclass(frozen=True)
class Outputs:
    """Where a run writes."""

    snapshots: Path
    history: Path
    samples: Path
    run: Path


@dataclass
class Record:
    """A run as it goes: history rows, and the generator at each snapshot.

    `sample_latent` are the `(columns, latent)` latents of `samples.png`, one row per snapshot.
    """

    sample_latent: Tensor
    history: list[list[float]] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    generators: list[dict[str, Tensor]] = field(default_factory=list)
    samples: list[Tensor] = field(default_factory=list)

    def take_snapshot(self, step: int, generator: nn.Module) -> None:
        """Keeps a copy of the generator's state, and its samples at the fixed latents."""
        self.steps.append(step)
        self.generators.append(
            {name: value.detach().cpu().clone() for name, value in generator.state_dict().items()}
        )
        generator.eval()
        with torch.no_grad():
            self.samples.append(to_uint8(generator(self.sample_latent)).cpu())
        generator.train()

    def write(self, outputs: Outputs, run: Mapping[str, Any], shape: tuple[int, ...]) -> None:
        """Writes all four files; `run` is the content of `run.json`, `shape` that of an image."""
        snapshots = {
            "steps": self.steps,
            "shape": list(shape),
            "parameters": run["parameters"],
            "generators": self.generators,
        }
        with files.whole(outputs.snapshots) as temporary, temporary.open("wb") as file:
            torch.save(snapshots, file)  # a path's name would become part of the content
        table = pd.DataFrame(self.history, columns=list(COLUMNS))
        counts = ["step", "discriminator_steps", "generator_steps", "images"]
        with files.whole(outputs.history) as temporary:
            table.astype(dict.fromkeys(counts, int)).to_csv(temporary, index=False)
        with files.whole(outputs.samples) as temporary:
            Image.fromarray(self._picture()).save(temporary, format="PNG")
        files.write_json(outputs.run, run)

    def _picture(self) -> Any:
        if not self.samples:  # diverged before its first snapshot: one black pixel
            return grid(torch.zeros(1, 1, 1, 1, 1, dtype=torch.uint8))
        return grid(torch.stack(self.samples))


def weights_sha256(network: nn.Module) -> str:
    """SHA-256 over the names and bytes of a network's state, in the order of names."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()

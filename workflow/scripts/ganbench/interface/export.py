"""A generator to keep: its weights as safetensors, with what is needed to use and to judge them."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from ganbench.catalogue.datasets import KINDS
from ganbench.interface.runs import (
    RunFolderError,
    TrainedGenerator,
    find_run_files,
    load_generator,
)
from ganbench.jobs import files, provenance
from ganbench.jobs.gpus.devices import choose_device
from ganbench.networks.build import build_generator

WEIGHTS, CARD, README = "generator.safetensors", "generator.json", "README.md"


def export_generator(run_folder: str | Path, folder: str | Path, step: int | None = None) -> Path:
    """Writes the generator of a run to `folder`, which is returned.

    `generator.safetensors` has its weights, `generator.json` what builds the network and where it
    comes from, `README.md` the same as a model card. Raises RunFolderError as `load_generator`.
    """
    run_file, folder = find_run_files(run_folder).run, Path(folder)
    if not run_file.is_file():
        raise RunFolderError(f"{run_folder}: found no {run_file.name}, expected that of a run")
    run, generator = (
        json.loads(run_file.read_text(encoding="utf-8")),
        load_generator(run_folder, step, "cpu"),
    )
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.contiguous() for name, value in generator.network.state_dict().items()}
    with files.whole(folder / WEIGHTS) as temporary:
        save_file(weights, temporary)
    card = {
        "dataset": run["dataset"],
        "variant": run["variant"],
        "seed": run["seed"],
        "step": generator.step,
        "shape": list(generator.shape),
        "parameters": run["parameters"],
        "software": run.get("software"),
        "weights_sha256": provenance.sha256_file(folder / WEIGHTS),
    }
    files.write_json(folder / CARD, card)
    files.write_text(folder / README, _describe(card))
    return folder


def load_exported(folder: str | Path, device: str = "auto") -> TrainedGenerator:
    """The generator that `export_generator` wrote to `folder`.

    Raises RunFolderError where its weights are not those of its card.
    """
    folder = Path(folder)
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    digest = provenance.sha256_file(folder / WEIGHTS)
    if digest != card["weights_sha256"]:
        raise RunFolderError(
            f"{folder / WEIGHTS}: found the SHA-256 {digest}, expected {card['weights_sha256']}"
        )
    network = build_generator(card["parameters"], tuple(card["shape"]))
    network.load_state_dict(load_file(folder / WEIGHTS))
    network = network.to(choose_device(device)).eval()
    network.to(memory_format=torch.channels_last)
    return TrainedGenerator(network, card, card["step"])


def find_generator(folder: str | Path) -> TrainedGenerator | None:
    """The generator in the folder of a run or in one that was exported; None in any other."""
    if (Path(folder) / CARD).is_file():
        return load_exported(folder)
    return load_generator(folder) if find_run_files(folder).run.is_file() else None


def _describe(card: dict[str, Any]) -> str:
    """The model card, in Markdown."""
    kind = KINDS[card["parameters"]["data"]["kind"]]
    latent, objective = card["parameters"]["latent"], card["parameters"]["objective"]
    software = card["software"] or {}
    commit = f", commit {software['commit']}" if software.get("commit") else ""
    return f"""# Generator: {card["variant"]} on {card["dataset"]}, seed {card["seed"]}

Trained by ganbench {software.get("version") or ""}{commit} for {card["step"]} steps.

- Objective: discriminator `{objective["discriminator"]}`, generator `{objective["generator"]}`,
  both minimised, in the discriminator's outputs `r` for real and `f` for generated samples.
- Latents: {latent["size"]} dimensions, {latent["prior"]}. Samples: {card["shape"]}.
- Data: {kind.title}; licence: {kind.licence}.
- SHA-256 of `{WEIGHTS}`: `{card["weights_sha256"]}`.

```python
import ganbench

images = ganbench.load_exported("this folder").sample(64, seed=1)
```

All training parameters stand in `{CARD}`.
"""

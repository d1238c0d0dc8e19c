"""Loads the snapshots of a run, generates from them, and collects their scores in a table."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.evaluation.batch_norm import Moments, split_latents
from ganbench.evaluation.batches import choose_batch_size
from ganbench.jobs.csv_tables import write_table
from ganbench.networks.build import build_discriminator, build_generator
from ganbench.regularizers import Regularization
from ganbench.samples import to_uint8
from ganbench.study.budget import images_per_step

COLUMNS = ("dataset", "variant", "seed", "step", "images", "repeat", "reference", "metric", "value")
"""Columns of `scores.csv`."""


def load_run(snapshots_file: Path) -> dict[str, Any]:
    """Loads `snapshots.pt`: steps, shape, parameters and the networks' states.

    The states are mapped: those that nobody uses, such as the discriminators', are not read.
    """
    return torch.load(snapshots_file, weights_only=True, mmap=True)


def frames_of(run: Mapping[str, Any]) -> dict[str, Any]:
    """A run, as `load_run` reads it, whose snapshots are the moments between its snapshots.

    Runs on points have them; those of earlier versions have none.
    """
    nothing = {"steps": [], "generators": [], "discriminators": []}
    return {**run, **run.get("frames", nothing)}


def load_generators(
    run: dict[str, Any],
    device: torch.device,
    last_only: bool = False,
    moments: Moments | None = None,
) -> Iterator[tuple[int, nn.Module]]:
    """Yields each snapshot's step and its generator, in evaluation mode.

    All are one network, whose weights change from snapshot to snapshot. Without `moments`, batch
    normalisation is by the running ones.
    """
    generator = build_generator(run["parameters"], tuple(run["shape"])).to(device).eval()
    generator.to(memory_format=torch.channels_last)  # the same sums, a third faster on a CPU
    snapshots = list(zip(run["steps"], run["generators"], strict=True))
    for step, state in snapshots[-1:] if last_only else snapshots:
        generator.load_state_dict(state)
        yield step, moments.apply(generator) if moments else generator


def load_discriminators(
    run: dict[str, Any], device: torch.device, last_only: bool = False
) -> Iterator[nn.Module]:
    """Yields each snapshot's discriminator, in evaluation mode; the same network every time.

    Only runs that need their discriminators later save them.
    """
    discriminator = build_discriminator(run["parameters"], tuple(run["shape"])).to(device)
    Regularization(run["parameters"]["regularizers"]).prepare(discriminator)
    discriminator.eval()
    for state in run["discriminators"][-1:] if last_only else run["discriminators"]:
        discriminator.load_state_dict(state)
        yield discriminator


@torch.no_grad()
def generate_images(generator: nn.Module, latents: Tensor, shape: Sequence[int]) -> Tensor:
    """Generates uint8 images of `shape` `(channels, height, width)` from `latents`."""
    size = choose_batch_size(latents.device, len(latents), shape[1:], on_cpu=100)
    batches = split_latents(generator, latents, size)
    return torch.cat([to_uint8(generator(batch)) for batch in batches])[: len(latents)]


@torch.no_grad()
def generate_points(generator: nn.Module, latents: Tensor) -> Tensor:
    """Generates points `(count, dimensions)`, float64 on the CPU, from `latents`."""
    batches = split_latents(generator, latents, count_points(latents.device))
    return torch.cat([generator(batch).cpu().double() for batch in batches])[: len(latents)]


def count_points(device: torch.device) -> int:
    """Points that a network computes at once: on a CPU, as many as stay in its cache."""
    return 4096 if device.type == "cpu" else 50_000


class ScoreTable:
    """The rows of `scores.csv` of one run."""

    def __init__(self, dataset: str, variant: str, seed: int, run: dict[str, Any]) -> None:
        self.key = (dataset, variant, seed)
        self.images_per_step = images_per_step(run["parameters"])
        self.rows: list[tuple] = []

    def add(self, step: int, reference: str, metric: str, value: float, repeat: int = 0) -> None:
        """Adds one score of the snapshot at `step`, from the samples of one `repeat`."""
        images = step * self.images_per_step
        self.rows.append((*self.key, step, images, repeat, reference, metric, float(value)))

    def write(self, file: Path) -> None:
        """Writes the table, with its header even if it has no rows."""
        write_table(file, COLUMNS, self.rows)

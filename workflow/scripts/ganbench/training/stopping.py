"""Ends a run whose metric no longer improves: "until convergence", measured.

Only metrics that need nothing but the run itself: the duality gap, and on points of a known density
the Jensen–Shannon divergence. They are measured at snapshots, with random streams of their own, so
that a run that is not stopped is the same, bit for bit, as one that was never watched.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ganbench import randomness
from ganbench.densities import point_metrics as density_metrics
from ganbench.densities.mixtures import DENSITIES
from ganbench.duality_gap import Budget, duality_gap
from ganbench.randomness import Stream
from ganbench.samples import sample_latents, to_float

SAMPLES = 100_000


class Stopping:
    """Watches one run; `parameters["stop"]` is None or has `metric` and `patience`."""

    def __init__(
        self, parameters: Mapping[str, Any], dataset: str, seed: int, real: Tensor
    ) -> None:
        self.options, self.parameters, self.real = parameters["stop"], parameters, real
        self.noise = randomness.generator(dataset, seed, Stream.STOPPING_NOISE, real.device)
        self.best, self.waited = math.inf, 0

    def reason(self, generator: nn.Module, discriminator: nn.Module) -> str | None:
        """Why the run should end at this snapshot, or None. Changes neither network."""
        if self.options is None:
            return None
        for network in (generator, discriminator):
            network.eval()  # as the evaluation has them
        found = self._measure(generator, discriminator)
        for network in (generator, discriminator):
            network.train()
        improved = found < self.best
        self.best, self.waited = min(found, self.best), 0 if improved else self.waited + 1
        if self.waited < self.options["patience"]:
            return None
        return (
            f"{self.options['metric']} has not improved over {self.waited} snapshots "
            f"(best {self.best:.4g}, now {found:.4g})"
        )

    def _measure(self, generator: nn.Module, discriminator: nn.Module) -> float:
        if self.options["metric"] == "JSD":
            grid = density_metrics.make_grid(DENSITIES[self.parameters["data"]["kind"]])
            with torch.no_grad():
                points = generator(self._latents(SAMPLES)).cpu().double().numpy()
            return density_metrics.jensen_shannon(grid.data, grid.masses(points))
        best, worst = duality_gap(
            discriminator, generator, self._real, self._latents, Budget(samples=10_000)
        )
        return best - worst

    def _latents(self, count: int) -> Tensor:
        return sample_latents(self.parameters["latent"], count, self.noise)

    def _real(self, count: int) -> Tensor:
        index = torch.randint(
            len(self.real), (count,), generator=self.noise, device=self.real.device
        )
        return to_float(self.real[index])

"""Early stopping: ends a run whose metric no longer improves.

The metrics need nothing but the run itself: the duality gap, and the Jensen–Shannon divergence for
points with a known density. They are measured at snapshots, with random streams of their own, so a
run that is measured but not stopped gives the same bits as one that is not measured.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ganbench import randomness
from ganbench.densities import point_metrics
from ganbench.densities.mixtures import DENSITIES
from ganbench.duality_gap import AdversaryBudget, duality_gap, own_value
from ganbench.randomness import Stream
from ganbench.samples import sample_latents, to_float
from ganbench.study.stopping_cost import (
    BATCH_SIZE,
    MOST_STEPS,
    POINTS,
    SAMPLES_PER_STEP,
    adversary_steps,
)

ADVERSARY_BUDGET = AdversaryBudget(
    steps=MOST_STEPS, batch_size=BATCH_SIZE, samples=MOST_STEPS * SAMPLES_PER_STEP
)
"""What one duality gap may cost at most; a short run affords less."""


def choose_adversary_budget(parameters: Mapping[str, Any]) -> AdversaryBudget:
    """What each duality gap of a run may cost, so that all of them do not double its time."""
    most = ADVERSARY_BUDGET
    steps = min(most.steps, adversary_steps(parameters))
    return replace(most, steps=steps, samples=most.samples * steps // most.steps)


class Stopping:
    """Measures one run at its snapshots, and says when it should end.

    `parameters["stop"]` is None, which never ends a run, or has `metric` and `patience`: the number
    of snapshots without improvement after which a run ends.
    """

    def __init__(
        self, parameters: Mapping[str, Any], dataset: str, seed: int, real: Tensor
    ) -> None:
        self.options, self.parameters, self.real = parameters["stop"], parameters, real
        self.noise = randomness.generator(dataset, seed, Stream.STOPPING_NOISE, real.device)
        self.best, self.best_step, self.waited = math.inf, None, 0

    def reason(self, step: int, generator: nn.Module, discriminator: nn.Module) -> str | None:
        """The reason to end the run at this snapshot, of `step`, or None. Changes no network."""
        if self.options is None:
            return None
        for network in (generator, discriminator):
            network.eval()  # as in the evaluation
        value = self._measure(generator, discriminator)
        for network in (generator, discriminator):
            network.train()
        self.waited += 1
        if value < self.best:
            self.best, self.best_step, self.waited = value, step, 0
        if self.waited < self.options["patience"]:
            return None
        return (
            f"{self.options['metric']} has not improved over {self.waited} snapshots "
            f"(best {self.best:.4g} at step {self.best_step}, now {value:.4g})"
        )

    def _measure(self, generator: nn.Module, discriminator: nn.Module) -> float:
        if self.options["metric"] == "JSD":
            grid = point_metrics.make_grid(DENSITIES[self.parameters["data"]["kind"]])
            with torch.no_grad():
                points = generator(self._sample_latents(POINTS)).cpu().double().numpy()
            return point_metrics.jensen_shannon(grid.data, grid.masses(points))
        best, worst = duality_gap(
            discriminator,
            generator,
            self._sample_real,
            self._sample_latents,
            choose_adversary_budget(self.parameters),
            value=own_value(self.parameters["objective"]),
        )
        return best - worst

    def _sample_latents(self, count: int) -> Tensor:
        return sample_latents(self.parameters["latent"], count, self.noise)

    def _sample_real(self, count: int) -> Tensor:
        index = torch.randint(
            len(self.real), (count,), generator=self.noise, device=self.real.device
        )
        return to_float(self.real[index])

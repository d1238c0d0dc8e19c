"""Early stopping: ends a run whose metric no longer improves.

The duality gap and the metrics of points with a known density need nothing but the run itself; for
those of images a stage gives the function that scores a generator. They are measured at snapshots,
with random streams of their own, so a run that is measured but not stopped gives the same bits as
one that is not measured.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ganbench import randomness
from ganbench.catalogue.metrics import BY_FEATURES, BY_POINTS, METRICS
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

STOPPING_BUDGET = AdversaryBudget(
    steps=MOST_STEPS, batch_size=BATCH_SIZE, samples=MOST_STEPS * SAMPLES_PER_STEP
)
"""What one duality gap may cost at most; a short run affords less."""


Score = Callable[[nn.Module, Callable[[int], Tensor]], float]
"""Scores a generator, with samples from as many latents as it asks the second argument for."""


def choose_adversary_budget(parameters: Mapping[str, Any]) -> AdversaryBudget:
    """What each duality gap of a run may cost, so that all of them do not double its time."""
    most = STOPPING_BUDGET
    steps = min(most.steps, adversary_steps(parameters))
    return replace(most, steps=steps, samples=most.samples * steps // most.steps)


class Stopping:
    """Measures one run at its snapshots, and says when it should end.

    `parameters["stop"]` is None, which never ends a run, or has `metric` and `patience`: the number
    of snapshots without improvement after which a run ends. `score` measures a metric of images.
    `best` is the best value until now, with the other sign where higher is better.
    """

    def __init__(
        self,
        parameters: Mapping[str, Any],
        dataset: str,
        seed: int,
        real: Tensor,
        score: Score | None = None,
    ) -> None:
        self.options, self.parameters, self.real = parameters["stop"], parameters, real
        self.score = score
        metric = METRICS[self.options["metric"]] if self.options else None
        self.sign = -1 if metric and metric.better == "higher" else 1
        if metric and metric.name in BY_FEATURES and score is None:
            raise ValueError(f"a run that stops by {metric.name} needs the function that scores it")
        self.noise = randomness.generator(dataset, seed, Stream.STOPPING_NOISE, real.device)
        self.best, self.best_step, self.waited = math.inf, None, 0

    def reason(self, step: int, generator: nn.Module, discriminator: nn.Module) -> str | None:
        """The reason to end the run at this snapshot, of `step`, or None. Changes no network."""
        if self.options is None:
            return None
        for network in (generator, discriminator):
            network.eval()  # as in the evaluation
        value = self.sign * self._measure(generator, discriminator)
        for network in (generator, discriminator):
            network.train()
        self.waited += 1
        if value < self.best:
            self.best, self.best_step, self.waited = value, step, 0
        if self.waited < self.options["patience"]:
            return None
        return (
            f"{self.options['metric']} has not improved over {self.waited} snapshots "
            f"(best {self.sign * self.best:.4g} at step {self.best_step}, "
            f"now {self.sign * value:.4g})"
        )

    def _measure(self, generator: nn.Module, discriminator: nn.Module) -> float:
        name = self.options["metric"]
        if self.score and name in BY_FEATURES:
            return self.score(generator, self._sample_latents)
        if name in BY_POINTS:
            density = DENSITIES[self.parameters["data"]["kind"]]
            with torch.no_grad():
                points = generator(self._sample_latents(POINTS)).cpu().double().numpy()
            grid = point_metrics.make_grid(density)
            sample = point_metrics.PointSample(density, grid, points, points)
            return float(point_metrics.OF_SAMPLES[name](sample))
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

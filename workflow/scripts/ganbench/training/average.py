"""A running mean of the generator's weights, which snapshots then hold."""

import copy
from collections.abc import Callable

import torch
from torch import nn


class WeightAverage:
    """The bias-corrected exponential moving average of a network's weights.

    After t steps with weights θ₁ … θₜ it is (1 − d) Σ dᵗ⁻ˢ θₛ / (1 − dᵗ), summed over s = 1 … t
    (Yaz et al. 2019). The division is the bias correction of Kingma and Ba 2015, Section 3. Without
    it the initial weights dominate the mean of a run that is short compared with 1/(1 − d) steps.

    `half_life_factor(t)` multiplies the half-life of the mean at step t, so that its decay there is
    d^(1/factor); 0 makes the mean the weights themselves. A ramp from 0 is that of Karras et al.
    2020 and 2022. The correction is then by the product of all decays.

    Batch normalisation's running moments are copied: they are running means already.
    """

    def __init__(
        self,
        network: nn.Module,
        decay: float,
        half_life_factor: Callable[[int], float] | None = None,
    ) -> None:
        self.decay, self.steps = decay, 0
        self.product = 1.0
        self._factor = half_life_factor
        self.network = copy.deepcopy(network).requires_grad_(False)

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Adds the weights after one more step to the mean."""
        self.steps += 1
        share = self._find_share()
        means, weights = list(self.network.parameters()), list(network.parameters())
        torch._foreach_lerp_(means, weights, share)
        for mean, value in zip(self.network.buffers(), network.buffers(), strict=True):
            mean.copy_(value)

    def _find_share(self) -> float:
        """The share of the newest weights in the mean."""
        if self._factor is None:
            return (1 - self.decay) / (1 - self.decay**self.steps)
        factor = self._factor(self.steps)
        decay = self.decay ** (1 / factor) if factor else 0.0
        self.product *= decay
        return (1 - decay) / (1 - self.product)

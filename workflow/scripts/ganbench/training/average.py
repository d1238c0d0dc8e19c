"""A running mean of the generator's weights, which snapshots then hold."""

import copy

import torch
from torch import nn


class WeightAverage:
    """The bias-corrected exponential moving average of a network's weights.

    After t steps with weights θ₁ … θₜ it is (1 − d) Σ dᵗ⁻ˢ θₛ / (1 − dᵗ), summed over s = 1 … t
    (Yaz et al. 2019). The division is the bias correction of Kingma and Ba 2015, Section 3. Without
    it the initial weights dominate the mean of a run that is short compared with 1/(1 − d) steps.

    Batch normalisation's running moments are copied: they are running means already.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay, self.steps = decay, 0
        self.network = copy.deepcopy(network).requires_grad_(False)

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Adds the weights after one more step to the mean."""
        self.steps += 1
        share = (1 - self.decay) / (1 - self.decay**self.steps)
        means, weights = list(self.network.parameters()), list(network.parameters())
        torch._foreach_lerp_(means, weights, share)
        for mean, value in zip(self.network.buffers(), network.buffers(), strict=True):
            mean.copy_(value)

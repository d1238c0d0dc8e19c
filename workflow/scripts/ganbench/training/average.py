"""A running mean of the generator's weights, which is then what snapshots hold."""

import copy

import torch
from torch import nn


class WeightAverage:
    """θ̄ₜ = (1 − d) Σ dᵗ⁻ˢ θₛ / (1 − dᵗ) over the steps s = 1 … t (Yaz et al. 2019).

    The division is the bias correction of Kingma and Ba 2015, Section 3: without it a mean whose
    memory 1/(1 − d) is long beside the budget would be made of initial weights for the most part.
    Batch normalisation's running moments are copied: they are a running mean already.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay, self.steps = decay, 0
        self.network = copy.deepcopy(network).requires_grad_(False)

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Takes the weights after one more step into the mean."""
        self.steps += 1
        share = (1 - self.decay) / (1 - self.decay**self.steps)
        means, weights = list(self.network.parameters()), list(network.parameters())
        torch._foreach_lerp_(means, weights, share)
        for mean, value in zip(self.network.buffers(), network.buffers(), strict=True):
            mean.copy_(value)

"""A running mean of the generator's weights, which is then what snapshots hold."""

import copy

import torch
from torch import nn


class WeightAverage:
    """θ̄ ← d·θ̄ + (1 − d)·θ after each step (Yaz et al. 2019; Karras et al. 2018, Appendix A).

    Begins at the initial weights. Batch normalisation's running moments are copied: they are a
    running mean already.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.network = copy.deepcopy(network).requires_grad_(False)

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Takes the weights after one more step into the mean."""
        means, weights = list(self.network.parameters()), list(network.parameters())
        torch._foreach_lerp_(means, weights, 1 - self.decay)
        for mean, value in zip(self.network.buffers(), network.buffers(), strict=True):
            mean.copy_(value)

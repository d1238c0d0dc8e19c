"""How maps lie in memory: channel by pixel in a whole network, on the way forth and back."""

from typing import Any

import torch
from torch import Tensor, nn


class _GradientChannelsLast(torch.autograd.Function):
    """The identity; its gradient lies channel by pixel."""

    @staticmethod
    def forward(_context: Any, maps: Tensor) -> Tensor:
        return maps.view_as(maps)

    @staticmethod
    def backward(_context: Any, gradient: Tensor) -> Tensor:
        return gradient.contiguous(memory_format=torch.channels_last)


def in_channels_last(network: nn.Module) -> nn.Module:
    """The network, with weights and maps `(batch, channels, height, width)` channel by pixel.

    Convolutions keep to the layout of what they are given. Where vectors become maps, and where
    gradients of vectors become gradients of maps, it is given to them; else every layer behind
    would have two operands of different layouts.
    """
    network.to(memory_format=torch.channels_last)
    for layer in network.modules():
        if isinstance(layer, nn.Unflatten):
            layer.register_forward_hook(
                lambda _layer, _given, maps: maps.contiguous(memory_format=torch.channels_last)
            )
        if isinstance(layer, nn.Flatten):
            layer.register_forward_pre_hook(
                lambda _layer, given: _GradientChannelsLast.apply(given[0])
            )
    return network

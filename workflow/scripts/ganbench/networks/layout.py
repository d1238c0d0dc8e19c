"""The memory layout `channels_last`, forward and backward, for a whole network."""

from typing import Any

import torch
from torch import Tensor, nn


class _GradientChannelsLast(torch.autograd.Function):
    """The identity; its gradient is in channels_last."""

    @staticmethod
    def forward(_context: Any, maps: Tensor) -> Tensor:
        return maps.view_as(maps)

    @staticmethod
    def backward(_context: Any, gradient: Tensor) -> Tensor:
        return gradient.contiguous(memory_format=torch.channels_last)


def to_channels_last(network: nn.Module) -> nn.Module:
    """Puts weights, maps `(batch, channels, height, width)` and their gradients in channels_last.

    A convolution keeps the layout of its input. So hooks set the layout wherever vectors become
    maps, and wherever gradients of vectors become gradients of maps; without them, every later
    layer would have operands of two layouts. Changes and returns `network`.
    """
    network.to(memory_format=torch.channels_last)
    for layer in network.modules():
        if isinstance(layer, nn.Unflatten):
            layer.register_forward_hook(
                lambda _layer, _inputs, maps: maps.contiguous(memory_format=torch.channels_last)
            )
        if isinstance(layer, nn.Flatten):
            layer.register_forward_pre_hook(
                lambda _layer, inputs: _GradientChannelsLast.apply(inputs[0])
            )
    return network

"""A network's pass in a lower precision than that of its weights."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils import parametrize

from ganbench.networks.layers import ConvTransposeToImages

PRODUCTS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
"""Layers that multiply matrices. Only they are computed in the lower precision."""


Forward = Callable[[Tensor], Tensor]
"""A network's pass, from its inputs to its output in float32."""


def forward_in(precision: torch.dtype, network: nn.Module) -> Forward:
    """The pass of `network` with matrix products and convolutions in `precision`.

    The weights stay float32, and so do their gradients.
    """
    if precision == torch.float32:
        return network

    def forward(inputs: Tensor) -> Tensor:
        weights = dict(_list_product_weights(network))
        rounded = _Round.apply(precision, *weights.values()) if weights else ()
        with torch.autocast(inputs.device.type, precision):
            replaced = dict(zip(weights, rounded, strict=True))
            return functional_call(network, replaced, (inputs,)).float()

    return forward


def _list_product_weights(network: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """What enters products, by name, but for weights that a parametrization computes."""
    for prefix, layer in network.named_modules():
        if isinstance(layer, PRODUCTS) and not parametrize.is_parametrized(layer):
            yield f"{prefix}.weight", layer.weight
            # the last layer of a generator adds its bias to images in float32
            if layer.bias is not None and not isinstance(layer, ConvTransposeToImages):
                yield f"{prefix}.bias", layer.bias


class _Round(torch.autograd.Function):
    """Rounds tensors to a precision, and their gradients back to float32, all in one kernel.

    Autocast alone would start a kernel for every tensor.
    """

    @staticmethod
    def forward(context: Any, precision: torch.dtype, *tensors: Tensor) -> tuple[Tensor, ...]:
        context.precisions = [tensor.dtype for tensor in tensors]
        rounded = [torch.empty_like(tensor, dtype=precision) for tensor in tensors]
        torch._foreach_copy_(rounded, list(tensors))
        return tuple(rounded)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Any, ...]:
        exact = [
            torch.empty_like(gradient, dtype=precision)
            for gradient, precision in zip(gradients, context.precisions, strict=True)
        ]
        torch._foreach_copy_(exact, list(gradients))
        return None, *exact

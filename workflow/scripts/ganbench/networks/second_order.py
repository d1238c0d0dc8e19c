"""Passes whose gradient with respect to the input is differentiated again, as penalties need.

torch can do this with any layer, at twice the cost for two of them:

- A leaky ReLU's gradient does not depend on its input but for the sign. torch makes a gradient of
  zeros of that and carries it back through the whole network. Where there is no gradient, the
  functions below return none.
- The input gradient of a convolution, differentiated with respect to the weight, is one more weight
  gradient. torch computes it as a convolution with a kernel as large as the maps.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganbench.networks.layers import ConvOfImages, is_on_gpu


@contextmanager
def differentiable_inputs(network: nn.Module) -> Iterator[None]:
    """Within it, the gradient of the network's inputs costs little to differentiate.

    Only for gradients with `create_graph` of the inputs alone: those of the weights are left out.
    """
    layers = []
    for layer in network.modules():
        if isinstance(layer, nn.LeakyReLU):
            layer.forward = partial(_LeakyReLU.apply, layer.negative_slope)
        elif isinstance(layer, nn.ReLU):
            layer.forward = partial(_LeakyReLU.apply, 0.0)
        elif isinstance(layer, nn.Conv2d) and not isinstance(layer, ConvOfImages):
            layer.forward = partial(_convolve, layer)
        else:
            continue
        layers.append(layer)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


class _LeakyReLU(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, slope: float, inputs: Tensor) -> Tensor:
        context.slope = slope
        context.save_for_backward(inputs)
        context.set_materialize_grads(False)
        return F.leaky_relu(inputs, slope)

    @staticmethod
    def backward(context: Any, gradient: Tensor | None) -> tuple[None, Tensor | None]:
        if gradient is None:
            return None, None
        (inputs,) = context.saved_tensors
        return None, _Gate.apply(context.slope, gradient, inputs)


class _Gate(torch.autograd.Function):
    """Multiplies a gradient by the slope at each input, which does not depend on the input."""

    @staticmethod
    def forward(context: Any, slope: float, gradient: Tensor, inputs: Tensor) -> Tensor:
        context.slope = slope
        context.save_for_backward(inputs)
        return torch.ops.aten.leaky_relu_backward(gradient, inputs, slope, False)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[None, Tensor, None]:
        (inputs,) = context.saved_tensors
        return None, _Gate.apply(context.slope, gradient, inputs), None


def _convolve(layer: nn.Conv2d, maps: Tensor) -> Tensor:
    if not is_on_gpu(maps):
        return type(layer).forward(layer, maps)
    return _Convolution.apply(layer, maps, layer.weight, layer.bias)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(
        context: Any, layer: nn.Conv2d, maps: Tensor, weight: Tensor, bias: Tensor | None
    ) -> Tensor:
        context.layer = layer
        context.save_for_backward(maps, weight)
        context.set_materialize_grads(False)
        return layer._conv_forward(maps, weight, bias)

    @staticmethod
    def backward(context: Any, gradient: Tensor | None) -> tuple[Tensor | None, ...]:
        if gradient is None:
            return None, None, None, None
        layer, (maps, weight) = context.layer, context.saved_tensors
        if torch.is_grad_enabled():  # with create_graph: of the inputs alone
            return None, _transpose(layer, gradient, weight, maps.shape), None, None
        gradients = torch.ops.aten.convolution_backward(
            gradient,
            maps,
            weight,
            [layer.out_channels],
            layer.stride,
            layer.padding,
            layer.dilation,
            False,
            [0, 0],
            layer.groups,
            context.needs_input_grad[1:],
        )
        return None, *gradients


def _transpose(
    layer: nn.Conv2d, gradient: Tensor, weight: Tensor, shape: tuple[int, ...]
) -> Tensor:
    """The gradient of a convolution's input of `shape`, as a layer that torch differentiates."""
    left_over = []
    for axis in range(2):
        reach = (gradient.shape[axis + 2] - 1) * layer.stride[axis] - 2 * layer.padding[axis]
        left_over.append(shape[axis + 2] - reach - layer.kernel_size[axis])
    return F.conv_transpose2d(
        gradient, weight, None, layer.stride, layer.padding, output_padding=left_over
    )

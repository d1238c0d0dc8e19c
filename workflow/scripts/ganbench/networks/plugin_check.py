"""Whether the networks of a plugin return what training takes, tried once when they are built.

A copy is tried with a small batch, so that neither weights nor random streams change. A network of
which there is no copy is not tried.
"""

import copy
import math

import torch
from torch import Tensor, nn

from ganbench.catalogue.architectures import ARCHITECTURES
from ganbench.catalogue.plugin_parts import PluginError, PluginPart
from ganbench.networks.layers import Shape

COUNT = 4
"""Samples in the batch."""

ROUNDING = 1e-3
"""By less than this an image may lie outside of [−1, 1]."""


def check_generator(network: nn.Module, part: PluginPart, latent: int, shape: Shape) -> None:
    """Raises PluginError unless latents become samples of `shape`, and images within [−1, 1].

    Where D reconstructs, as in BEGAN, a generator ends without a bound, and images are clipped.
    """
    if _has_computed_weights(network):
        return
    samples = _try(network, (latent,))
    name = f"the generator of the network {part.name}"
    _check_shape(network, part, samples, shape, f"{name} makes of {COUNT} latents")
    if len(shape) < 3 or samples.is_meta or ARCHITECTURES[part.name].reconstructs:
        return
    low, high = float(samples.min()), float(samples.max())
    if max(-low, high) > 1 + ROUNDING:
        raise PluginError(
            f"{_find_place(network, part)}: {name} makes images with values from {low:.3g} to "
            f"{high:.3g}, expected images in [-1, 1]; end it with torch.tanh"
        )


def check_discriminator(network: nn.Module, part: PluginPart, shape: Shape) -> None:
    """Raises PluginError unless samples of `shape` become one number each."""
    if _has_computed_weights(network):
        return
    outputs = _try(network, shape)
    name = f"the discriminator of the network {part.name}"
    _check_shape(network, part, outputs, (), f"{name} makes of {COUNT} samples")


def _try(network: nn.Module, shape: Shape) -> object:
    """What a copy of the network makes of a batch between −1 and 1."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        return copy.deepcopy(network)(torch.rand(COUNT, *shape) * 2 - 1)


def _has_computed_weights(network: nn.Module) -> bool:
    """Whether a hook computes weights, as `torch.nn.utils.weight_norm` does: there is no copy."""
    return any(
        isinstance(value, Tensor) and not value.is_leaf
        for layer in network.modules()
        for value in vars(layer).values()
    )


def _check_shape(
    network: nn.Module, part: PluginPart, found: object, shape: Shape, what: str
) -> None:
    expected = (COUNT, *shape)
    if isinstance(found, Tensor) and tuple(found.shape) == expected:
        return
    shown = f"the shape {tuple(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
    hint = "; flatten it" if isinstance(found, Tensor) and _holds(found, expected) else ""
    raise PluginError(
        f"{_find_place(network, part)}: {what} {shown}, expected the shape {expected}{hint}"
    )


def _holds(found: Tensor, expected: Shape) -> bool:
    """Whether a tensor has as many numbers as a list of one number for each sample needs."""
    return len(expected) == 1 and found.numel() == math.prod(expected)


def _find_place(network: nn.Module, part: PluginPart) -> str:
    """Where the network's `forward` begins, if that is in the plugin, or else the part."""
    code = getattr(type(network).forward, "__code__", None)
    if code is None or code.co_filename != str(part.file):
        return part.place
    return f"{part.file.name}: line {code.co_firstlineno}"

"""The weights and operations of the networks by formula, so that planning needs no torch.

A job counts the operations of its run exactly (`training.flops`). These formulas leave out biases,
normalisations and the projections of spectral normalisation; a test holds them to that count.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ganbench.catalogue.architectures import CODE, began_halvings, halvings
from ganbench.catalogue.updates import cost_of_updates

Shape = Sequence[int]
Network = Mapping[str, Any]

REGULARIZED = ("gradient_penalty", "dragan", "r1", "r2")
"""Regularizers that differentiate D by its input, and the result by the weights."""


@dataclass(frozen=True)
class Size:
    """Weights of some layers, and operations of one sample's forward pass through them."""

    weights: int = 0
    operations: int = 0

    def __add__(self, other: "Size") -> "Size":
        return Size(self.weights + other.weights, self.operations + other.operations)


def _dense(before: int, after: int) -> Size:
    return Size(before * after, 2 * before * after)


def _convolve(before: int, after: int, side: int, kernel: int) -> Size:
    """A convolution whose weights are applied at side × side places."""
    return Size(before * after * kernel**2, 2 * before * after * (kernel * side) ** 2)


def _add_up(layers: Sequence[Size]) -> Size:
    return sum(layers, Size())


def _size_mlp(network: Network, latent: int, shape: Shape) -> tuple[Size, Size]:
    width, ends = network["width"], math.prod(shape)
    hidden = _dense(width, width) + _dense(width, width)
    return (
        _dense(latent, width) + hidden + _dense(width, ends),
        _dense(ends, width) + hidden + _dense(width, 1),
    )


def _size_dcgan(network: Network, latent: int, shape: Shape) -> tuple[Size, Size]:
    channels, resolution, _ = shape
    width, kernel, levels = network["width"], network["kernel"], halvings(resolution)
    maps = [channels, *(width << level for level in range(levels))]
    sides = [resolution >> (level + 1) for level in range(levels)]
    middle = _add_up(
        [
            _convolve(before, after, side, kernel)
            for (before, after), side in zip(pairwise(maps), sides, strict=True)
        ]
    )
    smallest = maps[-1] * sides[-1] ** 2
    return _dense(latent, smallest) + middle, middle + _dense(smallest, 1)


def _size_infogan(network: Network, latent: int, shape: Shape) -> tuple[Size, Size]:
    channels, resolution, _ = shape
    width, side = network["width"], resolution // 4
    flat = 2 * width * side**2
    middle = _convolve(channels, width, 2 * side, 4) + _convolve(width, 2 * width, side, 4)
    hidden = _dense(flat, 16 * width) + middle
    return _dense(latent, 16 * width) + hidden, hidden + _dense(16 * width, 1)


def _size_sngan(network: Network, latent: int, shape: Shape) -> tuple[Size, Size]:
    channels, resolution, _ = shape
    width = network["width"]
    small = resolution == 32
    up = [4 * width] * 4 if small else [width << power for power in (4, 3, 2, 1, 0)]
    down = [2 * width] * 4 if small else [width << power for power in range(5)]
    halves = [True, False, False] if small else [True] * 4
    generator = [_dense(latent, up[0] * 16), _convolve(up[-1], channels, resolution, 3)]
    side = 4
    for before, after in pairwise(up):
        generator.append(_convolve(before, after, side, 1))
        side *= 2
        generator += [_convolve(before, after, side, 3), _convolve(after, after, side, 3)]
    side = resolution
    discriminator = [_convolve(channels, down[0], side, 3), _convolve(down[0], down[0], side, 3)]
    side //= 2
    discriminator += [_convolve(channels, down[0], side, 1), _dense(down[-1], 1)]
    for (before, after), halved in zip(pairwise(down), halves, strict=True):
        discriminator += [_convolve(before, before, side, 3), _convolve(before, after, side, 3)]
        side //= 2 if halved else 1
        if halved or before != after:
            discriminator.append(_convolve(before, after, side, 1))
    return _add_up(generator), _add_up(discriminator)


def _size_began(network: Network, latent: int, shape: Shape) -> tuple[Size, Size]:
    channels, resolution, _ = shape
    width, levels = network["width"], began_halvings(resolution)
    sides = [resolution >> level for level in range(levels + 1)]
    smallest = sides[-1] ** 2
    decoder = [_convolve(width, channels, resolution, 3)]
    decoder += [_convolve(width, width, side, 3) for side in sides for _ in range(2)]
    encoder = [_convolve(channels, width, resolution, 3)]
    encoder += [_dense((levels + 1) * width * smallest, CODE), _dense(CODE, width * smallest)]
    for level, side in enumerate(sides, start=1):
        encoder += [_convolve(level * width, level * width, side, 3)] * 2
        if level <= levels:
            encoder.append(_convolve(level * width, (level + 1) * width, side // 2, 3))
    middle = _add_up(decoder)
    return _dense(latent, width * smallest) + middle, _add_up(encoder) + middle


FORMULAS: dict[str, Callable[[Network, int, Shape], tuple[Size, Size]]] = {
    "began": _size_began,
    "mlp": _size_mlp,
    "dcgan": _size_dcgan,
    "dcgan_torch_init": _size_dcgan,
    "infogan": _size_infogan,
    "sngan_resnet": _size_sngan,
}
"""The sizes of networks by name. One that has no formula is estimated less well."""


def size_networks(parameters: Mapping[str, Any], shape: Shape) -> tuple[Size, Size]:
    """The generator and the discriminator of a run on samples of `shape`.

    A network without a formula, such as a plugin's, is taken to be as large as a dcgan.
    """
    network = parameters["network"]
    size = FORMULAS.get(network["name"], _size_dcgan)
    return size(network, parameters["latent"]["size"], shape)


def estimate_step_operations(parameters: Mapping[str, Any], shape: Shape) -> float:
    """The floating-point operations of one iteration of Algorithm 1.

    A backward pass is two forward passes: one for the weights, one for the layer below. D's update
    sees real and fake samples, and G makes the fake ones; in G's update D passes gradients only. A
    penalty is a forward pass of D, one back to the samples, and two back through that one: to the
    weights, and to the gradients.
    Game optimizers multiply the last update of each.
    """
    generator, discriminator = size_networks(parameters, shape)
    g, d = generator.operations, discriminator.operations
    update = g + 2 * 3 * d
    for name, options in parameters["regularizers"].items():
        if name in REGULARIZED:
            update += 4 * d / options.get("every", 1)
        if name == "consistency":  # real and fake samples once more, changed
            update += 2 * 3 * d
    others = (parameters["discriminator_steps"] - 1) * update
    last = cost_of_updates(parameters) * (update + 3 * g + 2 * d)
    return float(parameters["batch_size"] * (others + last))

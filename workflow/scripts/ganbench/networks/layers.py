"""What several architectures are made of."""

from torch import nn

Shape = tuple[int, ...]
"""Of one sample: (channels, height, width) of an image, (dimensions,) of a point."""


def norm_of_maps(name: str, channels: int) -> list[nn.Module]:
    """The normalisation `name` (none, batch, layer) of maps `(batch, channels, height, width)`."""
    if name == "batch":
        return [nn.BatchNorm2d(channels)]
    return [nn.GroupNorm(1, channels)] if name == "layer" else []


def norm_of_units(name: str, size: int) -> list[nn.Module]:
    """The same of units `(batch, size)`."""
    if name == "batch":
        return [nn.BatchNorm1d(size)]
    return [nn.LayerNorm(size)] if name == "layer" else []

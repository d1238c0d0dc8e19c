"""What each architecture fits and has, known without torch, so that a study can be checked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Architecture:
    """One architecture: the resolutions that it fits, in words and as a test; its own norms.

    `options` are the keys of a study's `network` that it reads beside the two norms.
    """

    fits: Callable[[int], bool]
    resolutions: str
    generator_norm: str
    discriminator_norm: str
    options: tuple[str, ...] = ("width",)


NORMS = ("own", "none", "batch", "layer")
"""What `generator_norm` and `discriminator_norm` can be; `own` is what the architecture has."""


def halvings(resolution: int) -> int:
    """How often dcgan halves a resolution that it fits: at least twice, until it is 7 or less."""
    count = 2
    while resolution >> count > 7:
        count += 1
    return count


ARCHITECTURES = {
    "dcgan": Architecture(
        fits=lambda resolution: resolution % 2 ** halvings(resolution) == 0,
        resolutions="that can be halved at least twice and until they are 7 or less",
        generator_norm="batch",
        discriminator_norm="none",
        options=("width", "kernel"),
    ),
    "infogan": Architecture(
        fits=lambda resolution: resolution % 4 == 0,
        resolutions="that are multiples of 4",
        generator_norm="batch",
        discriminator_norm="batch",
    ),
    "mlp": Architecture(
        fits=lambda resolution: True,
        resolutions="of any size",
        generator_norm="none",
        discriminator_norm="none",
    ),
    "sngan_resnet": Architecture(
        fits=lambda resolution: resolution in (32, 64),
        resolutions="of 32 or 64",
        generator_norm="batch",
        discriminator_norm="none",
    ),
}


def problem(network: Mapping[str, Any], shape: Sequence[int] | None) -> str:
    """Why `network` (a study's resolved group) cannot be built for samples of `shape`, or ''.

    `shape` is (channels, height, width) of images, None of points.
    """
    name, architecture = network["name"], ARCHITECTURES[network["name"]]
    if shape is None and name != "mlp":
        return f"{name} makes images; for points there is mlp"
    if shape is not None and not architecture.fits(shape[1]):
        return f"{name} fits resolutions {architecture.resolutions}; the images have {shape[1]}"
    if network["kernel"] not in ((4, 5) if "kernel" in architecture.options else (4,)):
        return f"{name} cannot have kernel {network['kernel']}: dcgan takes 4 or 5, no other any"
    for key in ("generator_norm", "discriminator_norm"):
        if network[key] not in NORMS:
            return f"{key} is {network[key]!r}, expected one of {', '.join(NORMS)}"
    return ""


def generator_norm(network: Mapping[str, Any]) -> str:
    """The generator's normalisation, `own` resolved."""
    given = network["generator_norm"]
    return ARCHITECTURES[network["name"]].generator_norm if given == "own" else given


def discriminator_norm(network: Mapping[str, Any]) -> str:
    """The discriminator's normalisation, `own` resolved."""
    given = network["discriminator_norm"]
    return ARCHITECTURES[network["name"]].discriminator_norm if given == "own" else given

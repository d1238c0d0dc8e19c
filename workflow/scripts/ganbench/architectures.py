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


def halvings(resolution: int) -> int | None:
    """How often dcgan halves a resolution: at least twice and until it is 7 or less; or None."""
    count = 0
    while resolution > 7 or count < 2:
        if resolution % 2:
            return None
        resolution //= 2
        count += 1
    return count


ARCHITECTURES = {
    "dcgan": Architecture(
        fits=lambda resolution: halvings(resolution) is not None,
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
    """Why `network` (a study's resolved group) cannot be built for samples of `shape`, or ''."""
    architecture = ARCHITECTURES[network["name"]]
    if shape is not None and not architecture.fits(shape[1]):
        return (
            f"{network['name']} fits resolutions {architecture.resolutions}; "
            f"the images have {shape[1]}"
        )
    if network["kernel"] != 4 and "kernel" not in architecture.options:
        return f"{network['name']} has kernels of its own; only dcgan takes `kernel`"
    return ""


def generator_norm(network: Mapping[str, Any]) -> str:
    """The generator's normalisation, `own` resolved."""
    given = network["generator_norm"]
    return ARCHITECTURES[network["name"]].generator_norm if given == "own" else given


def discriminator_norm(network: Mapping[str, Any]) -> str:
    """The discriminator's normalisation, `own` resolved."""
    given = network["discriminator_norm"]
    return ARCHITECTURES[network["name"]].discriminator_norm if given == "own" else given

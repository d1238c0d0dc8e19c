"""Facts about the architectures, without torch, so that a study can be checked quickly."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Architecture:
    """One architecture: the resolutions that it fits, and the normalisation of its paper.

    `fits` tests a resolution, `resolutions` describes those that fit. `options` are the keys that
    it reads from a study's `network`, besides the two norms. The discriminator of one that
    `reconstructs` gives the error of each image's reconstruction, not a logit.
    """

    fits: Callable[[int], bool]
    resolutions: str
    generator_norm: str
    discriminator_norm: str
    options: tuple[str, ...] = ("width",)
    reconstructs: bool = False


NORMS = ("own", "none", "batch", "layer")
"""Values of `generator_norm` and `discriminator_norm`; `own` is the architecture's own norm.

The discriminator's own norm depends on a variant's regularizers, see `discriminator_norm`.
"""


def halvings(resolution: int) -> int:
    """How often dcgan halves a resolution: at least twice, and until it is 7 or less."""
    count = 2
    while resolution >> count > 7:
        count += 1
    return count


CODE = 64
"""Size of the code of began's auto-encoder, N_h of its paper."""


def began_halvings(resolution: int) -> int:
    """How often began halves a resolution: at least once, and until it is 8 or less."""
    count = 1
    while resolution >> count > 8:
        count += 1
    return count


ARCHITECTURES = {
    "began": Architecture(
        fits=lambda resolution: resolution % 2 ** began_halvings(resolution) == 0,
        resolutions="that can be halved at least once and until they are 8 or less",
        generator_norm="none",
        discriminator_norm="none",
        reconstructs=True,
    ),
    "dcgan": Architecture(
        fits=lambda resolution: resolution % 2 ** halvings(resolution) == 0,
        resolutions="that can be halved at least twice and until they are 7 or less",
        generator_norm="batch",
        discriminator_norm="batch",
        options=("width", "kernel"),
    ),
    "dcgan_torch_init": Architecture(
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


def find_problem(network: Mapping[str, Any], shape: Sequence[int] | None) -> str:
    """Explains why `network` cannot be built for samples of `shape`, or returns ''.

    `network` is the resolved group of a study. `shape` is (channels, height, width) for images, and
    None for points.
    """
    name, architecture = network["name"], ARCHITECTURES[network["name"]]
    if shape is None and name != "mlp":
        return f"{name} generates images; for points, use mlp"
    if shape is not None and not architecture.fits(shape[1]):
        return f"{name} fits resolutions {architecture.resolutions}; the images have {shape[1]}"
    if network["kernel"] not in ((4, 5) if "kernel" in architecture.options else (4,)):
        others = " and ".join(other for other, a in ARCHITECTURES.items() if "kernel" in a.options)
        return f"{name} cannot have kernel {network['kernel']}: only {others} have one, of 4 or 5"
    for key in ("generator_norm", "discriminator_norm"):
        if network[key] not in NORMS:
            return f"{key} is {network[key]!r}, expected one of {', '.join(NORMS)}"
    return ""


def generator_norm(network: Mapping[str, Any]) -> str:
    """The generator's normalisation, with `own` resolved."""
    norm = network["generator_norm"]
    return ARCHITECTURES[network["name"]].generator_norm if norm == "own" else norm


def discriminator_norm(
    network: Mapping[str, Any], regularizers: Mapping[str, Mapping[str, Any]]
) -> str:
    """The discriminator's normalisation, with `own` resolved for a variant's regularizers.

    It is the architecture's, with one exception. In place of batch normalisation there is none if a
    penalty needs each image's own gradient (Gulrajani et al. 2017, Section 4), or if spectral
    normalisation replaces it (Miyato et al. 2018, Section 4).
    """
    norm = network["discriminator_norm"]
    if norm != "own":
        return norm
    own = ARCHITECTURES[network["name"]].discriminator_norm
    replaced = bool(list_penalties(regularizers)) or "spectral_norm" in regularizers
    return "none" if own == "batch" and replaced else own


def resolve_norms(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A run's network with both norms resolved, so that results say what they are of."""
    network = parameters["network"]
    return {
        **network,
        "generator_norm": generator_norm(network),
        "discriminator_norm": discriminator_norm(network, parameters["regularizers"]),
    }


def list_penalties(regularizers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The regularizers that need the gradient of each image's own logit.

    A penalty is what can be lazy: it has the option `every`, a constraint does not.
    """
    return [name for name, options in regularizers.items() if "every" in options]

"""Builds the networks of a run from its resolved parameters."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from ganbench.catalogue import architectures
from ganbench.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from ganbench.networks.infogan import InfoGANDiscriminator, InfoGANGenerator
from ganbench.networks.layers import Shape
from ganbench.networks.mlp import MLPDiscriminator, MLPGenerator
from ganbench.networks.sngan_resnet import SNGANDiscriminator, SNGANGenerator

NETWORKS: dict[str, tuple[type[nn.Module], type[nn.Module]]] = {
    "dcgan": (DCGANGenerator, DCGANDiscriminator),
    "infogan": (InfoGANGenerator, InfoGANDiscriminator),
    "mlp": (MLPGenerator, MLPDiscriminator),
    "sngan_resnet": (SNGANGenerator, SNGANDiscriminator),
}
"""Generator and discriminator by the name a study gives."""


def build_generator(parameters: Mapping[str, Any], shape: Shape) -> nn.Module:
    """The generator of a run's resolved parameters, for samples of `shape`.

    Raises ValueError where the architecture does not fit the shape.
    """
    network = _fitting(parameters["network"], shape)
    norm = architectures.generator_norm(network)
    build = NETWORKS[network["name"]][0]
    return build(parameters["latent"]["size"], shape, norm=norm, **_options(network))


def build_discriminator(parameters: Mapping[str, Any], shape: Shape) -> nn.Module:
    """The discriminator of a run's resolved parameters, for samples of `shape`.

    Raises ValueError where the architecture does not fit the shape.
    """
    network = _fitting(parameters["network"], shape)
    norm = architectures.discriminator_norm(network)
    return NETWORKS[network["name"]][1](shape, norm=norm, **_options(network))


def mixes_samples(network: nn.Module) -> bool:
    """Whether an output depends on the other samples of its batch."""
    return any(isinstance(each, nn.modules.batchnorm._BatchNorm) for each in network.modules())


def count_parameters(network: nn.Module) -> int:
    """How many numbers of a network are trained."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def _fitting(network: Mapping[str, Any], shape: Shape) -> Mapping[str, Any]:
    if problem := architectures.problem(network, shape if len(shape) == 3 else None):
        raise ValueError(problem)
    return network


def _options(network: Mapping[str, Any]) -> dict[str, Any]:
    """What an architecture takes beside its normalisation."""
    taken = architectures.ARCHITECTURES[network["name"]].options
    return {name: network[name] for name in taken}

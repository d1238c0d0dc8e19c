"""Builds the networks of a run from its resolved parameters."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from torch import nn

from ganbench.catalogue import architectures
from ganbench.catalogue.plugin_parts import PluginError
from ganbench.catalogue.plugins import PARTS, identify_part, load_part, naming_lines
from ganbench.networks.began import BEGANDiscriminator, BEGANGenerator
from ganbench.networks.dcgan import DCGANDiscriminator, DCGANGenerator, keep_weights
from ganbench.networks.infogan import InfoGANDiscriminator, InfoGANGenerator
from ganbench.networks.layers import Shape
from ganbench.networks.mlp import MLPDiscriminator, MLPGenerator
from ganbench.networks.plugin_check import check_discriminator, check_generator
from ganbench.networks.sngan_resnet import SNGANDiscriminator, SNGANGenerator

Build = Callable[..., nn.Module]
"""A network's class, perhaps with some of its options."""

NETWORKS: dict[str, tuple[Build, Build]] = {
    "began": (BEGANGenerator, BEGANDiscriminator),
    "dcgan": (DCGANGenerator, DCGANDiscriminator),
    "dcgan_torch_init": (
        partial(DCGANGenerator, initialise=keep_weights),
        partial(DCGANDiscriminator, initialise=keep_weights, bias_before_norm=True),
    ),
    "infogan": (InfoGANGenerator, InfoGANDiscriminator),
    "mlp": (MLPGenerator, MLPDiscriminator),
    "sngan_resnet": (SNGANGenerator, SNGANDiscriminator),
}
"""Generator and discriminator, by `network.name` of a study."""


def build_generator(parameters: Mapping[str, Any], shape: Shape) -> nn.Module:
    """Builds the generator of a run from its resolved parameters, for samples of `shape`.

    Raises ValueError if the architecture does not fit the shape.
    """
    network = _check(parameters["network"], shape)
    norm = architectures.generator_norm(network)
    latent = parameters["latent"]["size"]
    return _build(parameters, 0, latent, shape, norm=norm, **_options(network))


def build_discriminator(parameters: Mapping[str, Any], shape: Shape) -> nn.Module:
    """Builds the discriminator of a run from its resolved parameters, for samples of `shape`.

    Raises ValueError if the architecture does not fit the shape.
    """
    network = _check(parameters["network"], shape)
    norm = architectures.discriminator_norm(network, parameters["regularizers"])
    return _build(parameters, 1, shape, norm=norm, **_options(network))


def _build(
    parameters: Mapping[str, Any], player: int, *arguments: Any, **options: Any
) -> nn.Module:
    """The generator, 0, or the discriminator, 1, of a shipped network or of a plugin's.

    Raises PluginError where the plugin is not that of the run.
    """
    name, expected = parameters["network"]["name"], parameters.get("plugin")
    if expected is None:
        return NETWORKS[name][player](*arguments, **options)
    if identify_part("network", name) != expected:
        raise PluginError(
            f"the network {name} is of another plugin, or of another version of it, than the run "
            f"has, whose digest is {expected['sha256'][:16]}; name that file as `plugins` of the "
            "study, by --plugins, or read it by `ganbench.use_plugin(file)`"
        )
    part = PARTS["network", name]
    with naming_lines(part):
        network = load_part("network", name)()[player](*arguments, **options)
        (check_generator, check_discriminator)[player](network, part, *arguments)
    return network


def mixes_samples(network: nn.Module) -> bool:
    """Whether a sample's output depends on the other samples of its batch."""
    return any(isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in network.modules())


def count_parameters(network: nn.Module) -> int:
    """The number of trainable weights of a network."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def _check(network: Mapping[str, Any], shape: Shape) -> Mapping[str, Any]:
    if network["name"] not in architectures.ARCHITECTURES:
        raise PluginError(
            f"the network {network['name']} is of a plugin, which was not read; name its file as "
            "`plugins` of the study, by --plugins, or read it by `ganbench.use_plugin(file)`"
        )
    if problem := architectures.find_problem(network, shape if len(shape) == 3 else None):
        raise ValueError(problem)
    return network


def _options(network: Mapping[str, Any]) -> dict[str, Any]:
    """The options of an architecture other than its normalisation."""
    names = architectures.ARCHITECTURES[network["name"]].options
    return {name: network[name] for name in names}

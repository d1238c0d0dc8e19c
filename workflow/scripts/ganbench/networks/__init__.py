"""The generators and discriminators a study can name, one file for each architecture.

Every generator maps latents `(batch, latent)` to samples `(batch, *shape)`, images in [-1, 1] or
points; every discriminator maps samples to logits `(batch,)`. A discriminator treats each sample on
its own, so that real and fake ones can share one pass, unless it has batch normalisation.

A discriminator with batch normalisation sees real and fake batches one after the other, each with
its own moments (Radford et al. 2016). Its running moments follow every batch that passes, the
generator's too. With these it is scored: a function of one sample again, though not the one that
its opponent plays against.
"""

from ganbench.networks.build import (
    NETWORKS,
    build_discriminator,
    build_generator,
    count_parameters,
    mixes_samples,
)
from ganbench.networks.layers import Shape
from ganbench.networks.layout import in_channels_last

__all__ = [
    "NETWORKS",
    "Shape",
    "build_discriminator",
    "build_generator",
    "count_parameters",
    "in_channels_last",
    "mixes_samples",
]

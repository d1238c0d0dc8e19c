"""A plugin as users write one: a small residual network, a metric of pixels, and an extractor."""

PLUGIN = '''\
import torch
from torch import nn

import ganbench


class Block(nn.Module):
    """Two convolutions beside the identity."""

    def __init__(self, width):
        super().__init__()
        layers = [nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)]
        self.layers = nn.Sequential(*layers, *[nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)])

    def forward(self, x):
        return x + self.layers(x)


class Generator(nn.Module):
    def __init__(self, latent, shape, *, norm, width):
        super().__init__()
        channels, side, _ = shape
        self.start = nn.Linear(latent, width * (side // 2) ** 2)
        self.form = nn.Unflatten(1, (width, side // 2, side // 2))
        self.body = nn.Sequential(Block(width), nn.Upsample(scale_factor=2), Block(width))
        self.end = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, latents):
        return torch.tanh(self.end(self.body(self.form(self.start(latents)))))


class Discriminator(nn.Module):
    def __init__(self, shape, *, norm, width):
        super().__init__()
        self.start = nn.Conv2d(shape[0], width, 3, padding=1)
        self.body = nn.Sequential(Block(width), nn.AvgPool2d(2), Block(width), nn.ReLU())
        self.end = nn.Linear(width, 1)

    def forward(self, images):
        return self.end(self.body(self.start(images)).mean((2, 3))).flatten()


@ganbench.network("residual", multiple_of=2)
def residual():
    return Generator, Discriminator


@ganbench.metric(
    "pixel_difference",
    better="lower",
    range=[0, 255],
    definition="The largest difference between two mean images, in grey levels.",
)
def pixel_difference(generated, real):
    means = [sample.images.double().mean(0) for sample in (generated, real)]
    return (means[0] - means[1]).abs().max()


@ganbench.metric(
    "spread", of="points", better="neither", definition="The standard deviation of all coordinates."
)
def spread(points, real):
    return points.std()


@ganbench.extractor("pixels", trained_on="nothing: the pixels are projected at random")
def pixels():
    return nn.Sequential(ToFloat(), nn.Flatten(), nn.LazyLinear(16))


class ToFloat(nn.Module):
    def forward(self, images):
        return images / 255
'''

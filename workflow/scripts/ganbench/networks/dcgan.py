"""The networks of Radford et al. 2016, Unsupervised representation learning with DCGANs."""

from collections.abc import Callable

from torch import Tensor, nn

from ganbench.catalogue.architectures import halvings
from ganbench.networks.layers import ConvOfImages, ConvTransposeToImages, Shape, norm_2d

HALVING = {
    4: {"kernel_size": 4, "stride": 2, "padding": 1},
    5: {"kernel_size": 5, "stride": 2, "padding": 2},
}
"""Options of a convolution that halves the resolution, by kernel."""

DOUBLING = {4: HALVING[4], 5: {**HALVING[5], "output_padding": 1}}
"""Options of a transposed convolution that doubles the resolution, by kernel."""

STD = 0.02
"""Initial weights are drawn from N(0, STD²), as in Section 4 of the paper; biases start at 0."""


def draw_weights(network: nn.Module) -> None:
    """Draws a network's initial weights; the scales of batch normalisation are from N(1, STD²).

    The paper says this of "all weights"; the mean of 1 is that of the authors' code. The scales are
    drawn last, so that networks with and without normalisation share all other weights.
    """
    layers = list(network.modules())
    for layer in layers:
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, std=STD)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    for layer in layers:
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, mean=1, std=STD)


def keep_weights(_network: nn.Module) -> None:
    """Leaves a network the initial weights that torch gave its layers."""


class DCGANGenerator(nn.Module):
    """Transposed convolutions of stride 2, from a small square up to the images' resolution.

    As in Section 3 and Figure 1 of the paper: batch normalisation and ReLU, tanh at the end. The
    last layer has `width` input channels, and each layer before it twice as many as the next. The
    paper's figure has width 128, kernel 5 and a latent of 100 at 64 pixels. The first layer is
    often written as a transposed convolution of an image of one pixel, which is the same product.
    `initialise` draws the initial weights.
    """

    def __init__(
        self,
        latent: int,
        shape: Shape,
        *,
        width: int,
        kernel: int,
        norm: str,
        initialise: Callable[[nn.Module], None] = draw_weights,
    ) -> None:
        super().__init__()
        channels, resolution, _ = shape
        levels = halvings(resolution)
        smallest = resolution >> levels
        features = width << (levels - 1)
        bias = norm == "none"  # a normalisation has a bias of its own
        layers: list[nn.Module] = [
            nn.Linear(latent, features * smallest**2, bias=bias),
            nn.Unflatten(1, (features, smallest, smallest)),
            *norm_2d(norm, features),
            nn.ReLU(),
        ]
        for _ in range(levels - 1):
            layers += [
                nn.ConvTranspose2d(features, features // 2, **DOUBLING[kernel], bias=bias),
                *norm_2d(norm, features // 2),
                nn.ReLU(),
            ]
            features //= 2
        layers += [ConvTransposeToImages(features, channels, **DOUBLING[kernel]), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        initialise(self)

    def forward(self, latent: Tensor) -> Tensor:
        """Latents `(batch, latent)` to images `(batch, channels, height, width)` in [-1, 1]."""
        return self.layers(latent)


class DCGANDiscriminator(nn.Module):
    """Convolutions of stride 2 with leaky ReLU down to a small square, then one logit.

    As in Section 3 of the paper: normalisation in all layers after the first. With that of the
    paper, `batch`, the images of a batch influence each other's logits. `bias_before_norm` keeps
    the biases that a normalisation makes useless. `initialise` draws the initial weights.
    """

    def __init__(
        self,
        shape: Shape,
        *,
        width: int,
        kernel: int,
        norm: str,
        bias_before_norm: bool = False,
        initialise: Callable[[nn.Module], None] = draw_weights,
    ) -> None:
        super().__init__()
        channels, resolution, _ = shape
        levels = halvings(resolution)
        layers: list[nn.Module] = []
        for level in range(levels):
            features = width << level
            convolution = nn.Conv2d if level else ConvOfImages
            layer = convolution(channels, features, **HALVING[kernel])
            norms = norm_2d(norm, features) if level else []
            if norms and not bias_before_norm:
                layer.bias = None  # made and dropped: every norm draws the same random numbers
            layers += [layer, *norms]
            layers += [nn.LeakyReLU(0.2)]
            channels = features
        layers += [nn.Flatten(), nn.Linear(channels * (resolution >> levels) ** 2, 1)]
        self.layers = nn.Sequential(*layers)
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        """Images `(batch, channels, height, width)` to logits `(batch,)`."""
        return self.layers(images).squeeze(1)

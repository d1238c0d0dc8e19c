"""The networks of Berthelot et al. 2017, BEGAN, Section 3.5 and Figure 1.

The discriminator is an auto-encoder, and its output the error of each image's reconstruction. The
generator has the architecture of its decoder. The paper gives no initialisation; we use Glorot
uniform. The optional normalisation is ours too.
"""

from torch import Tensor, nn

from ganbench.catalogue.architectures import CODE, began_halvings
from ganbench.networks.layers import Shape, norm_2d


class BEGANGenerator(nn.Module):
    """The decoder of the paper, from the latent. As there, its last layer has no activation."""

    def __init__(self, latent: int, shape: Shape, *, width: int, norm: str) -> None:
        super().__init__()
        self.layers = _make_decoder(latent, shape, width, norm)

    def forward(self, latent: Tensor) -> Tensor:
        """Latents `(batch, latent)` to images `(batch, channels, height, width)`."""
        return self.layers(latent)


class BEGANDiscriminator(nn.Module):
    """An auto-encoder; its output is the mean absolute error of an image's reconstruction."""

    def __init__(self, shape: Shape, *, width: int, norm: str) -> None:
        super().__init__()
        self.encoder = _make_encoder(shape, width, norm)
        self.decoder = _make_decoder(CODE, shape, width, norm)

    def forward(self, images: Tensor) -> Tensor:
        """Images `(batch, channels, height, width)` to errors `(batch,)`, with the paper's η 1."""
        return (images - self.decoder(self.encoder(images))).abs().mean(dim=(1, 2, 3))


def _make_encoder(shape: Shape, width: int, norm: str) -> nn.Sequential:
    """Two convolutions at each resolution, and `width` more channels at each lower one."""
    channels, resolution, _ = shape
    levels = began_halvings(resolution)
    layers = _convolve(channels, width, norm)
    for level in range(1, levels + 2):
        features = level * width
        layers += _convolve(features, features, norm) + _convolve(features, features, norm)
        if level <= levels:
            layers += _convolve(features, features + width, norm, stride=2)
    side = resolution >> levels
    return nn.Sequential(*layers, nn.Flatten(), _initialise(nn.Linear(features * side**2, CODE)))


def _make_decoder(size: int, shape: Shape, width: int, norm: str) -> nn.Sequential:
    """Two convolutions at each resolution, all with `width` channels."""
    channels, resolution, _ = shape
    levels = began_halvings(resolution)
    side = resolution >> levels
    layers: list[nn.Module] = [
        _initialise(nn.Linear(size, width * side**2)),
        nn.Unflatten(1, (width, side, side)),
    ]
    for level in range(levels + 1):
        if level:
            layers.append(nn.Upsample(scale_factor=2))
        layers += _convolve(width, width, norm) + _convolve(width, width, norm)
    return nn.Sequential(*layers, _initialise(nn.Conv2d(width, channels, 3, padding=1)))


def _convolve(before: int, after: int, norm: str, stride: int = 1) -> list[nn.Module]:
    layer = _initialise(nn.Conv2d(before, after, 3, stride=stride, padding=1))
    return [layer, *norm_2d(norm, after), nn.ELU()]


def _initialise(layer: nn.Module) -> nn.Module:
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer

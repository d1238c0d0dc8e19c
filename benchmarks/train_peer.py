"""The training loop that people write, with which train_speed.py compares ours.

torchvision's FashionMNIST with its transforms and a DataLoader; networks of the same sizes and
weights, made of torch's own layers; one pass for real and one for fake; the discriminator's weights
not frozen in the generator's step; plain Adam; losses read with `.item()` each step.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from ganbench.training.step import Game
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import FashionMNIST

BATCH = 64


def write_files(folder: Path, images: np.ndarray, labels: np.ndarray) -> None:
    """Writes the files that torchvision reads: images `(count, height, width)` and their labels."""
    raw = folder / "FashionMNIST/raw"
    raw.mkdir(parents=True)
    for stem in ("train", "t10k"):  # torchvision looks for both parts
        _write_idx(raw / f"{stem}-images-idx3-ubyte", images)
        _write_idx(raw / f"{stem}-labels-idx1-ubyte", labels)


def _write_idx(file: Path, array: np.ndarray) -> None:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    file.write_bytes(header + np.ascontiguousarray(array, np.uint8).tobytes())


def use_torch_layers(game: Game) -> Game:
    """Replaces the layers next to images by torch's own convolutions, and returns the game."""
    for player in (game.discriminator, game.generator):
        layers = player.network.layers
        for name, layer in layers.named_children():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                kind = nn.Conv2d if isinstance(layer, nn.Conv2d) else nn.ConvTranspose2d
                layers[int(name)] = _copy_layer(kind, layer)
    return game


def _copy_layer(kind: type[nn.Module], layer: nn.Module) -> nn.Module:
    copy = kind(
        layer.in_channels,
        layer.out_channels,
        layer.kernel_size,
        layer.stride,
        layer.padding,
        bias=layer.bias is not None,
    )
    copy.load_state_dict(layer.state_dict())
    return copy.to(layer.weight.device)


def step(
    game: Game, optimizers: tuple, real: Tensor, latent: Tensor, other_latent: Tensor
) -> tuple[float, float]:
    """Takes one step as people write it, and returns both losses."""
    discriminator, generator = game.discriminator.network, game.generator.network
    discriminator_optimizer, generator_optimizer = optimizers
    criterion = nn.BCEWithLogitsLoss()
    ones = torch.ones(len(real), device=real.device)

    discriminator_optimizer.zero_grad()
    real_loss = criterion(discriminator(real), ones)
    real_loss.backward()
    fake_loss = criterion(discriminator(generator(latent).detach()), 0 * ones)
    fake_loss.backward()
    discriminator_optimizer.step()

    generator_optimizer.zero_grad()
    generator_loss = criterion(discriminator(generator(other_latent)), ones)
    generator_loss.backward()
    generator_optimizer.step()
    return (real_loss + fake_loss).item(), generator_loss.item()


def make_optimizers(game: Game) -> tuple:
    """The discriminator's optimizer and the generator's."""
    return tuple(
        torch.optim.Adam(player.network.parameters(), lr=2e-4, betas=(0.5, 0.999))
        for player in (game.discriminator, game.generator)
    )


def load_batches(folder: Path, device: str, workers: int) -> Iterator[Tensor]:
    """Shuffled images `(BATCH, 1, 28, 28)` in [-1, 1] on the device, without end."""
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.5, 0.5)])
    dataset = FashionMNIST(str(folder), train=True, transform=transform)
    loader = DataLoader(
        dataset,
        BATCH,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        pin_memory=device != "cpu",
    )
    while True:
        for images, _ in loader:
            yield images.to(device, non_blocking=True)

"""SNGAN-ResNet and InfoGAN train as their papers written anew in plain torch do."""

import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from ganbench.training.run import set_up_game
from ganbench.training.step import Game, adversarial_step
from project import ROOT
from torch import Tensor, nn
from training_example import make_pixels, resolve_run

sys.path.insert(0, str(ROOT / "benchmarks"))

import plain_networks as plain

STEPS, BATCH = 20, 8
LAYERS = nn.Linear | nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm1d | nn.BatchNorm2d


def copy_weights(source: nn.Module, target: nn.Module) -> None:
    """Copies the weights of all layers in their order, and the vectors of power iterations."""
    layers = [
        [layer for layer in network.modules() if isinstance(layer, LAYERS)]
        for network in (source, target)
    ]
    for ours, theirs in zip(*layers, strict=True):
        if hasattr(ours, "parametrizations"):
            norm = ours.parametrizations.weight
            theirs.weight.data.copy_(norm.original)
            theirs.u, theirs.v = norm[0]._u.clone(), norm[0]._v.clone()
        else:
            theirs.weight.data.copy_(ours.weight)
        theirs.bias.data.copy_(ours.bias)


def make_infogan() -> tuple[Game, plain.PlainGame]:
    parameters = resolve_run(
        "mnist", network={"name": "infogan", "width": 8}, latent={"size": 10}, batch_size=BATCH
    )
    game = set_up_game(parameters, "mnist", 0, make_pixels("mnist"))
    peer = plain.PlainGame(
        plain.PlainInfoGANGenerator(10, (1, 28, 28), 8),
        plain.PlainInfoGANDiscriminator((1, 28, 28), 8),
        losses=plain.logistic_losses,
        deception=plain.logistic_deception,
        lr=parameters["optimizer"]["lr"],
        betas=tuple(parameters["optimizer"]["betas"]),
        together=False,
    )
    return game, peer


def make_sngan() -> tuple[Game, plain.PlainGame]:
    parameters = resolve_run(
        "cifar10",
        objective="hinge",
        regularizers={"spectral_norm": {}},
        network={"name": "sngan_resnet", "width": 4},
        latent={"size": 10},
        batch_size=BATCH,
        discriminator_steps=2,
        optimizer={"lr": 2e-4, "betas": [0.0, 0.9]},
    )
    game = set_up_game(parameters, "cifar10", 0, make_pixels("cifar10"))
    peer = plain.PlainGame(
        plain.PlainSNGANGenerator(10, 3, 16),
        plain.PlainSNGANDiscriminator(3, 8),
        losses=plain.hinge_losses,
        deception=plain.hinge_deception,
        lr=2e-4,
        betas=(0.0, 0.9),
        together=True,
    )
    return game, peer


@pytest.fixture
def double_precision() -> Iterator[None]:
    """Within it, networks are made in float64, in which rounding cannot hide a difference."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("make", [make_infogan, make_sngan])
def test_twenty_steps_have_the_losses_of_the_paper_written_anew(make):
    game, peer = make()
    for ours, theirs in zip(game.players, (peer.discriminator, peer.generator), strict=True):
        copy_weights(ours.network, theirs)
    noise = torch.Generator().manual_seed(5)
    shape, k = game.sample_real().shape[1:], game.discriminator_steps

    def draw(*sizes: int) -> Tensor:
        return torch.randn(BATCH, *sizes, generator=noise)

    losses = []
    for number in range(1, STEPS + 1):
        reals, latents, last = (
            [draw(*shape).tanh() for _ in range(k)],
            [draw(10) for _ in range(k)],
            draw(10),
        )
        of_step = replace(
            game,
            sample_real=iter(reals).__next__,
            sample_discriminator_latent=iter(latents).__next__,
            sample_generator_latent=lambda last=last: last,
        )
        ours, theirs = adversarial_step(of_step, number), peer.step(reals, latents, last)
        torch.testing.assert_close(ours.discriminator, theirs[0], rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(ours.generator, theirs[1], rtol=1e-6, atol=1e-6)
        losses.append(theirs[0].item())
    assert max(losses) - min(losses) > 1e-3  # they differ far more than that

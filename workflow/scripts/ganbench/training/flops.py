"""How much arithmetic a run takes: counted by playing it with tensors that have only shapes."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from ganbench.networks.build import build_discriminator, build_generator
from ganbench.networks.layers import Shape
from ganbench.regularizers import PENALTIES, Regularization
from ganbench.training.run import assemble_game
from ganbench.training.step import Game, adversarial_step


def count_flops(parameters: Mapping[str, Any], shape: Shape) -> dict[str, float]:
    """Floating-point operations of matrix products and convolutions, two for each multiply-add.

    `generator` and `discriminator`: one sample's way through each. `step`: one iteration of
    Algorithm 1 with its backward passes and regularizers, on average where some are lazy. Costs no
    arithmetic and draws no random number.
    """
    game = _game_of_shapes(parameters, shape)
    latent = torch.empty(1, parameters["latent"]["size"], device="meta")
    sample = torch.empty(1, *shape, device="meta")
    game.generator.network.eval()
    game.discriminator.network.eval()
    found = {
        "generator": _counted(lambda: game.generator.network(latent)),
        "discriminator": _counted(lambda: game.discriminator.network(sample)),
    }
    game.generator.network.train()
    game.discriminator.network.train()
    return found | {"step": _of_iteration(game)}


def _of_iteration(game: Game) -> float:
    """A penalty counts by its share of the discriminator's updates."""
    options = game.regularization.options

    def counted(*penalties: str) -> int:
        due = Regularization({name: {**options[name], "every": 1} for name in penalties})
        return _counted(lambda: adversarial_step(replace(game, regularization=due), 1))

    plain, penalties = counted(), [name for name in options if name in PENALTIES]
    return plain + sum((counted(name) - plain) / options[name]["every"] for name in penalties)


def _of_matrix_vector(matrix: Tensor, vector: Tensor, out_val: Tensor) -> int:
    return 2 * matrix.numel()


FORMULAS = {**flop_registry, torch.ops.aten.mv: _of_matrix_vector}
"""torch's own, and the product that spectral normalisation's power iteration is made of."""


class _Counter(TorchDispatchMode):
    """Adds up the operations of everything within that there is a formula for.

    torch's own FlopCounterMode refuses to be within a gradient of a gradient, as penalties are.
    """

    total = 0

    def __torch_dispatch__(
        self,
        function: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        found = function(*args, **(kwargs or {}))
        if (formula := FORMULAS.get(function._overloadpacket)) is not None:
            self.total += formula(*args, **(kwargs or {}), out_val=found)
        return found


def _counted(work: Callable[[], Any]) -> int:
    with _Counter() as counter:
        work()
    return counter.total


def _game_of_shapes(parameters: Mapping[str, Any], shape: Shape) -> Game:
    """The game of a run on the device `meta`, where tensors hold no numbers."""
    batch, latent = parameters["batch_size"], parameters["latent"]["size"]
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        generator = build_generator(parameters, shape)
        discriminator = build_discriminator(parameters, shape)
        regularization = Regularization(parameters["regularizers"])
        regularization.prepare(discriminator)
    return assemble_game(
        parameters,
        generator,
        discriminator,
        regularization,
        optimizer=torch.optim.SGD,  # any will do: none multiplies matrices
        sample_real=lambda: torch.empty(batch, *shape, device="meta"),
        sample_discriminator_latent=lambda: torch.empty(batch, latent, device="meta"),
        sample_generator_latent=lambda: torch.empty(batch, latent, device="meta"),
    )

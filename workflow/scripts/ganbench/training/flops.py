"""Counts the arithmetic of a run by playing it with tensors that have shapes but no numbers."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from ganbench.augmentation.augmentation import Augmentation
from ganbench.networks.build import build_discriminator, build_generator
from ganbench.networks.layers import Shape
from ganbench.regularizers import PENALTIES, Regularization
from ganbench.training.compiler import without_compiler
from ganbench.training.optimizers import Optimizer
from ganbench.training.run import assemble_game
from ganbench.training.step import Game, adversarial_step


@without_compiler()
def count_flops(parameters: Mapping[str, Any], shape: Shape) -> dict[str, float]:
    """Counts the floating-point operations of matrix products and convolutions.

    A multiply-add counts as two operations. `generator` and `discriminator` are forward passes of
    one sample of `shape`. `step` is one iteration of Algorithm 1, with its backward passes and
    regularizers; a lazy penalty counts by its share of the updates. Counting takes no arithmetic
    and draws no random number.
    """
    game = _build_meta_game(parameters, shape)
    latent = torch.empty(1, parameters["latent"]["size"], device="meta")
    sample = torch.empty(1, *shape, device="meta")
    game.generator.network.eval()
    game.discriminator.network.eval()
    generator = _count(lambda: game.generator.network(latent))
    discriminator = _count(lambda: game.discriminator.network(sample))
    game.generator.network.train()
    game.discriminator.network.train()
    return {
        "generator": generator,
        "discriminator": discriminator,
        "step": _count_step(game),
    }


def _count_step(game: Game) -> float:
    options = game.regularization.options
    always = {name: options[name] for name in options if name not in PENALTIES}

    def count_with(*penalties: str) -> int:
        due = {name: {**options[name], "every": 1} for name in penalties}
        regularization = replace(game.regularization, options=always | due)
        return _count(lambda: adversarial_step(replace(game, regularization=regularization), 1))

    plain = count_with()
    penalties = [name for name in options if name in PENALTIES]
    return plain + sum((count_with(name) - plain) / options[name]["every"] for name in penalties)


def _matrix_vector_flops(matrix: Tensor, vector: Tensor, out_val: Tensor) -> int:
    return 2 * matrix.numel()


FORMULAS = {**flop_registry, torch.ops.aten.mv: _matrix_vector_flops}
"""torch's formulas, and one for the matrix–vector products of spectral normalisation."""


class _Counter(TorchDispatchMode):
    """Adds up the operations that run inside it and have a formula.

    torch's own FlopCounterMode does not work within a gradient of a gradient, which penalties need.
    """

    total = 0

    def __torch_dispatch__(
        self,
        function: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        if (formula := FORMULAS.get(function._overloadpacket)) is not None:
            self.total += formula(*args, **(kwargs or {}), out_val=result)
        return result


def _count(work: Callable[[], Any]) -> int:
    with _Counter() as counter:
        work()
    return counter.total


class _NoOptimizer(Optimizer):
    """Moves nothing; no optimizer multiplies matrices, so none has to be counted."""

    def __init__(self, weights: Iterable[nn.Parameter]) -> None:
        super().__init__(weights, {})

    def step(self) -> None:
        """Does nothing."""


def _build_meta_game(parameters: Mapping[str, Any], shape: Shape) -> Game:
    """The game of a run on the device `meta`, where tensors have no numbers."""
    batch, latent = parameters["batch_size"], parameters["latent"]["size"]
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        generator = build_generator(parameters, shape)
        discriminator = build_discriminator(parameters, shape)
        augment = Augmentation(parameters.get("augment"), {}, torch.device("meta"))
        regularization = Regularization(parameters["regularizers"], augment=augment.for_penalties)
        regularization.prepare(discriminator)
    return assemble_game(
        parameters,
        generator,
        discriminator,
        regularization,
        optimizer=lambda _player, weights: _NoOptimizer(weights),
        augment=augment,
        sample_real=lambda: torch.empty(batch, *shape, device="meta"),
        sample_discriminator_latent=lambda: torch.empty(batch, latent, device="meta"),
        sample_generator_latent=lambda: torch.empty(batch, latent, device="meta"),
    )

"""Whole steps as CUDA graphs: recorded once, then started as one.

A small network keeps a GPU waiting for Python, which starts hundreds of kernels a step. A recorded
step starts the same kernels in the same order on the same memory, and draws from the same random
streams. Written after PyTorch's documentation of `torch.cuda.graph`; it has not run on a GPU yet.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch

from ganbench.training.step import Game, Losses, adversarial_step

Step = Callable[[], Losses]

WARM = 3
"""Steps of each kind before it is recorded: in them kernels are chosen and optimizers set up."""


def records_steps(parameters: Mapping[str, Any], device: torch.device) -> bool:
    """Whether a run of these parameters records its steps."""
    return parameters["cuda_graphs"] and device.type == "cuda"


class RecordingError(RuntimeError):
    """A step cannot be recorded; the message has the reason. The game is of no use any more."""


class Stream:
    """A stream of the GPU, on which the steps of one game are taken and recorded."""

    def __init__(self, game: Game) -> None:
        networks = (game.discriminator.network, game.generator.network)
        self._weights = [weight for network in networks for weight in network.parameters()]
        self._random = list(game.streams.values())
        self._stream = torch.cuda.Stream()

    def take(self, step: Step) -> Losses:
        """Takes a step as it is written."""
        with self._alone():
            return step()

    def record(self, step: Step) -> Step:
        """Records a step without taking it. What it gives takes the step each time.

        Raises RecordingError.
        """
        graph = torch.cuda.CUDAGraph()
        for generator in self._random:
            graph.register_generator_state(generator)
        try:
            with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
                losses = step()
        except RuntimeError as error:
            raise RecordingError(f"a step cannot be recorded as a CUDA graph: {error}") from error
        gradients = [weight.grad for weight in self._weights]

        def taken() -> Losses:
            with self._alone():
                graph.replay()
            # of this recording; another one, or a step as it is written, has others
            for weight, gradient in zip(self._weights, gradients, strict=True):
                weight.grad = gradient
            return losses

        return taken

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """After all that was asked of the GPU so far, and before all that will be."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            yield
        torch.cuda.current_stream().wait_stream(self._stream)


class Graphs:
    """Takes the steps of a game: a few of each kind as they are written, then recorded.

    Steps are of one kind that have the same penalties: a lazy one is due at some steps only.
    """

    def __init__(self, game: Game, stream: Stream | None = None) -> None:
        self._game = game
        self._stream = stream or Stream(game)
        self._taken: Counter[tuple[tuple[str, ...], ...]] = Counter()
        self._recorded: dict[tuple[tuple[str, ...], ...], Step] = {}

    def step(self, step: int) -> Losses:
        """Iteration `step` (from 1) of the game, as `adversarial_step` has it.

        The losses that it gives are overwritten by later steps. Raises RecordingError.
        """
        game, kind = self._game, self._kind(step)
        self._taken[kind] += 1
        if self._taken[kind] <= WARM:
            return self._stream.take(lambda: adversarial_step(game, step))
        if kind not in self._recorded:
            # the running mean is taken apart: its share is another number at each step
            bare = replace(game, average=None)
            self._recorded[kind] = self._stream.record(lambda: adversarial_step(bare, step))
        losses = self._recorded[kind]()
        if game.average:
            game.average.update(game.generator.network)
        return losses

    def _kind(self, step: int) -> tuple[tuple[str, ...], ...]:
        """The penalties due at each of the discriminator's updates of a step."""
        k = self._game.discriminator_steps
        return tuple(map(self._game.regularization.due, range((step - 1) * k, step * k)))

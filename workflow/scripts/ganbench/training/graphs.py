"""Training steps as CUDA graphs: recorded once, then replayed.

Python launches hundreds of kernels a step, and a small network keeps the GPU waiting for it. A
recorded step launches the same kernels in the same order on the same memory with one call, and
draws from the same random streams. The code follows PyTorch's documentation of `torch.cuda.graph`.

All CUDA tests passed on an NVIDIA H200 with torch 2.11 at commit e0d3ece; the code has been
rearranged since then and not rerun on a GPU.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch

from ganbench.training.step import Game, Losses, adversarial_step

Step = Callable[[], Losses]
"""Takes one step of a game."""

StepKind = tuple[tuple[str, ...], ...]
"""The penalties due at each discriminator update of a step."""

WARM_UP = 3
"""Steps of each kind before it is recorded. They choose kernels and set up the optimizers."""


def records_steps(parameters: Mapping[str, Any], device: torch.device) -> bool:
    """Whether a run with these parameters records its steps."""
    return parameters["cuda_graphs"] and device.type == "cuda"


class RecordingError(RuntimeError):
    """A step cannot be recorded; the message has the reason. The game cannot be used any more."""


class CudaStream:
    """The stream of the GPU on which the steps of one game are taken and recorded."""

    def __init__(self, game: Game) -> None:
        networks = (game.discriminator.network, game.generator.network)
        self._weights = [weight for network in networks for weight in network.parameters()]
        self._generators = list(game.streams.values())
        self._stream = torch.cuda.Stream()

    def take(self, step: Step) -> Losses:
        """Takes a step without recording it."""
        with self._in_order():
            return step()

    def record(self, step: Step) -> Step:
        """Records a step without taking it; returns a function that takes the recorded step.

        Raises RecordingError.
        """
        graph = torch.cuda.CUDAGraph()
        for generator in self._generators:
            graph.register_generator_state(generator)
        try:
            with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
                losses = step()
        except RuntimeError as error:
            raise RecordingError(f"a step cannot be recorded as a CUDA graph: {error}") from error
        gradients = [weight.grad for weight in self._weights]

        def replay() -> Losses:
            with self._in_order():
                graph.replay()
            # each recording writes to gradients of its own, as does a step that is not recorded
            for weight, gradient in zip(self._weights, gradients, strict=True):
                weight.grad = gradient
            return losses

        return replay

    @contextmanager
    def _in_order(self) -> Iterator[None]:
        """Runs after all work submitted to the GPU before, and before all work submitted later."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            yield
        torch.cuda.current_stream().wait_stream(self._stream)


class Graphs:
    """Takes the steps of a game, and records each kind of step after a few of its kind.

    Steps are of one kind if the same penalties are due: a lazy penalty is due at some steps only.
    """

    def __init__(self, game: Game, stream: CudaStream | None = None) -> None:
        self._game = game
        self._stream = stream or CudaStream(game)
        self._counts: Counter[StepKind] = Counter()
        self._recordings: dict[StepKind, Step] = {}

    def step(self, step: int) -> Losses:
        """Takes step `step` (from 1) of the game, as `adversarial_step` does.

        Later steps overwrite the losses that it returns. Raises RecordingError.
        """
        game, kind = self._game, self._kind(step)
        self._counts[kind] += 1
        if self._counts[kind] <= WARM_UP:
            return self._stream.take(lambda: adversarial_step(game, step))
        if kind not in self._recordings:
            # a recording would repeat the share of the running mean, which differs at each step
            plain = replace(game, average=None)
            self._recordings[kind] = self._stream.record(lambda: adversarial_step(plain, step))
        losses = self._recordings[kind]()
        if game.average:
            game.average.update(game.generator.network)
        return losses

    def _kind(self, step: int) -> StepKind:
        k = self._game.discriminator_steps
        return tuple(map(self._game.regularization.due, range((step - 1) * k, step * k)))

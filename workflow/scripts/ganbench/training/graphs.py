"""Training steps as CUDA graphs: recorded once, then replayed.

Python launches hundreds of kernels a step, and a small network keeps the GPU waiting for it. A
recorded step launches the same kernels in the same order on the same memory with one call, and
draws from the same random streams. The code follows PyTorch's documentation of `torch.cuda.graph`.
What has run on GPUs is in docs/reliability.md.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch

from ganbench.training.step import Game, Losses, adversarial_step

Step = Callable[[], Losses]
"""Takes one step of a game, and everything else that happens at each step."""

StepKind = tuple[tuple[str, ...], ...]
"""The penalties due at each discriminator update of a step."""

WARM_UP = 3
"""Steps of each kind before it is recorded. They choose kernels and set up the optimizers."""


RECORDINGS = 16
"""The most recordings of one run, each of which keeps its own memory on the GPU."""


class RecordingError(RuntimeError):
    """A step cannot be recorded; the message has the reason. The game cannot be used any more."""


class CudaStream:
    """The stream of the GPU on which the steps of one game are taken and recorded."""

    def __init__(self, game: Game) -> None:
        networks = (game.discriminator.network, game.generator.network)
        self._weights = [weight for network in networks for weight in network.parameters()]
        self._generators = list(game.streams.values())
        self._stream = torch.cuda.Stream()

    @contextmanager
    def use(self) -> Iterator[None]:
        """Submits the work inside to this stream, in order with the work before and after."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            yield
        torch.cuda.current_stream().wait_stream(self._stream)

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
            graph.replay()
            # each recording writes to gradients of its own, as does a step that is not recorded
            for weight, gradient in zip(self._weights, gradients, strict=True):
                weight.grad = gradient
            return losses

        return replay


class Graphs:
    """Takes the steps of a game, and records each kind of step after a few of its kind.

    Steps are of one kind if the same penalties are due: a lazy penalty is due at some steps only.
    After `RECORDINGS` kinds, steps of further kinds are taken without being recorded. `watch` is
    called with the losses of each step, as a part of the step.
    """

    def __init__(
        self, game: Game, watch: Callable[[Losses], None], stream: CudaStream | None = None
    ) -> None:
        self._game, self._watch = game, watch
        self.stream = stream or CudaStream(game)
        self._counts: Counter[StepKind] = Counter()
        self._recordings: dict[StepKind, Step] = {}

    def step(self, step: int) -> Losses:
        """Takes step `step` (from 1) of the game, as `adversarial_step` does.

        Later steps overwrite the losses that it returns. Raises RecordingError.
        """
        kind = self._kind(step)
        self._counts[kind] += 1
        if kind not in self._recordings:
            if self._counts[kind] <= WARM_UP or len(self._recordings) == RECORDINGS:
                return self._take(self._game, step)
            # a recording would repeat the share of the running mean, which differs at each step
            plain = replace(self._game, average=None)
            self._recordings[kind] = self.stream.record(lambda: self._take(plain, step))
        losses = self._recordings[kind]()
        if average := self._game.average:
            average.update(self._game.generator.network)
        return losses

    def _take(self, game: Game, step: int) -> Losses:
        losses = adversarial_step(game, step)
        self._watch(losses)
        return losses

    def _kind(self, step: int) -> StepKind:
        k = self._game.discriminator_steps
        return tuple(map(self._game.regularization.due, range((step - 1) * k, step * k)))

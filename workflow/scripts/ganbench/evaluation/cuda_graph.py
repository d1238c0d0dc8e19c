"""Repeats a piece of work on a GPU as a CUDA graph.

A small network's kernels take longer to launch than to run. A graph launches all of a step at once.
The code follows PyTorch's documentation of `torch.cuda.graph`.
"""

from collections.abc import Callable
from typing import TextIO

import torch

Work = Callable[[], None]
"""Work on memory that stays where it is, and that no value on the CPU changes."""

WARM_UP = 3
"""How often the work is done before it is recorded, so that libraries have chosen their kernels."""


def repeat_recorded(work: Work, times: int, log: TextIO | None = None) -> None:
    """Does the work so many times, most of them by replaying a recording of it.

    Where it cannot be recorded, the log says why, and the work is done without.
    """
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(min(times, WARM_UP)):
            work()
    torch.cuda.current_stream().wait_stream(stream)
    if times > WARM_UP:
        repeat = _record(work, stream, log)
        for _ in range(times - WARM_UP):
            repeat()
    torch.cuda.synchronize()  # before the graph's memory is freed


def _record(work: Work, stream: torch.cuda.Stream, log: TextIO | None) -> Work:
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            work()
    except RuntimeError as error:
        print(f"continues without a CUDA graph, which cannot be recorded: {error}", file=log)
        return work
    return graph.replay

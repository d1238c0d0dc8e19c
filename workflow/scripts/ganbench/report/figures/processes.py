"""Independent tasks in several processes, for work that holds Python's lock."""

import multiprocessing
import signal
import sys
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import TypeVar

Result = TypeVar("Result")


def compute_all(tasks: Sequence[Callable[[], Result]], processes: int) -> list[Result]:
    """The result of every task, in their order, computed in up to this many processes.

    The processes are copies of this one, so that nothing is imported or sent to them again. They
    end by themselves if this one is killed. Tasks that a process did not deliver are computed here,
    where an error is raised as usual. Systems other than Linux have one process.
    """
    count = max(1, min(processes, len(tasks))) if sys.platform == "linux" else 1
    shares = [tasks[number::count] for number in range(count)]
    helpers = [_start_helper(share) for share in shares[1:]]
    by_share = [[task() for task in shares[0]]]
    by_share += [
        _receive(*helper) or [task() for task in share]
        for helper, share in zip(helpers, shares[1:], strict=True)
    ]
    return [by_share[number % count][number // count] for number in range(len(tasks))]


Helper = tuple[multiprocessing.Process, Connection]
"""A process and the end of the pipe from which its results are read."""


def _start_helper(share: Sequence[Callable]) -> Helper:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_compute_share, args=(share, receiver, sender), daemon=True)
    process.start()
    sender.close()  # so that reading ends if the process does
    return process, receiver


def _compute_share(share: Sequence[Callable], receiver: Connection, sender: Connection) -> None:
    receiver.close()  # so that sending fails if the reader has ended
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # an interrupt needs no traceback from here
    sender.send([task() for task in share])


def _receive(process: multiprocessing.Process, receiver: Connection) -> list | None:
    """The results of a helper; None if it ended without."""
    with receiver:
        try:
            return receiver.recv()
        except EOFError:
            return None
        finally:
            process.join()

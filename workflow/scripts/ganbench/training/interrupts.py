"""Ctrl-C, and the signal with which a scheduler ends a job, leave time to save the run's state."""

import signal
import threading
from types import FrameType
from typing import Any, Self, TextIO

from ganbench.jobs.errors import ActionableError

GRACE = 4
"""Seconds from the first signal to the end of the process, whether or not the state is saved."""


class RunInterrupted(ActionableError):
    """A signal stopped the run; the message says whether its state is saved."""


class Interrupts:
    """A context in which SIGINT and SIGTERM set `received` instead of ending the process.

    Training reads `received` after each step. The kernel ends the process `GRACE` seconds after the
    signal, however long a step or a write takes. As long as `patient` is false there is nothing to
    save, and a signal raises RunInterrupted at once.

    Python allows signal handlers in the main thread only; in another thread nothing changes.
    """

    def __init__(self, log: TextIO) -> None:
        self.log = log
        self.received: str | None = None
        self.patient = False
        self._former_handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._former_handlers[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former_handlers.items():
            signal.signal(number, handler)
        if self.received:
            signal.alarm(0)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if self.received:
            return
        self.received = signal.Signals(number).name
        if not self.patient:
            raise RunInterrupted(f"{self.received}: the run stopped before its next step")
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(GRACE)
        print(f"{self.received}: the run stops after the current step", file=self.log)

"""Ctrl-C, and the signal by which a scheduler ends a job, leave time to save a run's state."""

import signal
import threading
from types import FrameType
from typing import Any, Self, TextIO

from ganbench.jobs.errors import ActionableError

GRACE = 4
"""Seconds from the first signal to the end of the process, saved or not."""


class RunInterrupted(ActionableError):
    """The run was asked to end; the message says whether its state is saved."""


class Interrupts:
    """While entered, SIGINT and SIGTERM are noted in `received` instead of ending the process.

    Whoever works in steps looks there after each of them. A step, or a file, that takes longer than
    `GRACE` is cut short by the kernel. Outside the main thread, where Python allows no handler, it
    does nothing. Until `patient` is set there is nothing to save, and the signal raises
    RunInterrupted at once.
    """

    def __init__(self, log: TextIO) -> None:
        self.log = log
        self.received: str | None = None
        self.patient = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self.received:
            signal.alarm(0)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.received:
            return
        self.received = signal.Signals(number).name
        if not self.patient:
            raise RunInterrupted(f"{self.received}: the run ended before its next step")
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(GRACE)
        print(f"{self.received}: this run ends after the current step", file=self.log)

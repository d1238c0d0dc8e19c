"""Progress of a long stage: a share that Snakemake shows, and lines now and then in a log file."""

import sys
import time
from typing import Self, TextIO

from ganbench.jobs.status import Status

SHOW_SECONDS = 0.5
"""Between two states that are told to Snakemake."""

SPEAK_SECONDS = 30.0
"""Between two lines of tenths: a short run says nothing."""


class Progress:
    """Counts steps towards a total.

    `done` steps were taken before the start. The log gets a line every `interval` seconds. The
    Snakemake that started the job shows the share of steps if it can; otherwise standard error gets
    a line for every tenth, at most one in half a minute.
    """

    def __init__(self, name: str, total: int, log: TextIO, interval: float, done: int = 0) -> None:
        self.name, self.done, self.total, self.log, self.interval = name, done, total, log, interval
        self.status: Status | None = getattr(log, "status", None)
        self.started = self.written = self.spoken = time.monotonic()
        self.shown = 0.0
        self.tenth = 10 * done // total if total else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Takes back the share that is shown: what the job does next has none."""
        if self.status:
            self.status.write()

    def advance(self, step: int, text: str) -> None:
        """Moves to `step`; `text` describes the state there."""
        now = time.monotonic()
        if self.status and now - self.shown >= SHOW_SECONDS:
            self.shown = now
            self._show(step, now)
        if now - self.written >= self.interval or step == self.total:
            self._write_line(step, text)

    def _show(self, step: int, now: float) -> None:
        if self.status.write(step=step, total=self.total):
            return
        tenth = 10 * step // self.total
        if tenth > self.tenth and now - self.spoken >= SPEAK_SECONDS:
            self.tenth, self.spoken = tenth, now
            sys.stderr.write(f"{self.name}: {10 * tenth} %\n")  # whole, so that lines do not mix

    def _write_line(self, step: int, text: str) -> None:
        self.written = time.monotonic()
        rate = (step - self.done) / max(self.written - self.started, 1e-9)
        share = 100 * step / self.total
        print(f"{share:3.0f} %  step {step}/{self.total}  {rate:.0f}/s  {text}", file=self.log)
        self.log.flush()

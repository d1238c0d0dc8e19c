"""Progress of a long stage: a bar on a terminal, a line now and then in a log file."""

import time
from typing import Self, TextIO

from tqdm import tqdm


class Progress:
    """Counts steps towards a total, as a bar on the terminal and as sparse lines in a log.

    `done` steps were taken before. `interval` is in seconds, between two lines of the log. There is
    no bar where standard error is not a terminal.
    """

    def __init__(self, name: str, total: int, log: TextIO, interval: float, done: int = 0) -> None:
        self.done, self.total, self.log, self.interval = done, total, log, interval
        self.bar = tqdm(
            total=total, initial=done, desc=name, unit="step", leave=False, disable=None
        )
        self.started = self.written = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def advance(self, step: int, text: str) -> None:
        """Moves to `step`, with a few words on how it stands there."""
        self.bar.update(step - self.bar.n)
        if time.monotonic() - self.written >= self.interval or step == self.total:
            self.line(step, text)

    def line(self, step: int, text: str) -> None:
        """Writes one line to the log."""
        self.written = time.monotonic()
        rate = (step - self.done) / max(self.written - self.started, 1e-9)
        share = 100 * step / self.total
        print(f"{share:3.0f} %  step {step}/{self.total}  {rate:.0f}/s  {text}", file=self.log)
        self.log.flush()

    def close(self) -> None:
        """Takes the bar away."""
        self.bar.close()

"""Progress of a long stage: a bar on a terminal, and a line now and then in a log file."""

import time
from typing import Self, TextIO

from tqdm import tqdm


class Progress:
    """Counts steps towards a total.

    `done` steps were taken before the start. The log gets a line every `interval` seconds. There is
    no bar if standard error is not a terminal.
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
        """Moves to `step`; `text` describes the state there."""
        self.bar.update(step - self.bar.n)
        if time.monotonic() - self.written >= self.interval or step == self.total:
            self._write_line(step, text)

    def close(self) -> None:
        """Removes the bar."""
        self.bar.close()

    def _write_line(self, step: int, text: str) -> None:
        self.written = time.monotonic()
        rate = (step - self.done) / max(self.written - self.started, 1e-9)
        share = 100 * step / self.total
        print(f"{share:3.0f} %  step {step}/{self.total}  {rate:.0f}/s  {text}", file=self.log)
        self.log.flush()

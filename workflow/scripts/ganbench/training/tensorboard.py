"""The history of a run for TensorBoard, beside its results, while it trains and afterwards."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from ganbench.training.measure import COLUMNS

MEASURED = COLUMNS.index("seconds") + 1
"""The columns from here on are curves; those before it count."""


class TensorBoard:
    """The event file of a run in `folder`: its history. It changes nothing of the run.

    It is made anew whenever the run starts or resumes, with all rows so far, so that no row is lost
    or there twice. The run goes on without it if the disk is full. Where it is not
    wanted, there is no file.
    """

    def __init__(self, folder: Path, log: TextIO, *, is_wanted: bool) -> None:
        self.folder, self.log, self.is_wanted, self.rows = folder, log, is_wanted, 0
        self.writer: Any = None

    def start(self) -> None:
        """Begins the file of a run that starts or resumes; one of before disappears."""
        self.close()
        self.rows = 0
        with self._going_on():
            for file in self.folder.glob("events.out.tfevents.*"):
                file.unlink()
            if self.is_wanted:
                # imported here because few runs need it, and not every environment has it
                from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415

                # a TensorBoard that has read the former file forgets it, from step 0 on
                self.writer = SummaryWriter(str(self.folder), purge_step=0, flush_secs=10)

    def add(self, history: Sequence[Sequence[float]]) -> None:
        """Writes the rows of a run's `history` that are not written yet."""
        if self.writer is not None:
            with self._going_on():
                for row in history[self.rows :]:
                    for name, value in zip(COLUMNS[MEASURED:], row[MEASURED:], strict=True):
                        self.writer.add_scalar(name, value, row[0])
            self.rows = len(history)

    def close(self) -> None:
        """Writes what is still in memory, and closes the file."""
        if self.writer is not None:
            with self._going_on():
                self.writer.close()
        self.writer = None

    @contextmanager
    def _going_on(self) -> Iterator[None]:
        """Turns an error of the disk into a line of the log, and writes nothing more."""
        try:
            yield
        except OSError as error:
            print(f"{self.folder}: no more curves for TensorBoard: {error}", file=self.log)
            self.writer = None

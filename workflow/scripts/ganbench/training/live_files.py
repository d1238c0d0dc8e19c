"""The history and samples of a run while it trains, for people who watch it.

They are views of what the run has recorded so far, written anew each time: a run that resumes
continues them from its checkpoint, and no row is there twice. Nothing reads them but people and
`ganbench watch`.
"""

import math
import time
from pathlib import Path
from typing import TextIO

from ganbench.jobs.csv_tables import write_table
from ganbench.jobs.errors import UnwritableError
from ganbench.training.measure import COLUMNS
from ganbench.training.records import Record
from ganbench.training.tensorboard import TensorBoard

TIME_SHARE = 1 / 400
"""The share of training time that these files may take."""


class LiveFiles:
    """`history.csv` and `samples.png` in `folder`, as of at most a few seconds ago.

    They are written every `pause` seconds, and less often where that would take more than
    `TIME_SHARE` of the time. They change nothing of the run, which goes on without them if the disk
    is full. The history is shown on `board` too.
    """

    def __init__(self, folder: Path, pause: float, log: TextIO, board: TensorBoard) -> None:
        self.history, self.samples = folder / "history.csv", folder / "samples.png"
        self.shortest_pause, self.log, self.board = pause, log, board
        self._due = -math.inf
        self._pictures = 0
        self._is_refused = False

    def start(self, record: Record) -> None:
        """Shows a run where it begins or resumes; what another run left here disappears."""
        self.remove()
        self._pictures, self._due = 0, -math.inf
        self.board.start()
        self.show(record)

    def show(self, record: Record) -> None:
        """Writes what is new of a run's record, if it is time to; to TensorBoard at once."""
        self.board.add(record.history)
        started = time.perf_counter()
        if started < self._due:
            return
        try:
            self._write(record)
        except (OSError, UnwritableError) as error:
            if not self._is_refused:
                print(f"the run cannot be watched: {error}", file=self.log)
            self._is_refused = True
        ended = time.perf_counter()
        self._due = ended + max(self.shortest_pause, (ended - started) / TIME_SHARE)

    def show_at_once(self, record: Record) -> None:
        """Writes what is new of a run's record, whatever time it is: the run stops here."""
        self._due = -math.inf
        self.show(record)

    def remove(self) -> None:
        """Removes both files, if they are there."""
        for file in (self.history, self.samples):
            file.unlink(missing_ok=True)

    def _write(self, record: Record) -> None:
        write_table(self.history, COLUMNS, record.history)
        if len(record.pictures) > self._pictures:
            record.write_samples(self.samples)
            self._pictures = len(record.pictures)

"""What every job of the workflow does around its work: a log, whole inputs, readable errors."""

import io
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TextIO

from ganbench.jobs import files, gpus
from ganbench.jobs.errors import ActionableError, writing


def gpu_slots(snakemake: Any) -> int:
    """How many jobs may share a GPU, as the study says; 0 for a job that asks for no GPU."""
    asked = snakemake.resources.get("gpu", 0)
    return snakemake.config["execution"]["gpu_slots"] if asked else 0


class _Log(io.TextIOBase):
    """A job's log. What its disk has no room for is lost, which is no reason to end a job."""

    def __init__(self, file: io.RawIOBase) -> None:
        self.file = file

    def write(self, text: str) -> int:
        """Writes at once: nothing is left that could fail later."""
        with suppress(OSError):
            self.file.write(text.encode(errors="replace"))
        return len(text)


@contextmanager
def job(log_file: str, inputs: Iterable[str] = (), gpu_slots: int = 0) -> Iterator[TextIO]:
    """Opens the job's log and gives it, for its lines of progress; checks the files it will read.

    With `gpu_slots` it holds one of so many slots of one GPU. An error ends the process with status
    1: its message goes to standard error and to the log, and the traceback, for whoever wants to
    mend the code, to the log alone. An ActionableError has none.
    """
    with _opened(Path(log_file)) as log:
        try:
            files.check(map(Path, inputs))
            with gpus.slot(gpu_slots, log) if gpu_slots else nullcontext():
                yield log
        except KeyboardInterrupt:
            print("\nSIGINT: the job ended", file=log)
            sys.exit(130)
        except Exception as error:
            if not isinstance(error, ActionableError):
                traceback.print_exc(file=log)
            message = _message(error)
            print(f"\nError: {message}", file=log)
            print(f"{message}\n(details: {log_file})", file=sys.stderr)
            sys.exit(1)


@contextmanager
def _opened(log_file: Path) -> Iterator[_Log]:
    try:
        with writing(log_file):
            file = log_file.open("wb", buffering=0)
    except ActionableError as error:
        sys.exit(_message(error))
    with file:
        yield _Log(file)


def _message(error: Exception) -> str:
    return str(error) if isinstance(error, ActionableError) else f"{type(error).__name__}: {error}"

"""What every job of the workflow does around its work: a log, whole inputs, readable errors."""

import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TextIO

from ganbench import files, gpus
from ganbench.errors import ActionableError


def gpu_slots(snakemake: Any) -> int:
    """How many jobs may share a GPU, as the study says; 0 for a job that asks for no GPU."""
    asked = snakemake.resources.get("gpu", 0)
    return int(snakemake.config.get("gpu_slots", 1)) if asked else 0


@contextmanager
def job(log_file: str, inputs: Iterable[str] = (), gpu_slots: int = 0) -> Iterator[TextIO]:
    """Opens the job's log and gives it, for its lines of progress; checks the files it will read.

    With `gpu_slots` it holds one of so many slots of one GPU. An error ends the process with status
    1: its message goes to standard error and to the log, and the traceback, for whoever wants to
    mend the code, to the log alone. An ActionableError has none.
    """
    with open(log_file, "w", encoding="utf-8", buffering=1) as log:
        try:
            files.check(map(Path, inputs))
            with gpus.slot(gpu_slots, log) if gpu_slots else nullcontext():
                yield log
        except Exception as error:
            if not isinstance(error, ActionableError):
                traceback.print_exc(file=log)
            shown = "" if isinstance(error, ActionableError) else f"{type(error).__name__}: "
            message = f"{shown}{error}"
            print(f"\nError: {message}", file=log)
            print(f"{message}\n(details: {log_file})", file=sys.stderr)
            sys.exit(1)

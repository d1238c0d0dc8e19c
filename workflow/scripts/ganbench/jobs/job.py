"""What surrounds the work of every job: its log, checked inputs, a GPU, readable errors."""

import io
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TextIO

from ganbench.jobs import files, surroundings
from ganbench.jobs.errors import ActionableError, writing
from ganbench.jobs.gpus import slots
from ganbench.jobs.gpus.gpu_plan import GpuPlan
from ganbench.jobs.gpus.gpu_start import open_gpu
from ganbench.jobs.status import Status

# every script imports this module first
surroundings.name_user()
surroundings.choose_backend()


def find_gpu_plan(snakemake: Any) -> GpuPlan | None:
    """How jobs share this machine's GPUs; None for a job that asks for no GPU."""
    needs_gpu = snakemake.resources.get("gpu", 0)
    return GpuPlan(**snakemake.config["execution"]["gpus"]) if needs_gpu else None


class _Log(io.TextIOBase):
    """A job's log. Lines are lost when the disk is full: that is no reason to end the job.

    `status` is what the Snakemake that started the job shows of it.
    """

    def __init__(self, file: io.RawIOBase, status: Status) -> None:
        self.file, self.status = file, status

    def write(self, text: str) -> int:
        """Writes at once, so that nothing is buffered and can fail later."""
        with suppress(OSError):
            self.file.write(text.encode(errors="replace"))
        return len(text)


@contextmanager
def job(log_file: str, inputs: Iterable[str] = (), plan: GpuPlan | None = None) -> Iterator[TextIO]:
    """Opens the job's log, checks its input files, and yields the log for lines of progress.

    With a `plan`, the job holds one of the slots of a GPU, which opens while the job imports what
    it needs. An error ends the process with status 1. Its message goes to the log and to the
    Snakemake that shows it, or else to standard error. Its traceback, which helps to repair the
    code, goes to the log alone. An ActionableError has no traceback.
    """
    with _open_log(Path(log_file)) as log:
        try:
            files.check(map(Path, inputs))
            with slots.hold_gpu(plan, log) if plan else nullcontext() as gpu:
                if gpu is not None:
                    open_gpu()
                yield log
        except KeyboardInterrupt:
            print("\ninterrupted by SIGINT", file=log)
            sys.exit(130)
        except Exception as error:
            if not isinstance(error, ActionableError):
                traceback.print_exc(file=log)
            message = _format_message(error)
            print(f"\nError: {message}", file=log)
            if not log.status.write(error=message):
                print(f"{message}\n(details: {log_file})", file=sys.stderr)
            sys.exit(1)


@contextmanager
def _open_log(log_file: Path) -> Iterator[_Log]:
    status = Status(str(log_file))
    try:
        with writing(log_file):
            file = log_file.open("wb", buffering=0)
    except ActionableError as error:
        if status.write(error=_format_message(error)):
            sys.exit(1)
        sys.exit(_format_message(error))
    with file:
        yield _Log(file, status)


def _format_message(error: Exception) -> str:
    return str(error) if isinstance(error, ActionableError) else f"{type(error).__name__}: {error}"

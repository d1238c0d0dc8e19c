"""Errors that the person who runs a study can act on, without a traceback."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_REMEDIES = {
    errno.ENOSPC: "make room there",
    errno.EDQUOT: "make room there",
    errno.EFBIG: "make room there",
    errno.EACCES: "make it writable",
    errno.EPERM: "make it writable",
    errno.EROFS: "make it writable",
}
"""What to do when the system refuses to write a file."""


class ActionableError(RuntimeError):
    """The message says what was found, what was expected and what to do; no traceback is shown."""


class UnwritableError(ActionableError):
    """The system refused to write a file; the message names the file and the reason."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raises UnwritableError, which names `path`, if the disk is full or read-only.

    The system's own error does not name the file when a write fails.
    """
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno)
        if remedy is None:
            raise
        raise UnwritableError(
            f"{path} could not be written: {error.strerror}. Either {remedy} and run the same "
            "snakemake command again, or put the results elsewhere with --directory FOLDER"
        ) from None

"""Errors that are for the person who runs a study, not for the one who mends the code."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NO_ROOM = "make room there"
_NOT_ALLOWED = "make it writable"
_WAYS_OUT = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), _NO_ROOM),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), _NOT_ALLOWED),
}
"""What to do about a file that the machine does not let be written."""


class ActionableError(RuntimeError):
    """The message says what was found, what was expected and what to do: no traceback is shown."""


class UnwritableError(ActionableError):
    """A file that the machine did not let be written; the message names it and says why."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raises UnwritableError, which names `path`, where the disk is full or may not be written to.

    The system's own error does not name the file of a failed write.
    """
    try:
        yield
    except OSError as error:
        if (way_out := _WAYS_OUT.get(error.errno)) is None:
            raise
        raise UnwritableError(
            f"{path} could not be written: {error.strerror}. Either {way_out}, and the same "
            "snakemake command goes on; or put the results elsewhere, with --directory FOLDER"
        ) from None

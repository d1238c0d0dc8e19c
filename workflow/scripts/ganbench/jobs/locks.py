"""Locks on files, which the kernel releases when their process ends, however it ends."""

import fcntl
import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from ganbench.jobs.errors import ActionableError

PATIENCE = 60.0
"""Seconds that a former holder has to end."""


PROCESSES = Path("/proc")
"""Where Linux shows which files a process has open. Elsewhere no process is sent a signal."""


class HeldError(ActionableError):
    """Another process holds the lock and does not end."""


def take(file: Path) -> int | None:
    """The descriptor that holds the lock on `file`, or None if another process holds it."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), os.stat(file)):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass  # held, or its holder removed the file between our open and our lock
    os.close(descriptor)
    return None


def take_over(file: Path, log: TextIO, patience: float = PATIENCE) -> int:
    """The descriptor that holds the lock on `file`, once its former holder has released it.

    A job goes on when only its Snakemake is killed. When that job is started again, the former
    process is sent SIGTERM, if it runs on this machine. Raises HeldError after `patience` seconds.
    """
    signalled, deadline = None, time.monotonic() + patience
    while (descriptor := take(file)) is None:
        holder = _find_holder(file)
        if holder and holder != signalled:
            print(f"process {holder} is still running this job; sent it SIGTERM", file=log)
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(holder, signal.SIGTERM)
            signalled = holder
        if time.monotonic() > deadline:
            raise HeldError(
                f"{file}: another process is running this job and has not ended within "
                f"{patience:.0f} s; stop it or wait for it, then run the same command again"
            )
        time.sleep(0.1)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{socket.gethostname()} {os.getpid()}\n".encode(), 0)
    return descriptor


def is_held(file: Path) -> bool | None:
    """Whether a process of this machine holds the lock; None if its holder is on another one.

    The file is only read, and whoever waits for the lock does not notice.
    """
    try:
        with file.open(encoding="ascii") as reader:
            if not reader.read().startswith(f"{socket.gethostname()} "):
                return None
            fcntl.flock(reader, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (OSError, ValueError):
        return False  # the run has just ended, and its lock is gone
    return False


def _find_holder(file: Path) -> int | None:
    """This user's process on this machine that wrote its number into `file` and has it open."""
    try:
        host, process = file.read_text(encoding="ascii").split()
        open_files = (PROCESSES / str(int(process)) / "fd").iterdir()
        if host == socket.gethostname() and any(opened.samefile(file) for opened in open_files):
            return int(process)
    except (OSError, ValueError):
        return None  # nothing written yet, the process has ended, or it is another user's
    return None

"""Locks on files, which the kernel releases when their process ends, however it ends."""

import fcntl
import os
import signal
import socket
import time
from pathlib import Path
from typing import TextIO

from ganbench.jobs.errors import ActionableError

PATIENCE = 60.0
"""Seconds that a former holder has to leave in."""


class HeldError(ActionableError):
    """Another process holds the lock and does not leave."""


def take(file: Path) -> int | None:
    """The descriptor that holds the lock on `file`, or None where another process has it."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), os.stat(file)):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass  # held; or removed by the one who held it, between our two lines
    os.close(descriptor)
    return None


def take_over(file: Path, log: TextIO, patience: float = PATIENCE) -> int:
    """The descriptor that holds the lock on `file`, once its former holder has let go.

    A job whose Snakemake was killed works on without it. Started again, the job asks that process
    to leave, by SIGTERM, if it runs on this machine. Raises HeldError after `patience` seconds.
    """
    asked, until = None, time.monotonic() + patience
    while (descriptor := take(file)) is None:
        holder = _holder(file)
        if holder and holder != asked:
            print(f"process {holder} still does this job: it is asked to leave", file=log)
            os.kill(holder, signal.SIGTERM)
            asked = holder
        if time.monotonic() > until:
            raise HeldError(
                f"{file}: another process does this job, and has not left within {patience:.0f} s: "
                "stop it, or wait for it, then start again"
            )
        time.sleep(0.1)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{socket.gethostname()} {os.getpid()}\n".encode(), 0)
    return descriptor


def _holder(file: Path) -> int | None:
    """The process of this user and machine that wrote itself into `file` and has it open still."""
    try:
        host, process = file.read_text(encoding="ascii").split()
        opened = Path(f"/proc/{int(process)}/fd").iterdir()
        if host == socket.gethostname() and any(each.samefile(file) for each in opened):
            return int(process)
    except (OSError, ValueError):
        return None  # not written yet, gone meanwhile, or somebody else's
    return None

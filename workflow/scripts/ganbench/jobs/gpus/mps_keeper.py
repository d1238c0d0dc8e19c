"""Waits until no job uses this user's MPS any more, then ends it, in a process of its own.

    python -m ganbench.jobs.gpus.mps_keeper FOLDER

Its process belongs to no terminal and no job, so that it outlives whatever is stopped or killed. If
it is killed itself, MPS stays until the next study starts another keeper.
"""

import fcntl
import os
import sys
from pathlib import Path

from ganbench.jobs import locks
from ganbench.jobs.gpus.mps import make_settings, send


def keep(folder: Path) -> None:
    """Ends the MPS of `folder` once all its holders have ended; returns if it has a keeper."""
    if locks.take(folder / "keeper") is None:
        return
    holders = os.open(folder / "holders", os.O_RDWR)
    fcntl.flock(holders, fcntl.LOCK_EX)  # who comes now waits until MPS has ended, then starts it
    send("quit", {**os.environ, **make_settings(folder)})


if __name__ == "__main__":
    keep(Path(sys.argv[1]))

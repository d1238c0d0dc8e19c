"""What can be known of this machine's GPUs without torch, and which of them a job may use.

Snakemake counts GPUs but gives no job a number. Here a job takes one of the slots of one GPU, a
lock on a file that the kernel releases when the process ends, however it ends.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ganbench.jobs import locks

POLL = 0.5
"""Seconds between two looks for a free slot."""


def names(folder: Path = Path("/dev")) -> list[str]:
    """CUDA's names of the NVIDIA GPUs that the driver shows here: 0, 1, …

    CUDA counts the GPUs that it sees: in a container that was given /dev/nvidia3 alone, that is 0.
    """
    return [str(number) for number, _ in enumerate(folder.glob("nvidia[0-9]*"))]


def present() -> bool:
    """Whether the driver shows an NVIDIA GPU here."""
    return bool(names())


@contextmanager
def slot(
    per_gpu: int, log: TextIO, devices: list[str] | None = None, folder: Path | None = None
) -> Iterator[str | None]:
    """Holds one of `per_gpu` slots of one GPU, which alone is visible to CUDA meanwhile.

    Gives the GPU's name; None where there is nothing to share. CUDA_VISIBLE_DEVICES, set by a
    scheduler or the user, wins: one GPU, or none, is left as it is; of several each job takes one.
    Waits, and says so in `log`, while every slot is taken. Call it before the first use of CUDA.
    `devices` and `folder` are for tests.
    """
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        devices = [name.strip() for name in given.split(",") if name.strip()]
    elif devices is None:
        devices = names()
    if not devices or (given is not None and len(devices) == 1):
        yield None
        return
    gpu, lock = _wait_for_one(devices, per_gpu, folder or _lock_folder(), log)
    os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    try:
        yield gpu
    finally:
        if given is None:
            del os.environ["CUDA_VISIBLE_DEVICES"]
        else:
            os.environ["CUDA_VISIBLE_DEVICES"] = given
        os.close(lock)


def _wait_for_one(devices: list[str], per_gpu: int, folder: Path, log: TextIO) -> tuple[str, int]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    said = False
    while True:
        for number in range(per_gpu):  # the first slot of every GPU before the second of any
            for gpu in devices:
                name = gpu.replace("/", "-")  # parts of a GPU have names like MIG-GPU-…/1/0
                if (lock := locks.take(folder / f"gpu{name}.slot{number}")) is not None:
                    return gpu, lock
        if not said:
            print(f"waiting for one of {per_gpu} slot(s) on {len(devices)} GPU(s)", file=log)
            said = True
        time.sleep(POLL)


def _lock_folder() -> Path:
    """One folder for each user of this machine: a cluster's nodes must not share it.

    Nor may two Slurm jobs on one node, each of which may count its own GPUs from 0.
    """
    allocation = os.environ.get("SLURM_JOB_ID", "")
    name = "-".join(filter(None, ("ganbench-gpu-slots", str(os.getuid()), allocation)))
    return Path(tempfile.gettempdir()) / name

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

from ganbench import locks

POLL = 0.5
"""Seconds between two looks for a free slot."""


def numbers() -> list[int]:
    """The numbers of the NVIDIA GPUs that the driver shows here."""
    found = Path("/dev").glob("nvidia[0-9]*")
    return sorted(int(device.name.removeprefix("nvidia")) for device in found)


def present() -> bool:
    """Whether the driver shows an NVIDIA GPU here."""
    return bool(numbers())


@contextmanager
def slot(
    per_gpu: int, log: TextIO, devices: list[int] | None = None, folder: Path | None = None
) -> Iterator[int | None]:
    """Holds one of `per_gpu` slots of one GPU, which alone is visible to CUDA meanwhile.

    Gives the GPU's number; None where there is no GPU, or where a scheduler has set
    CUDA_VISIBLE_DEVICES, which wins. Waits, and says so in `log`, while every slot is taken. Call
    it before the first use of CUDA. `devices` and `folder` are for tests.
    """
    devices = numbers() if devices is None else devices
    if not devices or "CUDA_VISIBLE_DEVICES" in os.environ:
        yield None
        return
    gpu, lock = _wait_for_one(devices, per_gpu, folder or _lock_folder(), log)
    os.environ["CUDA_VISIBLE_DEVICES"] = str(gpu)
    try:
        yield gpu
    finally:
        del os.environ["CUDA_VISIBLE_DEVICES"]
        os.close(lock)


def _wait_for_one(devices: list[int], per_gpu: int, folder: Path, log: TextIO) -> tuple[int, int]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    said = False
    while True:
        for number in range(per_gpu):  # the first slot of every GPU before the second of any
            for gpu in devices:
                if (lock := locks.take(folder / f"gpu{gpu}.slot{number}")) is not None:
                    return gpu, lock
        if not said:
            print(f"waiting for one of {per_gpu} slot(s) on {len(devices)} GPU(s)", file=log)
            said = True
        time.sleep(POLL)


def _lock_folder() -> Path:
    """One folder for each user of this machine: a cluster's nodes must not share it."""
    return Path(tempfile.gettempdir()) / f"ganbench-gpu-slots-{os.getuid()}"

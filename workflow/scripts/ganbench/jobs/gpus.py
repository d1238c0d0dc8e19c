"""Which GPUs this machine has, found without torch, and which of them a job may use.

Snakemake counts GPUs but assigns no job a particular one. Here a job takes one of the slots of one
GPU: a lock on a file, which the kernel releases when the process ends, however it ends.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ganbench.jobs import locks

POLL_SECONDS = 0.5
"""Time between two attempts to take a slot."""


def list_gpus(folder: Path = Path("/dev")) -> list[str]:
    """CUDA's names of the NVIDIA GPUs that the driver shows: 0, 1, …

    CUDA numbers the GPUs it sees: in a container with only /dev/nvidia3, that GPU is 0.
    """
    return [str(number) for number, _ in enumerate(folder.glob("nvidia[0-9]*"))]


@contextmanager
def hold_slot(
    per_gpu: int, log: TextIO, devices: list[str] | None = None, folder: Path | None = None
) -> Iterator[str | None]:
    """Holds one of `per_gpu` slots of one GPU and makes this GPU the only one visible to CUDA.

    Yields the GPU's name, or None if there is no choice to make. A CUDA_VISIBLE_DEVICES that is
    already set takes precedence: with one GPU or none in it, it stays as it is; of several, each
    job takes one. Waits, and says so in `log`, while every slot is taken. Must be entered before
    the process first uses CUDA. `devices` and `folder` are for tests.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        devices = [name.strip() for name in visible.split(",") if name.strip()]
    elif devices is None:
        devices = list_gpus()
    if not devices or (visible is not None and len(devices) == 1):
        yield None
        return
    gpu, lock = _wait_for_slot(devices, per_gpu, folder or _find_lock_folder(), log)
    os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    try:
        yield gpu
    finally:
        if visible is None:
            del os.environ["CUDA_VISIBLE_DEVICES"]
        else:
            os.environ["CUDA_VISIBLE_DEVICES"] = visible
        os.close(lock)


def _wait_for_slot(devices: list[str], per_gpu: int, folder: Path, log: TextIO) -> tuple[str, int]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    has_reported = False
    while True:
        for slot in range(per_gpu):  # the first slot of every GPU before the second of any
            for gpu in devices:
                name = gpu.replace("/", "-")  # parts of a GPU have names like MIG-GPU-…/1/0
                if (lock := locks.take(folder / f"gpu{name}.slot{slot}")) is not None:
                    return gpu, lock
        if not has_reported:
            print(
                f"waiting for a free GPU slot (GPUs: {len(devices)}, slots on each: {per_gpu})",
                file=log,
            )
            has_reported = True
        time.sleep(POLL_SECONDS)


def _find_lock_folder() -> Path:
    """A folder of this machine, which a cluster's nodes must not share, for one user.

    Each Slurm job has its own too: two jobs on one node may both number their GPUs from 0.
    """
    allocation = os.environ.get("SLURM_JOB_ID", "")
    name = "-".join(filter(None, ("ganbench-gpu-slots", str(os.getuid()), allocation)))
    return Path(tempfile.gettempdir()) / name

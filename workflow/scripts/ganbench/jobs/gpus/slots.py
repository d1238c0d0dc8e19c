"""The GPU of a job: a slot on one of the machine's, under MPS where it runs.

Snakemake counts GPUs but assigns no job a particular one. Here a job takes one of the slots of one
GPU: a lock on a file, which the kernel releases when the process ends, however it ends.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TextIO

from ganbench.jobs import locks
from ganbench.jobs.gpus import mps
from ganbench.jobs.gpus.gpu_plan import GpuPlan
from ganbench.jobs.node_folder import make_node_folder

POLL_SECONDS = 0.5
"""Time between two attempts to take a slot."""

_requests: list[str | None] = []
"""The GPU of the job that this process runs; None in it if the job asked for one and has none."""


def has_gpu() -> bool:
    """Whether this process has been given a GPU that torch can use."""
    return any(_requests)


def lacks_gpu() -> bool:
    """Whether this process's job asked for a GPU where there is none that torch can use."""
    return _requests == [None]


@contextmanager
def hold_gpu(plan: GpuPlan, log: TextIO) -> Iterator[str | None]:
    """Gives the job a GPU by the plan of its machine, and makes it the only one CUDA shows.

    Must be entered before the process first uses CUDA. Without a GPU the job goes on, because a
    scheduler may have been asked for one in vain; `log` and the run's record say so.
    """
    if not plan.devices:
        print(f"this job asked for a GPU, and there is none: {plan.problem}", file=log)
        with _record(None):
            yield None
        return
    with mps.use_mps(plan.devices, log) if plan.uses_mps else nullcontext(False) as is_shared:
        slots = plan.slots if is_shared else plan.slots_without_mps
        with hold_slot(slots, log, plan.devices) as gpu, _record(gpu):
            yield gpu


@contextmanager
def _record(gpu: str | None) -> Iterator[None]:
    _requests.append(gpu)
    try:
        yield
    finally:
        _requests.remove(gpu)


@contextmanager
def hold_slot(
    per_gpu: int, log: TextIO, devices: Sequence[str], folder: Path | None = None
) -> Iterator[str]:
    """Holds one of `per_gpu` slots of one of `devices`, and sets CUDA_VISIBLE_DEVICES to it.

    Waits, and says so in `log`, while every slot is taken. `folder` is for tests.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpu, lock = _wait_for_slot(devices, per_gpu, folder or make_node_folder("gpu-slots"), log)
    os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    try:
        yield gpu
    finally:
        if visible is None:
            del os.environ["CUDA_VISIBLE_DEVICES"]
        else:
            os.environ["CUDA_VISIBLE_DEVICES"] = visible
        os.close(lock)


def _wait_for_slot(
    devices: Sequence[str], per_gpu: int, folder: Path, log: TextIO
) -> tuple[str, int]:
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

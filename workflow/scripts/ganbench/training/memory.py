"""Too little memory is no result of a run: it is tried once more, then explained."""

import gc
from collections.abc import Callable
from typing import Any, TextIO

import torch

from ganbench.jobs.errors import ActionableError


class MemoryExhausted(ActionableError):
    """Too little memory for the run; the message says how much there is, and what to lower."""


def tried_twice(
    attempt: Callable[[], Any], device: torch.device, batch_size: int, log: TextIO
) -> Any:
    """What `attempt()` returns; where memory was exhausted, what it returns the second time.

    Between the two everything is freed: others on a shared GPU may have left meanwhile. Raises
    MemoryExhausted the second time.
    """
    for last in (False, True):
        try:
            return attempt()
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not _of_memory(error):
                raise
            found = _explained(error, device, batch_size)
        # outside of `except`: its traceback holds what must be freed
        if last:
            raise MemoryExhausted(found)
        print(f"{found}\ntried once more, from the last state that was saved", file=log)
        gc.collect()
        if device.type == "cuda":
            torch.cuda.empty_cache()
    raise AssertionError("unreachable")


def _of_memory(error: Exception) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return "can't allocate memory" in str(error)  # what torch's allocator for the CPU says


def _explained(error: Exception, device: torch.device, batch_size: int) -> str:
    there = ""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        there = f" ({free / 2**30:.1f} of {total / 2**30:.1f} GiB are free now)"
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    return (
        f"memory exhausted on {device.type}{there} with training.batch_size {batch_size}: {first} "
        "Lower batch_size or network.width, or let fewer jobs share the device: gpu_slots, --cores"
    )

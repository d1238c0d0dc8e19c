"""Out of memory: the run is tried once more, then the error is explained."""

import gc
from collections.abc import Callable
from typing import TextIO, TypeVar

import torch

from ganbench.jobs.errors import ActionableError

Result = TypeVar("Result")


class MemoryExhausted(ActionableError):
    """The run does not fit in memory; the message says how much is free and what to lower."""


def retry_once(
    attempt: Callable[[], Result], device: torch.device, batch_size: int, log: TextIO
) -> Result:
    """Returns `attempt()`. After an out-of-memory error it frees memory and tries once more.

    The second try may succeed on a shared GPU, where other jobs may have ended meanwhile. Raises
    MemoryExhausted when it fails too.
    """
    try:
        return attempt()
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        print(_explain(error, device, batch_size), file=log)
    # outside `except`, where the traceback would keep alive what must be freed
    print("trying once more, from the last checkpoint", file=log)
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    try:
        return attempt()
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        raise MemoryExhausted(_explain(error, device, batch_size)) from None


def _explain(error: Exception, device: torch.device, batch_size: int) -> str:
    """Explains `error` and what to do about it. Raises it again if it is not about memory."""
    if not _is_about_memory(error):
        raise error
    free = ""
    if device.type == "cuda":
        available, total = torch.cuda.mem_get_info(device)
        free = f" ({available / 2**30:.1f} of {total / 2**30:.1f} GiB are free now)"
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return (
        f"memory exhausted on {device.type}{free} with training.batch_size {batch_size}: {reason} "
        "Lower batch_size or network.width, or let fewer jobs share the device: gpu_slots, --cores"
    )


def _is_about_memory(error: Exception) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return "can't allocate memory" in str(error)  # what torch's CPU allocator says

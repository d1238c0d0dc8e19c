"""Opens a job's GPU while Python imports torch.

Both take a second or so, and torch would do one after the other. The context that is opened here is
the one that torch uses later: a process has one for each GPU.
"""

import ctypes
import os
import threading
from collections.abc import Callable
from typing import Any

DRIVER = "libcuda.so.1"


def open_gpu(load: Callable[[str], Any] = ctypes.CDLL) -> threading.Thread:
    """Starts to open the first GPU that CUDA shows; returns the thread that does it.

    Call it after CUDA_VISIBLE_DEVICES is set. What fails here fails again in torch, which says why.
    `load` is for tests.
    """
    # as torch sets it: kernels are loaded when they are first used
    os.environ.setdefault("CUDA_MODULE_LOADING", "LAZY")
    thread = threading.Thread(target=_retain_context, args=(load,), daemon=True)
    thread.start()
    return thread


def _retain_context(load: Callable[[str], Any]) -> bool:
    """Whether the driver opened the GPU."""
    try:
        driver = load(DRIVER)
    except OSError:  # a machine without a driver
        return False
    device, context = ctypes.c_int(), ctypes.c_void_p()
    steps: tuple[Callable[[], int], ...] = (
        lambda: driver.cuInit(0),
        lambda: driver.cuDeviceGet(ctypes.byref(device), 0),
        lambda: driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), device),
    )
    return all(step() == 0 for step in steps)

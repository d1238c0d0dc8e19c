"""What the NVIDIA driver says of its GPUs, asked through its library NVML without any package.

NVML opens no CUDA context and changes nothing. It is also there under WSL2, which has no
/dev/nvidia0, and may be missing in a container, where CUDA works without it.
"""

import ctypes
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

LIBRARIES = ("libnvidia-ml.so.1", "/usr/lib/wsl/lib/libnvidia-ml.so.1")
TEXT_LENGTH = 96
"""Bytes of NVML's longest text here, the name of a GPU."""


@dataclass(frozen=True)
class DriverCard:
    """A GPU as the driver knows it; `free` and `total` are bytes of its memory."""

    uuid: str
    name: str
    total: int
    free: int


@dataclass(frozen=True)
class Driver:
    """The driver's version and GPUs; `problem` says what NVML answered where it refused."""

    version: str = ""
    cards: tuple[DriverCard, ...] = ()
    problem: str = ""


class _Memory(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in ("total", "free", "used")]


class _RefusalError(RuntimeError):
    """NVML's own words for an error."""


def load_library(*names: str) -> ctypes.CDLL | None:
    """The first library of `names` that the system has, or None."""
    for name in names:
        with suppress(OSError):
            return ctypes.CDLL(name)
    return None


def read_driver() -> Driver | None:
    """Asks NVML for the driver and its GPUs; None where there is no NVML."""
    library = load_library(*LIBRARIES)
    if library is None:
        return None
    try:
        _call(library, "nvmlInit_v2")
    except (_RefusalError, AttributeError) as error:
        return Driver(problem=str(error))
    try:
        version = _read_text(library, "nvmlSystemGetDriverVersion")
        return Driver(version, tuple(_list_cards(library)))
    except (_RefusalError, AttributeError) as error:
        return Driver(problem=str(error))
    finally:
        library.nvmlShutdown()


def _list_cards(library: ctypes.CDLL) -> list[DriverCard]:
    count = ctypes.c_uint()
    _call(library, "nvmlDeviceGetCount_v2", ctypes.byref(count))
    return [_read_card(library, number) for number in range(count.value)]


def _read_card(library: ctypes.CDLL, number: int) -> DriverCard:
    card, memory = ctypes.c_void_p(), _Memory()
    _call(library, "nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(number), ctypes.byref(card))
    _call(library, "nvmlDeviceGetMemoryInfo", card, ctypes.byref(memory))
    return DriverCard(
        uuid=_read_text(library, "nvmlDeviceGetUUID", card),
        name=_read_text(library, "nvmlDeviceGetName", card),
        total=memory.total,
        free=memory.free,
    )


def _read_text(library: ctypes.CDLL, function: str, *arguments: object) -> str:
    text = ctypes.create_string_buffer(TEXT_LENGTH)
    _call(library, function, *arguments, text, ctypes.c_uint(TEXT_LENGTH))
    return text.value.decode(errors="replace")


def _call(library: ctypes.CDLL, function: str, *arguments: object) -> None:
    call: Callable[..., int] = getattr(library, function)
    status = call(*arguments)
    if status != 0:
        library.nvmlErrorString.restype = ctypes.c_char_p
        reason = library.nvmlErrorString(ctypes.c_int(status))
        raise _RefusalError(f"NVML: {(reason or b'unknown error').decode(errors='replace')}")

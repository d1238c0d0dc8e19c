"""On which systems this runs, and with which torch; said before anything else is imported."""

import os
import sys
from importlib import metadata

from ganbench.jobs.errors import ActionableError

OLDEST_TORCH = (2, 11)
"""The oldest torch whose kernels and functions are used here."""


class SystemNotSupported(ActionableError):
    """This system, or its torch, cannot run a study; the message says what can."""


def check_system() -> None:
    """Raises SystemNotSupported on Windows, which lacks the locks that jobs need."""
    if sys.platform in ("win32", "cygwin", "msys"):
        raise SystemNotSupported(
            f"found the system {sys.platform}, expected Linux or macOS: jobs hold locks on files "
            "(fcntl) that Windows does not have. Use WSL2, whose Linux can also use an NVIDIA GPU, "
            "and keep the checkout in its own file system"
        )


def check_torch() -> None:
    """Raises SystemNotSupported if an installed torch is too old.

    Without any there is nothing to check: jobs may have environments of their own.
    """
    try:
        version = metadata.version("torch")
    except metadata.PackageNotFoundError:
        return
    oldest = ".".join(map(str, OLDEST_TORCH))
    if _read_version(version) < OLDEST_TORCH:
        raise SystemNotSupported(
            f"found torch {version}, expected {oldest} or later. Name another one when the "
            "environment is made, for example `make TORCH='torch torchvision'`, or make it again "
            "without TORCH (docs/using.md)"
        )


def count_usable_cores() -> int:
    """Processor cores that this process may use; where the system does not tell, all of them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _read_version(version: str) -> tuple[int, ...]:
    """The first two numbers of a version such as 2.11.0a0+git1234."""
    major, minor, *_ = (*version.split("+", maxsplit=1)[0].split("."), "0")
    return int(major), int("".join(filter(str.isdigit, minor)) or 0)

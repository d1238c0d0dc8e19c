"""The device on which a stage computes."""

import torch

from ganbench.jobs.errors import ActionableError
from ganbench.jobs.gpus import slots

CPU_INSTEAD = "cpu, although the job asked for a GPU"


class MissingGpuError(ActionableError):
    """A job has a GPU on which torch does not compute."""


def choose_device(name: str) -> torch.device:
    """The device that a study's `device` names; `auto` is CUDA if available, else the CPU.

    Raises RuntimeError if `cuda` is named but not available, and MissingGpuError if the job has
    been given a GPU that others could use meanwhile, and torch finds none.
    """
    if name == "cpu":
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda")
    if name == "cuda":
        raise RuntimeError(
            f"training.device: found cuda, but torch finds no CUDA device: {_find_problem()}. "
            "Use device: auto, or check the driver with nvidia-smi"
        )
    if slots.has_gpu():
        raise MissingGpuError(
            "training.device: auto chose this machine's GPU, but in this job torch finds none: "
            f"{_find_problem()}. Check the driver with nvidia-smi, or use device: cpu"
        )
    return torch.device("cpu")


def describe_device(device: torch.device) -> str:
    """The device's name as a report shows it, and whether a GPU was asked for in vain."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return CPU_INSTEAD if slots.lacks_gpu() else "cpu"


def _find_problem() -> str:
    """Why torch finds no GPU, in its own words."""
    try:
        torch.cuda.init()
    except (RuntimeError, AssertionError) as error:
        return str(error).splitlines()[0].rstrip(".")
    return "CUDA shows no device"

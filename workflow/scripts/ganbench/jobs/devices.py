"""The device on which a stage computes."""

import torch


def choose_device(name: str) -> torch.device:
    """The device that a study's `device` names; `auto` is CUDA if available, else the CPU.

    Raises RuntimeError if `cuda` is named but not available.
    """
    is_available = torch.cuda.is_available()
    if name == "cuda" and not is_available:
        raise RuntimeError(
            "training.device: found cuda, but torch finds no CUDA device; "
            "use device: auto, or check the driver with nvidia-smi"
        )
    return torch.device("cuda" if is_available and name != "cpu" else "cpu")


def describe_device(device: torch.device) -> str:
    """The device's name as a report shows it."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"

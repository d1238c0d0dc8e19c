"""Which device a stage computes on."""

import torch


def choose_device(wanted: str) -> torch.device:
    """The device of a study's `device`: `auto` is CUDA where there is one, the CPU otherwise.

    Raises RuntimeError where `cuda` is wanted and there is none.
    """
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise RuntimeError(
            "training.device is cuda, but torch finds no CUDA device here; "
            "use device: auto, or check the driver with nvidia-smi"
        )
    return torch.device("cuda" if available and wanted != "cpu" else "cpu")


def describe_device(device: torch.device) -> str:
    """The device's name as a report shows it."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"

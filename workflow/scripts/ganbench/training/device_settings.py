"""What the parameters of a run mean on the device that trains it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

TF32_CAPABILITY = (8, 0)
"""The first compute capability of NVIDIA GPUs with TF32: Ampere."""


@dataclass(frozen=True)
class DeviceSettings:
    """How one run is computed, as `run.json` says it."""

    precision: str
    channels_last: bool
    cuda_graphs: bool

    @property
    def tf32(self) -> bool:
        """Whether float32 products are rounded to TF32."""
        return self.precision in ("tf32", "bf16")

    @property
    def autocast(self) -> torch.dtype:
        """The precision of matrix products and convolutions, beside TF32."""
        return torch.bfloat16 if self.precision == "bf16" else torch.float32


def choose_settings(parameters: Mapping[str, Any], device: torch.device) -> DeviceSettings:
    """The settings of a run with these resolved parameters on `device`."""
    on_gpu = device.type == "cuda"
    precision = parameters["precision"]
    if precision == "tf32" and not (on_gpu and _has_tf32(device)):
        precision = "float32"
    channels_last = parameters["channels_last"]
    return DeviceSettings(
        precision=precision,
        channels_last=on_gpu and precision != "float32" if channels_last is None else channels_last,
        cuda_graphs=on_gpu and parameters["cuda_graphs"],
    )


def _has_tf32(device: torch.device) -> bool:
    return torch.cuda.get_device_capability(device) >= TF32_CAPABILITY


def allow_tf32(allowed: bool) -> None:
    """Whether float32 products and convolutions on a GPU may round their factors to TF32."""
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed

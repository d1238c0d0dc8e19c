"""The prior p_z that generators start from."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def sample_latents(latent: Mapping[str, Any], count: int, generator: torch.Generator) -> Tensor:
    """`(count, latent["size"])` latents on the generator's device.

    `prior` is `normal`, N(0, 1), or `uniform`, U(-1, 1), for each dimension on its own.
    """
    shape, device = (count, latent["size"]), generator.device
    if latent["prior"] == "normal":
        return torch.randn(shape, generator=generator, device=device)
    return torch.rand(shape, generator=generator, device=device) * 2 - 1

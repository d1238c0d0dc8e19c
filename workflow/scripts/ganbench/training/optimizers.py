"""The optimizers that a study can name."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn


def build_optimizer(
    options: Mapping[str, Any], parameters: Iterable[nn.Parameter], *, capturable: bool = False
) -> torch.optim.Optimizer:
    """Builds the optimizer of a run's resolved `optimizer` options, for `parameters`.

    A `capturable` one counts its steps on the GPU, so that a CUDA graph can advance the count.
    Raises ValueError where the name is unknown.
    """
    if options["name"] == "adam":
        return torch.optim.Adam(
            parameters,
            lr=options["lr"],
            betas=tuple(options["betas"]),
            fused=True,
            capturable=capturable,
        )
    if options["name"] == "rmsprop":
        return torch.optim.RMSprop(
            parameters, lr=options["lr"], momentum=options["momentum"], capturable=capturable
        )
    if options["name"] == "sgd":
        return torch.optim.SGD(
            parameters, lr=options["lr"], momentum=options["momentum"], fused=True
        )
    raise ValueError(f"unknown optimizer {options['name']!r}")

"""The optimizers a study can name."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn


def build_optimizer(
    options: Mapping[str, Any], parameters: Iterable[nn.Parameter], *, recorded: bool = False
) -> torch.optim.Optimizer:
    """The optimizer of a run's resolved `optimizer` options, over `parameters`.

    `recorded` keeps its count of steps on the GPU, where a CUDA graph can go on counting.
    """
    if options["name"] == "adam":
        return torch.optim.Adam(
            parameters,
            lr=options["lr"],
            betas=tuple(options["betas"]),
            fused=True,
            capturable=recorded,
        )
    if options["name"] == "rmsprop":
        return torch.optim.RMSprop(
            parameters, lr=options["lr"], momentum=options["momentum"], capturable=recorded
        )
    if options["name"] == "sgd":
        return torch.optim.SGD(
            parameters, lr=options["lr"], momentum=options["momentum"], fused=True
        )
    raise ValueError(f"unknown optimizer {options['name']!r}")

"""The optimizers a study can name."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn


def build_optimizer(
    options: Mapping[str, Any], parameters: Iterable[nn.Parameter]
) -> torch.optim.Optimizer:
    """The optimizer of a run's resolved `optimizer` options, over `parameters`."""
    if options["name"] == "adam":
        betas = tuple(options["betas"])
        return torch.optim.Adam(parameters, lr=options["lr"], betas=betas, fused=True)
    if options["name"] == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=options["lr"], momentum=options["momentum"])
    if options["name"] == "sgd":
        return torch.optim.SGD(
            parameters, lr=options["lr"], momentum=options["momentum"], fused=True
        )
    raise ValueError(f"unknown optimizer {options['name']!r}")

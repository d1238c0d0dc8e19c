"""Scheduled numbers of a run on its device, filled before each step.

A step, also one recorded as a CUDA graph, reads them where they lie. They follow from the step's
number alone, so a resumed run needs no state of them.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from ganbench.catalogue.optimizer_options import select_player
from ganbench.study.schedules import Schedule, factor, find_schedule


class Schedules:
    """The scheduled numbers of a run with these resolved parameters, at its first step."""

    def __init__(self, parameters: Mapping[str, Any], device: torch.device) -> None:
        self._parameters, self._device = parameters, device
        self._schedules: Mapping[str, Schedule] = parameters["schedule"]
        self._numbers: list[tuple[Tensor, float, Schedule]] = []

    def set_step(self, step: int) -> None:
        """Fills all numbers with their values at step `step` (from 1)."""
        for tensor, number, schedule in self._numbers:
            tensor.fill_(number * factor(schedule, step, self._parameters["steps"]))

    def optimizer_options(self, player: str) -> dict[str, Any]:
        """The options of a player's optimizer, with a tensor for each number that is scheduled."""
        options = select_player(self._parameters["optimizer"], player)
        if schedule := find_schedule(self._schedules, player, "lr"):
            options["lr"] = self._place(options["lr"], schedule)
        schedule = find_schedule(self._schedules, player, "betas")
        if schedule and "betas" in options:
            first, second = options["betas"]
            options["betas"] = (first, self._place(second, schedule))
        return options

    def regularizer_options(self) -> dict[str, Mapping[str, Any]]:
        """The options of all regularizers, with a tensor for each weight that is scheduled."""
        regularizers = dict(self._parameters["regularizers"])
        for name, options in regularizers.items():
            if schedule := self._schedules.get(f"regularizers.{name}.weight"):
                weight = self._place(options["weight"], schedule)
                regularizers[name] = {**options, "weight": weight}
        return regularizers

    def half_life_factor(self) -> Callable[[int], float] | None:
        """What multiplies the half-life of the moving average at a step; None if nothing does."""
        schedule = self._schedules.get("ema")
        return schedule and (lambda step: factor(schedule, step, self._parameters["steps"]))

    def _place(self, number: float, schedule: Schedule) -> Tensor:
        first = number * factor(schedule, 1, self._parameters["steps"])
        tensor = torch.tensor(first, dtype=torch.float32, device=self._device)
        self._numbers.append((tensor, number, schedule))
        return tensor

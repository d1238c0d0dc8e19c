"""How a scheduled number of a recipe changes while a run trains: the closed forms."""

import math
from collections.abc import Mapping
from typing import Any

Schedule = Mapping[str, Any]

SCHEDULE_OPTIONS: dict[str, tuple[str, ...]] = {
    "constant": (),
    "linear": ("from", "to", "start", "end"),
    "cosine": ("from", "to", "start", "end"),
    "steps": ("at", "by"),
}
"""The options of each kind of schedule, besides `kind` and `warm_up`."""


def factor(schedule: Schedule, step: int, steps: int) -> float:
    """What multiplies a scheduled number at step `step` (from 1) of a run of `steps` steps.

    With x = (step − 1) / steps, the share of the budget that is used, and p = (x − start) /
    (end − start), limited to [0, 1]: `linear` is from + p (to − from), `cosine` is to + (from − to)
    (1 + cos πp) / 2, `steps` is by to the power of the number of shares in `at` that are at most x.
    During the first `warm_up` steps of the budget it is multiplied by step / (warm_up · steps).
    """
    share = (step - 1) / steps
    warm_up = schedule["warm_up"] * steps
    rise = min(1.0, step / warm_up) if warm_up else 1.0
    return rise * _find_level(schedule, share)


def _find_level(schedule: Schedule, share: float) -> float:
    if schedule["kind"] == "constant":
        return 1.0
    if schedule["kind"] == "steps":
        return schedule["by"] ** sum(share >= at for at in schedule["at"])
    first, last, start = schedule["from"], schedule["to"], schedule["start"]
    position = min(1.0, max(0.0, (share - start) / (schedule["end"] - start)))
    if schedule["kind"] == "linear":
        return first + position * (last - first)
    return last + (first - last) * (1 + math.cos(math.pi * position)) / 2


def find_schedule(schedules: Mapping[str, Schedule], player: str, option: str) -> Schedule | None:
    """The schedule of an option of one player's optimizer, of a run's resolved `schedule`."""
    both = schedules.get(f"optimizer.{option}")
    schedule = schedules.get(f"optimizer.{player}.{option}", both)
    return None if schedule is None or is_still(schedule) else schedule


def is_still(schedule: Schedule) -> bool:
    """Whether a schedule changes nothing: it only undoes another one."""
    return schedule["kind"] == "constant" and not schedule["warm_up"]

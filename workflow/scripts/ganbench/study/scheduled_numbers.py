"""Which numbers of a recipe a study can schedule, and the schedules that its runs follow."""

import re
from collections.abc import Mapping
from typing import Any

from ganbench.catalogue.optimizer_options import PLAYERS, select_player
from ganbench.study.schedules import SCHEDULE_OPTIONS, Schedule, is_still
from ganbench.study.schema import StudyError, load_schema

PLACE = re.compile(r"optimizer\.(?:(discriminator|generator)\.)?(lr|betas)")
"""A number of the optimizers; of `betas`, the second one is scheduled."""


def has_number(parameters: Mapping[str, Any], key: str) -> bool:
    """Whether a run has the number that a key of `schedule` names. Raises StudyError for no name.

    A run without a moving average has no `ema`, and only optimizers with `betas` have these.
    """
    if key == "ema":
        return parameters["ema"] > 0
    if match := PLACE.fullmatch(key):
        players = (match[1],) if match[1] else PLAYERS
        options = [select_player(parameters["optimizer"], player) for player in players]
        return any(match[2] in option for option in options)
    penalties = _list_penalties()
    group, _, rest = key.partition(".")
    name, _, option = rest.partition(".")
    if group == "regularizers" and name in penalties and option == "weight":
        return name in parameters["regularizers"]
    weights = ", ".join(f"regularizers.{name}.weight" for name in penalties)
    raise StudyError(
        f"training.schedule.{key}: not a number that can change, expected one of ema, "
        "optimizer.lr, optimizer.betas, the same of one player, such as "
        f"optimizer.generator.lr, or {weights}"
    )


def _list_penalties() -> list[str]:
    regularizers = load_schema()["$defs"]["regularizers"]["properties"]
    return [name for name, group in regularizers.items() if "weight" in group["properties"]]


def resolve_schedule(
    parameters: Mapping[str, Any], own: Mapping[str, Any], run: str
) -> dict[str, dict[str, Any]]:
    """The `schedule` of a run: those of numbers that it has, each with the options of its kind.

    `parameters` are those of the run, its `schedule` as the levels give it, and `own` is what the
    variant itself gives. Raises StudyError for a schedule that cannot be followed, or that a
    variant gives to a number that it does not have. `run` names the run in messages.
    """
    schedules = {}
    for key, options in parameters["schedule"].items():
        path = f"training.schedule.{key} ({run})"
        if not has_number(parameters, key):
            if key in own:
                raise StudyError(f"{path}: the run does not have this number; remove the key")
            continue
        schedule = _fill_schedule(options, path)
        _check_second_beta(parameters["optimizer"], key, schedule, path)
        schedules[key] = schedule
    return {
        key: schedule
        for key, schedule in schedules.items()
        if not is_still(schedule) or _find_common_key(key) in schedules
    }


def _find_common_key(key: str) -> str | None:
    """The key of both players, for that of a number of one player."""
    match = PLACE.fullmatch(key)
    return f"optimizer.{match[2]}" if match and match[1] else None


def _fill_schedule(options: Schedule, path: str) -> dict[str, Any]:
    """A schedule with the defaults of its kind, checked."""
    parts = load_schema()["$defs"]["number_schedule"]["properties"]
    kind = options.get("kind", parts["kind"]["default"])
    reads = ("kind", *SCHEDULE_OPTIONS[kind], "warm_up")
    for key, value in options.items():
        if key not in reads and value != parts[key]["default"]:
            raise StudyError(
                f"{path}: found the option {key!r}, but the kind {kind!r} reads only "
                f"{', '.join(reads)}; remove it or choose another kind"
            )
    schedule = {key: options.get(key, parts[key]["default"]) for key in reads}
    if kind == "steps" and not schedule["at"]:
        raise StudyError(f"{path}: missing the key 'at', the shares of the budget of its steps")
    if "end" in schedule and not schedule["start"] < schedule["end"]:
        raise StudyError(
            f"{path}: found end {schedule['end']}, expected more than start {schedule['start']}"
        )
    return schedule


def _check_second_beta(
    optimizer: Mapping[str, Any], key: str, schedule: Schedule, path: str
) -> None:
    match = PLACE.fullmatch(key)
    if not match or match[2] != "betas":
        return
    largest = max(1.0, schedule.get("by", 1.0)) ** len(schedule.get("at", ()))
    largest = max(schedule.get("from", largest), schedule.get("to", largest))
    for player in (match[1],) if match[1] else PLAYERS:
        betas = select_player(optimizer, player).get("betas")
        if betas and betas[1] * largest >= 1:
            raise StudyError(
                f"{path}: found a second beta of {betas[1]} times {largest}, expected less than 1; "
                "lower one of the two"
            )


def check_use(schedules: Mapping[str, Any], runs: list[Mapping[str, Any]], path: str) -> None:
    """Refuses a schedule of a number that none of the runs under it has."""
    for key in schedules:
        if not any(has_number(run, key) for run in runs):
            raise StudyError(f"{path}.schedule.{key}: no run has this number; remove the key")

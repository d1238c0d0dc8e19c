"""The settings of training that a study tries for every variant: its tuning budget.

A setting gives values to some keys of `training`. For every variant it becomes a variant of its
own, which is trained and scored like any other but appears only where the report covers tuning.
"""

import itertools
import math
import random
from collections.abc import Mapping
from typing import Any

from ganbench.study.player_optimizers import override_training
from ganbench.study.schema import StudyError, check_training

LIMIT = 10_000
"""Most settings of one study."""

Values = list[Any] | Mapping[str, Any]
"""The values to try for one key: a list to choose from, or a range to draw from."""


def list_settings(sweep: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The settings of a study's `sweep`, each a part of `training`.

    With `settings: n` they are n random draws, seeded by `seed` for each key separately. Without it
    they are all combinations of the lists. Raises StudyError if the sweep cannot be made.
    """
    keys, count = sweep["training"], sweep["settings"]
    _check_keys(keys, is_drawn=count is not None)
    if count is None:
        combinations = math.prod(len(values) for values in keys.values())
        if combinations > LIMIT:
            raise StudyError(
                f"sweep.training: found {combinations} combinations, expected at most {LIMIT}"
            )
        draws = [list(values) for values in itertools.product(*keys.values())]
    else:
        # seeded by the key's name, so that adding a key changes no other key's values
        streams = {key: random.Random(f"{sweep['seed']}/{key}") for key in keys}
        draws = [[_draw(keys[key], streams[key]) for key in keys] for _ in range(count)]
    return [nest_keys(dict(zip(keys, values, strict=True))) for values in draws]


def add_settings(study: Mapping[str, Any]) -> dict[str, Any]:
    """`study` with a variant, named `{variant}_s{number}`, for every variant and setting."""
    added: dict[str, Any] = {}
    for number, setting in enumerate(list_settings(study["sweep"]), start=1):
        for name, variant in study["variants"].items():
            new = f"{name}_s{number}"
            if new in study["variants"]:
                raise StudyError(
                    f"variants.{new}: the sweep needs this name for a setting of {name}; "
                    "rename the variant"
                )
            added[new] = {
                **variant,
                "objective": variant["objective"] or name,
                "training": override_training(variant.get("training") or {}, setting),
            }
    return {**study, "variants": {**study["variants"], **added}}


def strip_setting(name: str) -> str:
    """The variant that a setting's name, as made by `add_settings`, belongs to."""
    return name.rpartition("_s")[0]


def _check_keys(keys: Mapping[str, Values], is_drawn: bool) -> None:
    for key, values in keys.items():
        if isinstance(values, Mapping):
            _check_range(key, values, is_drawn)
        else:
            for value in values:
                check_training(nest_keys({key: value}), "sweep.training")
        if nested := [other for other in keys if other.startswith(f"{key}.")]:
            raise StudyError(
                f"sweep.training.{key}: found beside {nested[0]}, which is part of it; remove one"
            )


def _check_range(key: str, bounds: Mapping[str, Any], is_drawn: bool) -> None:
    if not is_drawn:
        raise StudyError(
            f"sweep.training.{key}: found a range, expected a list; a range also needs "
            "sweep.settings, the number of values to draw"
        )
    low, high = bounds["low"], bounds["high"]
    if not low < high:
        raise StudyError(f"sweep.training.{key}: found low {low}, expected less than high {high}")
    if bounds["scale"] == "log" and low <= 0:
        raise StudyError(
            f"sweep.training.{key}: found low {low}, expected more than 0 with scale log"
        )


def _draw(values: Values, stream: random.Random) -> Any:
    if isinstance(values, list):
        return stream.choice(values)
    low, high = values["low"], values["high"]
    if values["scale"] == "log":
        value = math.exp(stream.uniform(math.log(low), math.log(high)))
    else:
        value = stream.uniform(low, high)
    return round(value) if values["whole"] else float(f"{value:.4g}")


def nest_keys(setting: Mapping[str, Any]) -> dict[str, Any]:
    """`{"optimizer.lr": 1}` as `{"optimizer": {"lr": 1}}`."""
    nested: dict[str, Any] = {}
    for key, value in setting.items():
        *groups, last = key.split(".")
        group = nested
        for name in groups:
            group = group.setdefault(name, {})
        group[last] = value
    return nested

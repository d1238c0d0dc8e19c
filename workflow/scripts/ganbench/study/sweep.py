"""Settings of training that a study tries for every variant: its tuning budget.

A setting is a set of keys of `training`, each with a value. It becomes a variant of its own that is
trained and scored like any other, but shown only where the report speaks of tuning. Every variant
gets the same settings.
"""

import itertools
import math
import random
from collections.abc import Mapping
from typing import Any

from ganbench.study.schema import StudyError, merged

LIMIT = 10_000
"""Settings of one study, at most."""

Values = list[Any] | Mapping[str, Any]
"""What a study gives for one key: a list to choose from, or a range."""


def settings(sweep: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The settings of a study's `sweep`, each a part of `training`.

    With `settings: n` they are n draws, of every key on its own, from a stream of numbers that
    `seed` decides; without it, every combination of the lists. Raises StudyError where that cannot
    be done.
    """
    keys, count = sweep["training"], sweep["settings"]
    for key, values in keys.items():
        _check(key, values, drawn=count is not None)
        if within := [other for other in keys if other.startswith(f"{key}.")]:
            raise StudyError(f"sweep.training.{key}: found beside {within[0]}, which is part of it")
    if count is None:
        if (combinations := math.prod(len(values) for values in keys.values())) > LIMIT:
            raise StudyError(f"sweep.training: {combinations} combinations, expected {LIMIT}")
        chosen = [list(each) for each in itertools.product(*keys.values())]
    else:
        # by the key's name, so that a key that is added changes no other's values
        streams = {key: random.Random(f"{sweep['seed']}/{key}") for key in keys}
        chosen = [[_draw(keys[key], streams[key]) for key in keys] for _ in range(count)]
    return [_nested(dict(zip(keys, values, strict=True))) for values in chosen]


def with_settings(study: Mapping[str, Any]) -> dict[str, Any]:
    """`study` with a variant for each of its variants and settings, named `{variant}_s{number}`."""
    added: dict[str, Any] = {}
    for number, setting in enumerate(settings(study["sweep"]), start=1):
        for name, variant in study["variants"].items():
            if (new := f"{name}_s{number}") in study["variants"]:
                raise StudyError(
                    f"variants.{new}: the sweep gives this name to a setting of {name}"
                )
            added[new] = {
                **variant,
                "objective": variant["objective"] or name,
                "training": merged(variant.get("training") or {}, setting),
            }
    return {**study, "variants": {**study["variants"], **added}}


def variant_of(name: str) -> str:
    """The variant that a setting, named by `with_settings`, is one of."""
    return name.rpartition("_s")[0]


def _check(key: str, values: Values, drawn: bool) -> None:
    if isinstance(values, list):
        return
    if not drawn:
        raise StudyError(
            f"sweep.training.{key}: found a range, expected a list; a range needs sweep.settings, "
            "how many values to draw"
        )
    low, high = values["low"], values["high"]
    if not low < high:
        raise StudyError(f"sweep.training.{key}: found low {low}, expected less than high {high}")
    if values["scale"] == "log" and low <= 0:
        raise StudyError(
            f"sweep.training.{key}: found low {low}, expected more than 0 with scale log"
        )


def _draw(values: Values, stream: random.Random) -> Any:
    if isinstance(values, list):
        return stream.choice(values)
    low, high = values["low"], values["high"]
    if values["scale"] == "log":
        found = math.exp(stream.uniform(math.log(low), math.log(high)))
    else:
        found = stream.uniform(low, high)
    return round(found) if values["whole"] else float(f"{found:.4g}")


def _nested(setting: Mapping[str, Any]) -> dict[str, Any]:
    """`{"optimizer.lr": 1}` as `{"optimizer": {"lr": 1}}`."""
    found: dict[str, Any] = {}
    for key, value in setting.items():
        *groups, last = key.split(".")
        place = found
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = value
    return found

"""The settings that a study tries for every variant: its tuning budget.

A setting gives values to keys of `training` and to constants of the variant's objective. For every
variant it becomes a variant of its own, which is trained and scored like any other but appears only
where the report covers tuning. Where it equals another run, it has that run's results.
"""

import itertools
import math
import random
from collections.abc import Mapping
from typing import Any, NamedTuple

from ganbench.catalogue.objectives import OBJECTIVES
from ganbench.jobs.provenance import canonical_json
from ganbench.study.player_optimizers import override_training
from ganbench.study.schema import StudyError, check_training

LIMIT = 10_000
"""Most settings of one study."""

Values = list[Any] | Mapping[str, Any]
"""The values to try for one key: a list to choose from, or a range to draw from."""


class Setting(NamedTuple):
    """What one setting changes: a part of `training`, and constants of objectives."""

    training: dict[str, Any]
    constants: dict[str, float]


def list_settings(sweep: Mapping[str, Any]) -> list[Setting]:
    """The settings of a study's `sweep`.

    With `settings: n` they are n random draws, seeded by `seed` for each key separately. Without it
    they are all combinations of the lists. Raises StudyError if the sweep cannot be made.
    """
    training, constants = sweep.get("training", {}), sweep.get("constants", {})
    keys, count = _join_keys(training, constants), sweep["settings"]
    _check_keys(training, keys, is_drawn=count is not None)
    if count is None:
        combinations = math.prod(len(values) for values in keys.values())
        if combinations > LIMIT:
            raise StudyError(f"sweep: found {combinations} combinations, expected at most {LIMIT}")
        draws = [list(values) for values in itertools.product(*keys.values())]
    else:
        # seeded by the key's name, so that adding a key changes no other key's values
        names = [path.removeprefix("training.") for path in keys]
        streams = [random.Random(f"{sweep['seed']}/{name}") for name in names]
        draws = [
            [_draw(values, stream) for values, stream in zip(keys.values(), streams, strict=True)]
            for _ in range(count)
        ]
    size = len(training)
    return [
        Setting(
            nest_keys(dict(zip(training, values[:size], strict=True))),
            dict(zip(constants, values[size:], strict=True)),
        )
        for values in draws
    ]


def _join_keys(
    training: Mapping[str, Values], constants: Mapping[str, Values]
) -> dict[str, Values]:
    """The values to try by their paths within `sweep`, those of `training` first."""
    keys = {f"training.{key}": values for key, values in training.items()}
    keys |= {f"constants.{key}": values for key, values in constants.items()}
    if not keys:
        raise StudyError("sweep: found nothing to try, expected `training`, `constants` or both")
    return keys


def add_settings(study: Mapping[str, Any]) -> dict[str, Any]:
    """`study` with a variant, named `{variant}_s{number}`, for every variant and setting.

    A setting of an objective's constants names them in `objective`, as a study may write it.
    """
    added: dict[str, Any] = {}
    settings, constants = list_settings(study["sweep"]), _find_constants(study)
    for number, setting in enumerate(settings, start=1):
        for name, variant in study["variants"].items():
            new = f"{name}_s{number}"
            if new in study["variants"]:
                raise StudyError(
                    f"variants.{new}: the sweep needs this name for a setting of {name}; "
                    "rename the variant"
                )
            objective = variant["objective"] or name
            chosen = {
                key: value
                for key, value in setting.constants.items()
                if key in constants.get(objective, ())
            }
            added[new] = {
                **variant,
                "objective": {"name": objective, **chosen} if chosen else objective,
                "training": override_training(variant.get("training") or {}, setting.training),
            }
    return {**study, "variants": {**study["variants"], **added}}


def _find_constants(study: Mapping[str, Any]) -> dict[str, set[str]]:
    """The constants of each variant's objective.

    Raises StudyError for a constant in the sweep that none of them has.
    """
    constants: dict[str, set[str]] = {}
    for name, variant in study["variants"].items():
        objective = variant["objective"] or name
        definitions = (OBJECTIVES.get(objective, {}), study["objectives"].get(objective, {}))
        constants[objective] = {
            key for group in definitions for key in group.get("constants") or ()
        }
    for constant in study["sweep"].get("constants", {}):
        if not any(constant in names for names in constants.values()):
            owners = [
                f"{name}: {', '.join(sorted(names))}" for name, names in constants.items() if names
            ]
            raise StudyError(
                f"sweep.constants.{constant}: found a constant of no variant's objective, expected "
                f"one of {'; '.join(owners) or 'an objective that has constants'}"
            )
    return constants


def share_runs(study: dict[str, Any]) -> None:
    """Leaves in `runs` one of all that have equal parameters, so that none is trained twice.

    A setting whose run is that of a variant, or of a setting before it, names it for the dataset
    in its `same_as`. Variants keep runs of their own.
    """
    for dataset, runs in study["runs"].items():
        owners: dict[str, str] = {}
        for name in list(runs):
            owner = owners.setdefault(_identify(runs[name]), name)
            if owner != name and name in study["settings"]:
                study["settings"][name].setdefault("same_as", {})[dataset] = owner
                del runs[name]


def _identify(parameters: Mapping[str, Any]) -> str:
    """What decides the results of a run, whatever its objective is called."""
    objective = {key: value for key, value in parameters["objective"].items() if key != "name"}
    objective["constants"] = {key: float(value) for key, value in objective["constants"].items()}
    return canonical_json({**parameters, "objective": objective})


def find_run(study: Mapping[str, Any], dataset: str, name: str) -> str:
    """The variant or setting whose runs on a dataset are those of the variant or setting `name`."""
    return study["settings"].get(name, {}).get("same_as", {}).get(dataset, name)


def write_setting(study: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The keys of `variants` that give a variant, called `name` or that of a setting, its keys.

    They are what a user would write: the setting's values, and what the variant has beside them.
    """
    if name in study["variants"]:
        return {name: _leave_given(study["variants"][name])}
    setting = study["settings"][name]
    variant = study["variants"][setting["of"]]
    number = int(name.rpartition("_s")[2])
    chosen = list_settings(study["sweep"])[number - 1].constants
    objective = variant["objective"]
    owned = study["objectives"][objective]["constants"]
    if constants := {key: value for key, value in chosen.items() if key in owned}:
        objective = {"name": objective, **constants}
    return {setting["of"]: _leave_given({**setting, "objective": objective})}


def _leave_given(variant: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("objective", "regularizers", "training")
    return {key: variant[key] for key in keys if variant.get(key)}


def strip_setting(name: str) -> str:
    """The variant that a setting's name, as made by `add_settings`, belongs to."""
    return name.rpartition("_s")[0]


def _check_keys(training: Mapping[str, Values], keys: Mapping[str, Values], is_drawn: bool) -> None:
    """Refuses values that no run can have, and keys of `training` within one another."""
    for path, values in keys.items():
        if isinstance(values, Mapping):
            _check_range(path, values, is_drawn)
    for key, values in training.items():
        if not isinstance(values, Mapping):
            for value in values:
                check_training(nest_keys({key: value}), "sweep.training")
        if nested := [other for other in training if other.startswith(f"{key}.")]:
            raise StudyError(
                f"sweep.training.{key}: found beside {nested[0]}, which is part of it; remove one"
            )


def _check_range(path: str, bounds: Mapping[str, Any], is_drawn: bool) -> None:
    if not is_drawn:
        raise StudyError(
            f"sweep.{path}: found a range, expected a list; a range also needs "
            "sweep.settings, the number of values to draw"
        )
    low, high = bounds["low"], bounds["high"]
    if not low < high:
        raise StudyError(f"sweep.{path}: found low {low}, expected less than high {high}")
    if bounds["scale"] == "log" and low <= 0:
        raise StudyError(f"sweep.{path}: found low {low}, expected more than 0 with scale log")


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

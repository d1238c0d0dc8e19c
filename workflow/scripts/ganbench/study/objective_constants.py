"""Objectives with constants of a variant's own: `objective: {name: least_squares, c: 0.5}`."""

from collections.abc import Mapping
from typing import Any

from ganbench.catalogue.objectives import OBJECTIVES
from ganbench.catalogue.suggestions import suggest
from ganbench.study.grid import format_value, slug
from ganbench.study.schema import StudyError, load_schema, merge
from ganbench.study.values import read_values


def name_objectives(config: Any) -> Any:
    """A study in which every such variant names an objective of the study's own instead.

    It is called after its constants, such as `least_squares_c_0_5`, and defined in `objectives`.
    Raises StudyError where the objective or a constant does not exist.
    """
    variants = config.get("variants") if isinstance(config, Mapping) else None
    if not isinstance(variants, Mapping):
        return config
    given = config.get("objectives") or {}
    named, objectives = dict(variants), dict(given)
    for name, variant in variants.items():
        chosen = variant.get("objective") if isinstance(variant, Mapping) else None
        if isinstance(chosen, Mapping):
            path = f"variants.{name}.objective"
            new, definition = _define(path, dict(chosen), given)
            if objectives.setdefault(new, definition) != definition:
                raise StudyError(f"{path}: found constants for the name {new!r}, which is taken")
            named[name] = {**variant, "objective": new}
    return {**config, "variants": named, **({"objectives": objectives} if objectives else {})}


def _define(
    path: str, chosen: dict[str, Any], given: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """The name and the definition of an objective with other constants."""
    base = chosen.pop("name", None)
    definitions = {**OBJECTIVES, **given}
    if base not in definitions or not isinstance(definitions[base], Mapping):
        names = ", ".join(definitions) + suggest(base, definitions)
        raise StudyError(f"{path}.name: found {base!r}, expected an objective: {names}")
    # in a study whose defaults are filled in, a key that is not given is empty
    own = {key: value for key, value in definitions[base].items() if value}
    definition = merge(OBJECTIVES.get(base, {}), own)
    constants = definition.get("constants") or {}
    number = {"type": "number"}
    for constant, value in chosen.items():
        if constant not in constants:
            known = ", ".join(constants) or "none"
            raise StudyError(
                f"{path}: found the constant {constant!r}, expected one of {base}'s: {known}"
            )
        chosen[constant] = read_values(value, number, load_schema())
        if not isinstance(chosen[constant], int | float):
            raise StudyError(f"{path}.{constant}: found {value!r}, expected a number")
    values = {constant: format_value(value) for constant, value in chosen.items()}
    title = definition.get("title") or base
    words = ", ".join(f"{constant} = {text}" for constant, text in values.items())
    name = slug("_".join([base, *(f"{constant}_{text}" for constant, text in values.items())]))
    return name, {
        **definition,
        "title": f"{title}, {words}" if words else title,
        "constants": {**constants, **chosen},
    }

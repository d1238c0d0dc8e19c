"""Checks a study against its schema: reads numbers, fills in defaults, refuses everything else."""

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from ganbench.catalogue.architectures import ARCHITECTURES, NORMS
from ganbench.catalogue.datasets import KINDS
from ganbench.catalogue.extractors import EXTRACTORS
from ganbench.catalogue.metrics import METRICS
from ganbench.study.schema_errors import abbreviate, describe_error

Schema = Mapping[str, Any]

SCHEMA_FILE = Path(__file__).parents[3] / "schemas" / "study.schema.yaml"

NAMES: dict[str, list[str]] = {
    "kinds": list(KINDS),
    "architectures": list(ARCHITECTURES),
    "norms": list(NORMS),
    "extractors": list(EXTRACTORS),
    "metrics": [
        name
        for name, metric in METRICS.items()
        if metric.of == "images" and metric.better != "neither"
    ],
}
"""The catalogue's names that each `x-names-of` of the schema allows."""

DEEPEST = 30
MOST_VALUES = 200_000
"""A study with a list of 10,000 seeds and a thousand variants has far fewer."""


class StudyError(ValueError):
    """A study that cannot be used; the message is for the person who wrote it."""


@cache
def load_schema() -> dict[str, Any]:
    """The schema of a study, with the names of the catalogue inserted as enumerations."""
    return _insert_names(yaml.safe_load(SCHEMA_FILE.read_text(encoding="utf-8")))


def _insert_names(part: Any) -> Any:
    if isinstance(part, list):
        return [_insert_names(item) for item in part]
    if not isinstance(part, dict):
        return part
    schema = {key: _insert_names(value) for key, value in part.items() if key != "x-names-of"}
    return schema | {"enum": NAMES[part["x-names-of"]]} if "x-names-of" in part else schema


def validate(config: Mapping[str, Any], schema: Schema, source: str) -> dict[str, Any]:
    """A copy of `config` with numbers read and defaults filled in.

    Raises StudyError for the first thing in the file that the schema does not allow.
    """
    if not isinstance(config, Mapping):
        raise StudyError(f"{source}: found {abbreviate(config)}, expected a mapping of keys")
    _check_size(config, source)
    study = _read_numbers(config, schema, schema)
    errors = list(Draft202012Validator(schema).iter_errors(study))
    if errors:
        first = min(errors, key=lambda error: [str(part) for part in error.absolute_path])
        raise StudyError(f"{source}: {describe_error(first)}")
    return _fill_defaults(study, schema, schema)


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`below` overridden by `above`: groups of keys are merged, lists and values replaced."""
    merged = dict(below)
    for key, value in above.items():
        are_groups = isinstance(value, Mapping) and isinstance(below.get(key), Mapping)
        merged[key] = merge(below[key], value) if are_groups else value
    return merged


def _check_size(config: Any, source: str) -> None:
    """Raises StudyError for a file that YAML's aliases expand to billions of values."""
    pending, count = [(config, 1)], 0
    while pending:
        value, depth = pending.pop()
        count += 1
        if depth > DEEPEST:
            raise StudyError(
                f"{source}: nested deeper than {DEEPEST} levels, or a part refers to itself"
            )
        if count > MOST_VALUES:
            raise StudyError(f"{source}: found more than {MOST_VALUES:,} values, expected fewer")
        if isinstance(value, Mapping | list | tuple):
            children = value.values() if isinstance(value, Mapping) else value
            pending += [(child, depth + 1) for child in children]


def _follow_reference(schema: Schema, root: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    target = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}


def _is_group(schema: Schema, root: Schema) -> bool:
    return _follow_reference(schema, root).get("type") == "object"


def _child_schema(schema: Schema, key: Any) -> Schema:
    """The schema of one key of a group: its own, or that of all keys that are not listed."""
    others = schema.get("additionalProperties")
    return schema.get("properties", {}).get(key, others if isinstance(others, Mapping) else {})


def _read_numbers(value: Any, schema: Schema, root: Schema) -> Any:
    """Turns text into numbers where the schema expects them: YAML 1.1 reads `2e-4` as text.

    A group of keys that is left empty (`minimax:` alone on its line) becomes an empty mapping.
    """
    schema = _follow_reference(schema, root)
    for option in schema.get("oneOf", ()):
        value = _read_numbers(value, option, root)
    if isinstance(value, Mapping):
        group = {}
        for key, child in value.items():
            part = _child_schema(schema, key)
            is_empty_group = child is None and _is_group(part, root)
            group[str(key)] = _read_numbers({} if is_empty_group else child, part, root)
        return group
    if isinstance(value, list | tuple):
        return [_read_numbers(item, schema.get("items", {}), root) for item in value]
    if schema.get("type") in ("integer", "number") and not isinstance(value, bool):
        return _read_number(value, whole=schema["type"] == "integer")
    return value


def _read_number(value: Any, whole: bool) -> Any:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return value
    if not math.isfinite(number):
        return str(value)  # as text it is refused; jsonschema would accept nan and infinity
    if whole:
        return int(number) if number.is_integer() else value
    return number


def _fill_defaults(value: Any, schema: Schema, root: Schema) -> Any:
    """Fills in defaults, except in an override, where a missing key means the level below."""
    schema = _follow_reference(schema, root)
    if not isinstance(value, Mapping):
        return value
    groups = [option for option in schema.get("oneOf", ()) if _is_group(option, root)]
    schema = _follow_reference(groups[0], root) if groups else schema
    properties = schema.get("properties", {})
    filled = dict(value)
    for key, part in properties.items():
        if (key in value or "default" in part) and "x-override" not in part:
            filled[key] = _fill_defaults(value.get(key, part.get("default")), part, root)
    for key in value:
        if key not in properties:
            filled[key] = _fill_defaults(value[key], _child_schema(schema, key), root)
    return filled

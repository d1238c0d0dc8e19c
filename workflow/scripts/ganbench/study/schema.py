"""Checks a study against its schema: fills in defaults, refuses everything else."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from ganbench.catalogue.architectures import ARCHITECTURES, NORMS
from ganbench.catalogue.datasets import KINDS
from ganbench.catalogue.extractors import AUTO, EXTRACTORS, TIMM, is_timm
from ganbench.catalogue.metrics import METRICS, STOPPING
from ganbench.catalogue.plugins import PARTS
from ganbench.catalogue.updates import UPDATES
from ganbench.jobs.resources import find_resources
from ganbench.study.schema_errors import abbreviate, describe_error
from ganbench.study.values import (
    Schema,
    child_schema,
    follow_reference,
    is_group,
    read_values,
)

SCHEMA_FILE = find_resources("schemas") / "study.schema.yaml"

Names = Mapping[str, tuple[str, ...]]

DEEPEST = 30
MOST_VALUES = 200_000
"""A study with a list of 10,000 seeds and a thousand variants has far fewer."""


class StudyError(ValueError):
    """A study that cannot be used; the message is for the person who wrote it."""


def load_schema() -> dict[str, Any]:
    """The schema of a study, with the names of the catalogue inserted as enumerations."""
    return _load_schema(tuple(PARTS))


@cache
def _load_schema(of_plugins: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """The schema, for these parts of plugins in the catalogue."""
    del of_plugins
    return _insert_names(yaml.safe_load(SCHEMA_FILE.read_text(encoding="utf-8")), _list_names())


def _list_names() -> Names:
    """The catalogue's names that each `x-names-of` of the schema allows."""
    return {
        "kinds": tuple(KINDS),
        "architectures": tuple(ARCHITECTURES),
        "norms": NORMS,
        "updates": tuple(UPDATES),
        "extractors": (AUTO, *EXTRACTORS, f"{TIMM}NAME"),
        "metrics": tuple(
            name
            for name, metric in METRICS.items()
            if metric.of == "images" and metric.better != "neither"
        ),
        "stopping_metrics": STOPPING,
    }


def _insert_names(part: Any, names: Names) -> Any:
    if isinstance(part, list):
        return [_insert_names(item, names) for item in part]
    if not isinstance(part, dict):
        return part
    schema = {
        key: _insert_names(value, names) for key, value in part.items() if key != "x-names-of"
    }
    return schema | {"enum": list(names[part["x-names-of"]])} if "x-names-of" in part else schema


def validate(config: Mapping[str, Any], schema: Schema, source: str) -> dict[str, Any]:
    """A copy of `config` with its values read by their types.

    Raises StudyError for the first thing in the file that the schema does not allow.
    """
    if not isinstance(config, Mapping):
        raise StudyError(f"{source}: found {abbreviate(config)}, expected a mapping of keys")
    check_size(config, source)
    study = read_values(config, schema, schema)
    errors = list(Draft202012Validator(_allow_extractor(schema, study)).iter_errors(study))
    if errors:
        first = min(errors, key=lambda error: [str(part) for part in error.absolute_path])
        raise StudyError(f"{source}: {describe_error(first)}")
    return study


def _allow_extractor(schema: Schema, study: Mapping[str, Any]) -> Schema:
    """The schema with the network of timm that the study names, since nobody can list them."""
    evaluation = study.get("evaluation")
    name = evaluation.get("extractor") if isinstance(evaluation, Mapping) else None
    if not isinstance(name, str) or not is_timm(name):
        return schema
    own = {"$defs": {"evaluation": {"properties": {"extractor": {"enum": [name]}}}}}
    return merge(schema, own)


def check_training(values: Mapping[str, Any], path: str) -> None:
    """Raises StudyError, after the user's `path`, unless `values` can be a part of `training`."""
    schema = load_schema()
    part = {"$ref": "#/$defs/training", "$defs": schema["$defs"]}
    errors = list(Draft202012Validator(part).iter_errors(read_values(values, part, schema)))
    if errors:
        raise StudyError(f"{path}.{describe_error(errors[0])}")


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`below` overridden by `above`: groups of keys are merged, lists and values replaced."""
    merged = dict(below)
    for key, value in above.items():
        are_groups = isinstance(value, Mapping) and isinstance(below.get(key), Mapping)
        merged[key] = merge(below[key], value) if are_groups else value
    return merged


def subtract(values: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of `values`, also within groups, whose values are not those of `others`."""
    rest = {}
    for key, value in values.items():
        other = others.get(key)
        if isinstance(value, Mapping) and isinstance(other, Mapping):
            if group := subtract(value, other):
                rest[key] = group
        elif value != other:
            rest[key] = value
    return rest


def check_size(config: Any, source: str) -> None:
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


def flatten_keys(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is not a group, by its dotted key."""
    if not isinstance(value, Mapping) or not value:
        yield path, value
        return
    for key, part in value.items():
        yield from flatten_keys(part, f"{path}.{key}" if path else str(key))


def fill_defaults(
    value: Any, schema: Schema, root: Schema, sample_type: str = "images"
) -> dict[str, Any]:
    """Fills in defaults, except in an override, where a missing key means the level below.

    Some keys have another default where the samples are points, `x-points-default`. A key with
    `x-where-used` is left out where it is not given: a run has it only where it has an effect.
    """
    schema = follow_reference(schema, root)
    if not isinstance(value, Mapping):
        return value
    groups = [option for option in schema.get("oneOf", ()) if is_group(option, root)]
    schema = follow_reference(groups[0], root) if groups else schema
    properties = schema.get("properties", {})
    filled = dict(value)
    for key, part in properties.items():
        is_filled = "default" in part and "x-where-used" not in part
        if (key in value or is_filled) and "x-override" not in part:
            default = part.get(f"x-{sample_type}-default", part.get("default"))
            filled[key] = fill_defaults(value.get(key, default), part, root, sample_type)
    for key in value:
        if key not in properties:
            part = child_schema(schema, key, root)
            filled[key] = fill_defaults(value[key], part, root, sample_type)
    return filled

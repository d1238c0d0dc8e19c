"""Checks a study against its schema: numbers as people write them, defaults, one clear message."""

import difflib
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from ganbench.catalogue.architectures import ARCHITECTURES, NORMS
from ganbench.catalogue.datasets import KINDS
from ganbench.catalogue.extractors import EXTRACTORS
from ganbench.catalogue.metrics import METRICS

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
"""What a key of the schema with `x-names-of` can name: the catalogue's entries."""

DEEPEST = 30
MOST_VALUES = 200_000
"""A study of 10,000 seeds named one by one and a thousand variants has far fewer."""


class StudyError(ValueError):
    """A study that cannot be used; the message is for the person who wrote it."""


@cache
def load_schema() -> dict[str, Any]:
    """The schema of a study, with the names of the catalogue put in as enumerations."""
    return _with_names(yaml.safe_load(SCHEMA_FILE.read_text(encoding="utf-8")))


def _with_names(part: Any) -> Any:
    if isinstance(part, list):
        return [_with_names(item) for item in part]
    if not isinstance(part, dict):
        return part
    filled = {key: _with_names(value) for key, value in part.items() if key != "x-names-of"}
    return filled | {"enum": NAMES[part["x-names-of"]]} if "x-names-of" in part else filled


def checked(config: Mapping[str, Any], schema: Schema, source: str) -> dict[str, Any]:
    """A copy of `config` with numbers read and defaults put in.

    Raises StudyError for the first thing in the file that the schema does not allow.
    """
    if not isinstance(config, Mapping):
        raise StudyError(f"{source}: found {_shown(config)}, expected a mapping of keys")
    if problem := _out_of_bounds(config):
        raise StudyError(f"{source}: {problem}")
    read = _read(config, schema, schema)
    errors = list(Draft202012Validator(schema).iter_errors(read))
    if errors:
        first = min(errors, key=lambda error: [str(part) for part in error.absolute_path])
        raise StudyError(f"{source}: {_message(first)}")
    return _filled(read, schema, schema)


def _out_of_bounds(config: Any) -> str:
    """What is wrong with the size of a file, or ''. A few YAML aliases can stand for billions."""
    left, values = [(config, 1)], 0
    while left:
        value, depth = left.pop()
        values += 1
        if depth > DEEPEST:
            return f"nested deeper than {DEEPEST}, or a part that refers to itself"
        if values > MOST_VALUES:
            return f"more than {MOST_VALUES:,} values"
        within = value.values() if isinstance(value, Mapping) else value
        if isinstance(value, Mapping | list | tuple):
            left += [(each, depth + 1) for each in within]
    return ""


def _deref(schema: Schema, root: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    target = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}


def _read(value: Any, schema: Schema, root: Schema) -> Any:
    """Reads strings as numbers where the schema wants numbers: YAML 1.1 takes `2e-4` for text."""
    schema = _deref(schema, root)
    for option in schema.get("oneOf", ()):
        value = _read(value, option, root)
    if isinstance(value, Mapping):
        known, others = schema.get("properties", {}), schema.get("additionalProperties") or {}
        others = {} if others is True else others
        # an empty group (`minimax:` with nothing behind it) is a group of defaults
        return {
            str(key): _read(
                {} if each is None and _is_group(known.get(key, others), root) else each,
                known.get(key, others),
                root,
            )
            for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [_read(each, schema.get("items", {}), root) for each in value]
    if schema.get("type") in ("integer", "number") and not isinstance(value, bool):
        return _number(value, whole=schema["type"] == "integer")
    return value


def _is_group(schema: Schema, root: Schema) -> bool:
    return _deref(schema, root).get("type") == "object"


def _number(value: Any, whole: bool) -> Any:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return value
    if not math.isfinite(number):
        return str(value)  # text, and so refused: jsonschema would let nan and infinity pass
    if whole:
        return int(number) if number.is_integer() else value
    return number


def _filled(value: Any, schema: Schema, root: Schema) -> Any:
    """Puts in defaults, but not into an override: there, an absent key means the level below."""
    schema = _deref(schema, root)
    if not isinstance(value, Mapping):
        return value
    groups = [each for each in schema.get("oneOf", ()) if _is_group(each, root)]
    schema = _deref(groups[0], root) if groups else schema
    known, others = schema.get("properties", {}), schema.get("additionalProperties") or {}
    filled = dict(value)
    for key, part in known.items():
        if (key in value or "default" in part) and "x-override" not in part:
            filled[key] = _filled(value.get(key, part.get("default")), part, root)
    for key in value:
        if key not in known:
            filled[key] = _filled(value[key], others, root)
    return filled


def _message(error: ValidationError) -> str:
    while error.validator == "oneOf" and error.context:
        error = _closest(error)
    path = ".".join(str(part) for part in error.absolute_path)
    lead = f"{path}: " if path else ""
    found = _shown(error.instance)
    match error.validator:
        case "additionalProperties":
            return _unknown_key(error, lead)
        case "required":
            absent = [key for key in error.validator_value if key not in error.instance]
            return f"{lead}missing the key {absent[0]!r}"
        case "pattern" | "maxLength":
            within = path.rpartition(".")[0] if not _is_key(error) else path
            at = f"{within}: " if within and _is_key(error) else lead
            return f"{at}found {found}, expected a name of a-z, 0-9 and _ (at most 60 characters)"
        case "uniqueItems":
            return f"{lead}found {found}, expected no value twice"
        case "minItems" | "minProperties":
            count = len(error.instance)
            return f"{lead}found {count} items, expected at least {error.validator_value}"
        case "enum":
            return (
                f"{lead}found {found}, expected one of {', '.join(map(str, error.validator_value))}"
            )
        case "type":
            wanted = error.validator_value
            wanted = wanted if isinstance(wanted, str) else " or ".join(wanted)
            return f"{lead}found {found}, expected {_TYPES.get(wanted, wanted)}"
    limit = _LIMITS.get(error.validator, error.validator)
    return f"{lead}found {found}, expected {limit} {error.validator_value}"


_TYPES = {
    "object": "a mapping of keys",
    "array": "a list",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
}
_LIMITS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
    "maxItems": "no more items than",
}


def _closest(error: ValidationError) -> ValidationError:
    """Of the branches of a `oneOf`, the error of the one whose type the value has."""
    fitting = [each for each in error.context if each.validator != "type" or each.relative_path]
    return fitting[0] if fitting else error.context[0]


def _is_key(error: ValidationError) -> bool:
    return "propertyNames" in error.absolute_schema_path


def _unknown_key(error: ValidationError, lead: str) -> str:
    known = list(error.schema.get("properties", {}))
    unknown = next(key for key in error.instance if key not in known)
    close = difflib.get_close_matches(str(unknown), known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{lead}unknown key {unknown!r}, expected one of {', '.join(known)}{hint}"


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "…"


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` over `below`; groups of keys are merged, lists and values replaced."""
    found = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(below.get(key), Mapping)
        found[key] = merged(below[key], value) if both else value
    return found

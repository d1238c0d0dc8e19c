"""Reads the values of a study by the types of its schema, however they are written.

`--config` hands every value inside a group on as text, and YAML 1.1 reads `2e-4` as text.
"""

import datetime
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

Schema = Mapping[str, Any]

NUMBER = re.compile(r"[-+]?(?=[.0-9])(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][-+]?[0-9]+)?")
"""A number as people write it: no octal 010, no 0x10, no 1_000, no 1:30:00."""

LONGEST_NUMBER = 400
NULLS = ("", "~", "null", "Null", "NULL", "None")
BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
"""What YAML 1.1 reads as true or false."""


def follow_reference(schema: Schema, root: Schema) -> Schema:
    """A schema with what it refers to."""
    if "$ref" not in schema:
        return schema
    target = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}


def is_group(schema: Schema, root: Schema) -> bool:
    """Whether a schema is that of a group of keys."""
    return follow_reference(schema, root).get("type") == "object"


def child_schema(schema: Schema, key: Any, root: Schema) -> Schema:
    """The schema of one key of a group: its own, or that of all keys that are not listed."""
    if "x-lists-of" in schema:
        return _list_schema(schema, str(key), root)
    others = schema.get("additionalProperties")
    return schema.get("properties", {}).get(key, others if isinstance(others, Mapping) else {})


def _list_schema(schema: Schema, path: str, root: Schema) -> Schema:
    """The schema of values to try for a key such as `optimizer.lr`: of a list, or of a range."""
    item: Schema = root["$defs"][schema["x-lists-of"]]
    for name in path.split("."):
        item = follow_reference(child_schema(item, name, root), root)
    options = schema["additionalProperties"]["oneOf"]
    return {"oneOf": [{**option, "items": item} for option in options]}


def read_values(value: Any, schema: Schema, root: Schema) -> Any:
    """A copy of `value` with text turned into what the schema expects; the rest stays as it is.

    A group of keys that is left empty (`minimax:` alone on its line) becomes an empty mapping.
    """
    schema = follow_reference(schema, root)
    if "oneOf" in schema:
        return _read_alternatives(value, schema, root)
    if isinstance(value, Mapping):
        return {
            str(key): read_values(child, child_schema(schema, key, root), root)
            for key, child in value.items()
        }
    if isinstance(value, list | tuple):
        return [read_values(item, schema.get("items", {}), root) for item in value]
    return _read_single(value, schema)


def _read_alternatives(value: Any, schema: Schema, root: Schema) -> Any:
    """Reads by the option whose type the value can have: a group, a list, or a single value."""
    forms = {"object": Mapping, "array": list | tuple}
    form = next((name for name, kind in forms.items() if isinstance(value, kind)), "single")
    for option in (follow_reference(option, root) for option in schema["oneOf"]):
        if form == (option["type"] if option["type"] in forms else "single"):
            value = read_values(value, option, root)
    return value


def _read_single(value: Any, schema: Schema) -> Any:
    types = schema.get("type", ())
    types = (types,) if isinstance(types, str) else types
    is_text = isinstance(value, str)
    if "object" in types and (value is None or (is_text and value in NULLS)):
        return {}
    if is_text and value in NULLS and ("null" in types or None in schema.get("enum", ())):
        return None
    if "boolean" in types and is_text:
        return BOOLEANS.get(value.lower(), value)
    if "enum" in schema:
        return _read_choice(value, schema["enum"])
    if "string" in types:
        return _read_text(value)
    if "integer" in types or "number" in types:
        return _read_number(value, whole="integer" in types)
    return value


def _read_choice(value: Any, choices: list[Any]) -> Any:
    """The choice that equals a number or its text; the choices of most keys are text."""
    number = _read_number(value, whole=True)
    is_number = isinstance(number, int) and not isinstance(number, bool)
    return number if is_number and number in choices else value


def _read_text(value: Any) -> Any:
    """Numbers and dates are text where text is expected: `title: 2024`."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number or isinstance(value, datetime.date) else value


def _read_number(value: Any, whole: bool) -> Any:
    """Anything that is no number stays as it is, to be refused."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return value
    if isinstance(value, str) and not _is_number(value):
        return value
    try:
        number = float(value)
    except OverflowError:
        return value
    if not math.isfinite(number):
        return str(value)  # as text it is refused; jsonschema would accept nan and infinity
    if not whole:
        return number
    exact = Decimal(value)  # a float does not hold every whole number above 2**53
    return int(exact) if exact == exact.to_integral_value() else value


def _is_number(text: str) -> bool:
    return len(text) <= LONGEST_NUMBER and NUMBER.fullmatch(text.strip()) is not None

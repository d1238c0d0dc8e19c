"""Words an error of jsonschema for the person who wrote the study: key, value found, expected."""

import re
from collections.abc import Mapping
from typing import Any

from jsonschema.exceptions import ValidationError

from ganbench.catalogue.metrics import INCEPTION, base_name, qualify
from ganbench.catalogue.suggestions import find_closest, suggest
from ganbench.wording import count

TYPES = {
    "object": "a mapping of keys",
    "array": "a list",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "null": "null",
}
LIMITS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
    "maxItems": "no more items than",
}
NAME = "^[a-z0-9_]+$"
"""The pattern of names in the schema."""

OTHER_NUMBER = re.compile(r"[-+]?(0[0-9]+|[0-9]+([_:][0-9]+)+|0[box][0-9A-Fa-f_]+)(\.[0-9_]*)?")
"""What a person may mean as a number, but YAML 1.1 reads as octal, in base 60 or as one number."""

LONGEST_VALUE = 60
"""Characters of a value that a message shows."""


def describe_error(error: ValidationError) -> str:
    """One sentence: the key, what was found there and what is expected."""
    while error.validator == "oneOf" and error.context and not _has_single_values(error):
        error = _choose_branch(error)
    path = ".".join(str(part) for part in error.absolute_path)
    at = f"{path}: " if path else ""
    value, limit = abbreviate(error.instance), error.validator_value
    match error.validator:
        case "oneOf":
            return f"{at}found {value}, expected {' or '.join(map(_describe_option, limit))}"
        case "additionalProperties":
            return at + _describe_unknown_key(error)
        case "required":
            missing = next(key for key in limit if key not in error.instance)
            return f"{at}missing the key {missing!r}"
        case "pattern" | "maxLength":
            return f"{at}found {value}, expected {_describe_text(error.schema)}"
        case "uniqueItems":
            return f"{at}found {value}, expected no value twice"
        case "minItems" | "minProperties":
            return f"{at}found {count(len(error.instance), 'item')}, expected at least {limit}"
        case "enum":
            hint = _explain_inception(error.instance, limit) or suggest(error.instance, limit)
            return f"{at}found {value}, expected one of {', '.join(map(str, limit))}{hint}"
        case "type":
            names = [limit] if isinstance(limit, str) else limit
            expected = " or ".join(TYPES[name] for name in names)
            return f"{at}found {value}, expected {expected}{_explain_spelling(error.instance)}"
    return f"{at}found {value}, expected {LIMITS.get(error.validator, error.validator)} {limit}"


def _explain_spelling(value: Any) -> str:
    """How to write a number that YAML 1.1 or Python would read in a way few people expect."""
    if not isinstance(value, str) or not OTHER_NUMBER.fullmatch(value.strip()):
        return ""
    return (
        "; write the number in decimal digits, such as 5400 or 5.4e3, without leading zeros, _, : "
        "or 0x"
    )


def _describe_text(schema: Mapping[str, Any]) -> str:
    """The text that a schema with a pattern or a longest length expects, by its description."""
    if schema.get("pattern") == NAME:
        return "a name of a-z, 0-9 and _ (at most 60 characters)"
    if description := schema.get("description"):
        return description[0].lower() + description[1:].rstrip(".")
    return f"at most {schema['maxLength']} characters"


def _explain_inception(value: Any, metrics: list[Any]) -> str:
    """What to write for the name that a metric has over Inception-v3 alone, such as FID."""
    name = str(value).upper()
    base = base_name(name)
    if base == name or base not in metrics or qualify(base, INCEPTION) != name:
        return ""
    return f"; {name} is {base} with `extractor: {INCEPTION}`"


def abbreviate(value: Any) -> str:
    """A value as Python writes it, cut to a readable length."""
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "…"


def _choose_branch(error: ValidationError) -> ValidationError:
    """Of the branches of a `oneOf`, the error of the first whose type the value has."""
    for branch in error.context:
        if branch.validator != "type" or branch.relative_path:
            return branch
    return error.context[0]


def _has_single_values(error: ValidationError) -> bool:
    """Whether every option of a `oneOf` is a number or a text, such as 8 or auto."""
    return all(option.get("type") in ("integer", "string") for option in error.validator_value)


def _describe_option(option: Mapping[str, Any]) -> str:
    """One option of a `oneOf` in words."""
    if "enum" in option:
        return " or ".join(map(str, option["enum"]))
    limits = [f"{word} {option[key]}" for key, word in LIMITS.items() if key in option]
    return TYPES[option["type"]] + (f" ({', '.join(limits)})" if limits else "")


def _describe_unknown_key(error: ValidationError) -> str:
    keys = list(error.schema.get("properties", {}))
    unknown = next(key for key in error.instance if key not in keys)
    hint = _place_key(str(unknown), error) or suggest(unknown, keys, least=0.6)
    return f"unknown key {unknown!r}, expected one of {', '.join(keys)}{hint}"


def _place_key(unknown: str, error: ValidationError) -> str:
    """Where a key of a group belongs that stands at the top of a study, such as `steps`."""
    groups = {
        key: error.schema.get("$defs", {}).get(part["$ref"].rsplit("/", 1)[1], {})
        for key, part in error.schema.get("properties", {}).items()
        if "$ref" in part
    }
    places = {key: name for name, group in groups.items() for key in group.get("properties", {})}
    key = find_closest(unknown, [*places, *error.schema.get("properties", {})])
    if key not in places:
        return ""
    written = f"{{{key}: {error.instance[unknown]}}}"
    return (
        f"; did you mean {key!r} of {places[key]}? Write {places[key]}: {written} in the file, or "
        f"--config '{places[key]}={written}'"
    )

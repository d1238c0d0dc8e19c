"""Words an error of jsonschema for the person who wrote the study: key, value found, expected."""

import difflib
import re
from collections.abc import Mapping
from typing import Any

from jsonschema.exceptions import ValidationError

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
            return f"{at}found {value}, expected a name of a-z, 0-9 and _ (at most 60 characters)"
        case "uniqueItems":
            return f"{at}found {value}, expected no value twice"
        case "minItems" | "minProperties":
            return f"{at}found {count(len(error.instance), 'item')}, expected at least {limit}"
        case "enum":
            return f"{at}found {value}, expected one of {', '.join(map(str, limit))}"
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
    close = difflib.get_close_matches(str(unknown), keys, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"unknown key {unknown!r}, expected one of {', '.join(keys)}{hint}"

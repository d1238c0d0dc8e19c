"""Writes the tables of a study's keys into config/README.md, from study.schema.yaml.

    python workflow/schemas/table.py           writes them
    python workflow/schemas/table.py --check   exits with status 1 if the guide is out of date

Text outside the two markers is written by hand and stays as it is.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from ganbench.study.schema import load_schema  # noqa: E402 (found through the line above)

GUIDE = ROOT / "config" / "README.md"
BEGIN = "<!-- keys: made by workflow/schemas/table.py, not by hand -->"
END = "<!-- end of keys -->"

Schema = Mapping[str, Any]

TYPES = {"integer": "whole number", "string": "text"}
PLURAL_TYPES = {
    "integer": "whole numbers",
    "number": "numbers",
    "string": "texts",
    "array": "lists",
}
LIMITS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def make_tables(root: Schema) -> str:
    """A table of the study's own keys, one of each group of keys, and a line for each choice."""
    parts = [_make_table("A study", root, root)]
    for name, group in _walk_groups(root["$defs"]):
        if group.get("properties"):
            parts.append(_make_table(f"`{name}`", group, root))
        elif "enum" in group:
            choices = _describe_range(group)
            parts.append(f"### `{name}`\n\n{group['description']} One of {choices}.")
    return "\n\n".join(parts)


def _walk_groups(schemas: Mapping[str, Schema]) -> Iterator[tuple[str, Schema]]:
    """`schemas` by name, each followed by the groups of keys within it."""
    for name, schema in schemas.items():
        yield name, schema
        properties = schema.get("properties", {})
        yield from _walk_groups(
            {key: part for key, part in properties.items() if "properties" in part}
        )


def _make_table(title: str, group: Schema, root: Schema) -> str:
    lines = [f"### {title}", "", group["description"], ""]
    lines += ["| key | type | range | default | description |", "|---|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in _make_rows(group, root))])


def _make_rows(group: Schema, root: Schema) -> Iterator[list[str]]:
    for key, part in group["properties"].items():
        schema = {**_find_target(part, root), **part}
        is_required = key in group.get("required", ())
        cells = [
            f"`{key}`",
            _describe_type(part, root, key),
            _describe_range(schema),
            "**required**" if is_required else _describe_default(schema, part),
            schema["description"],
        ]
        yield [cell.replace("|", "\\|") for cell in cells]


def _find_target(part: Schema, root: Schema) -> Schema:
    """The schema that a key refers to; empty if it refers to none."""
    return root["$defs"][_find_target_name(part)] if "$ref" in part else {}


def _find_target_name(part: Schema) -> str:
    return part["$ref"].rsplit("/", 1)[1]


def _describe_type(part: Schema, root: Schema, key: str = "") -> str:
    """A type in words, linked to its table if it is a group of keys."""
    if "$ref" in part:
        return _describe_type(_find_target(part, root), root, _find_target_name(part))
    if "properties" in part:
        return f"[{key}](#{key})" if part["properties"] else "group without keys"
    if "oneOf" in part:
        return " or ".join(_describe_type(option, root) for option in part["oneOf"])
    if part.get("type") == "array":
        return f"list of {PLURAL_TYPES.get(part.get('items', {}).get('type'), 'values')}"
    if part.get("type") == "object":
        others = part.get("additionalProperties", {"type": "value"})
        return f"names → {_describe_type(others, root)}"
    types = part.get("type", "choice")
    types = [types] if isinstance(types, str) else types
    return " or ".join(TYPES.get(name, name) for name in types)


def _describe_range(schema: Schema) -> str:
    """The allowed values: `≥ 1, ≤ 1000`, or a list of them."""
    if "oneOf" in schema:
        return "; or ".join(filter(None, map(_describe_range, schema["oneOf"])))
    if "enum" in schema:
        return ", ".join("`null`" if value is None else f"`{value}`" for value in schema["enum"])
    limits = [f"{sign} {schema[key]}" for key, sign in LIMITS.items() if key in schema]
    if "pattern" in schema:
        limits.append(f"`{schema['pattern']}`, up to {schema['maxLength']} characters")
    return ", ".join([*limits, *_describe_items(schema)])


def _describe_items(schema: Schema) -> Iterator[str]:
    """The allowed items of a list or a mapping."""
    least, most = schema.get("minItems"), schema.get("maxItems")
    if least is not None:
        yield f"{least} items" if least == most else f"{least} or more items"
    if schema.get("minProperties"):
        yield f"{schema['minProperties']} or more"
    if schema.get("uniqueItems"):
        yield "all different"
    if "items" in schema and (limits := _describe_range(schema["items"])):
        yield f"each {limits}"


def _describe_default(schema: Schema, part: Schema) -> str:
    """The default in YAML; a group of keys has the defaults of its keys."""
    if "default" not in part:
        return "none"
    keys = schema.get("properties", {}).values()
    if part["default"] == {} and any("default" in key for key in keys):
        return "its keys' defaults"
    if part["default"] == "":
        return "empty"
    default = _write_value(part["default"])
    if "x-points-default" in part:
        return f"{default}; points {_write_value(part['x-points-default'])}"
    return default


def _write_value(value: Any) -> str:
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def update_guide(root: Schema, text: str) -> str:
    """The text of the guide with new tables between its markers."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{make_tables(root)}\n\n{END}{after}"


def main(arguments: list[str]) -> int:
    """Writes the tables, or with `--check` says whether the guide is out of date."""
    text = GUIDE.read_text(encoding="utf-8")
    updated = update_guide(load_schema(), text)
    if "--check" not in arguments:
        GUIDE.write_text(updated, encoding="utf-8")
        return 0
    if updated != text:
        print("config/README.md is out of date with the schema: run `make generated`")
    return int(updated != text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

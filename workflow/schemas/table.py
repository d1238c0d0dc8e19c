"""Writes the table of every key of a study into config/README.md, from study.schema.yaml.

    python workflow/schemas/table.py           writes it
    python workflow/schemas/table.py --check   exit status 1 where the guide is out of date

What stands outside the two markers is written by hand and left alone.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from ganbench.study.schema import load_schema  # noqa: E402 (found by the line above)

GUIDE = ROOT / "config" / "README.md"
BEGIN = "<!-- keys: made by workflow/schemas/table.py, not by hand -->"
END = "<!-- end of keys -->"

Schema = dict[str, Any]

PLURAL = {"integer": "whole numbers", "number": "numbers", "string": "texts"}
WORDS = {"integer": "whole number", "string": "text"}
LIMITS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def tables(root: Schema) -> str:
    """A table for the study's own keys, one for each group of keys, and a line for each choice."""
    parts = [_table("A study", root, root)]
    for name, group in _groups(root["$defs"]):
        if group.get("properties"):
            parts.append(_table(f"`{name}`", group, root))
        elif "enum" in group:
            parts.append(f"### `{name}`\n\n{group['description']} One of {_range(group)}.")
    return "\n\n".join(parts)


def _groups(schemas: Mapping[str, Schema]) -> Iterator[tuple[str, Schema]]:
    """`schemas` by name, each followed by the groups of keys within it."""
    for name, schema in schemas.items():
        yield name, schema
        within = schema.get("properties", {})
        yield from _groups({key: part for key, part in within.items() if "properties" in part})


def _table(title: str, group: Schema, root: Schema) -> str:
    lines = [f"### {title}", "", group["description"], ""]
    lines += ["| key | type | range | default | description |", "|---|---|---|---|---|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in _rows(group, root))])


def _rows(group: Schema, root: Schema) -> Iterator[tuple[str, ...]]:
    for key, part in group["properties"].items():
        schema = {**_target(part, root), **part}
        default = "**required**" if key in group.get("required", ()) else _default(schema, part)
        yield tuple(
            cell.replace("|", "\\|")
            for cell in (
                f"`{key}`",
                _type(part, root, key),
                _range(schema),
                default,
                _said(part, schema),
            )
        )


def _said(part: Schema, schema: Schema) -> str:
    """The key's own description; that of what it refers to where it has none."""
    return part.get("description", schema["description"])


def _target(part: Schema, root: Schema) -> Schema:
    return root["$defs"][_name(part)] if "$ref" in part else {}


def _name(part: Schema) -> str:
    return part["$ref"].rsplit("/", 1)[1]


def _type(part: Schema, root: Schema, key: str = "") -> str:
    """A type in words, with a link where it is a group of keys with a table of its own."""
    if "$ref" in part:
        return _type(_target(part, root), root, _name(part))
    if "properties" in part:
        return f"[{key}](#{key})" if part["properties"] else "a group without keys"
    if "oneOf" in part:
        return " or ".join(_type(option, root) for option in part["oneOf"])
    if part.get("type") == "array":
        return f"list of {PLURAL[part['items']['type']] if 'items' in part else 'values'}"
    if part.get("type") == "object":
        return f"names → {_type(part['additionalProperties'], root)}"
    types = part.get("type", "one of")
    types = [types] if isinstance(types, str) else types
    return " or ".join(WORDS.get(each, each) for each in types)


def _range(schema: Schema) -> str:
    """What a value may be, in signs: `≥ 1, ≤ 1000`, or the values that there are."""
    if "oneOf" in schema:
        return "; or ".join(filter(None, map(_range, schema["oneOf"])))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    limits = [f"{sign} {schema[key]}" for key, sign in LIMITS.items() if key in schema]
    if "pattern" in schema:
        limits.append(f"`{schema['pattern']}`, up to {schema['maxLength']} characters")
    return ", ".join([*limits, *_items(schema)])


def _items(schema: Schema) -> Iterator[str]:
    """What a list or a mapping may hold."""
    least, most = schema.get("minItems"), schema.get("maxItems")
    if least is not None:
        yield f"{least} of them" if least == most else f"a list of {least} or more"
    if schema.get("minProperties"):
        yield f"{schema['minProperties']} or more"
    if schema.get("uniqueItems"):
        yield "no value twice"
    if "items" in schema and (inside := _range(schema["items"])):
        yield f"each {inside}"


def _default(schema: Schema, part: Schema) -> str:
    """The default in YAML; that of a group of keys is the defaults of its keys."""
    if "default" not in part:
        return "none"
    keys = schema.get("properties", {}).values()
    if part["default"] == {} and any("default" in key for key in keys):
        return "its keys' defaults"
    if part["default"] == "":
        return "empty"
    return f"`{json.dumps(part['default'], ensure_ascii=False)}`"


def guide(root: Schema, text: str) -> str:
    """The text of the guide with the tables between its markers made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables(root)}\n\n{END}{after}"


def main(arguments: list[str]) -> int:
    """Writes the table, or with `--check` says whether the guide is out of date."""
    text = GUIDE.read_text(encoding="utf-8")
    made = guide(load_schema(), text)
    if "--check" not in arguments:
        GUIDE.write_text(made, encoding="utf-8")
        return 0
    if made != text:
        print("config/README.md is not what the schema makes: run `make generated`")
    return int(made != text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What the CSV files of a study are: type, unit and meaning of every column, from columns.yaml."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml


class Column(NamedTuple):
    """A column of a CSV file. `type` is one of Frictionless Table Schema, `unit` may be empty."""

    name: str
    type: str
    unit: str
    meaning: str


class Table(NamedTuple):
    """A kind of CSV file: what a row is, and its columns in their order."""

    row: str
    columns: dict[str, Column]


@cache
def load_tables() -> dict[str, Table]:
    """The kinds of CSV files by the name of their files without its ending."""
    text = Path(__file__).with_name("columns.yaml").read_text(encoding="utf-8")
    catalogue = yaml.safe_load(text)
    shared = catalogue["columns"]
    return {
        name: Table(
            definition["row"],
            {
                column: Column(column, *map(str, own or shared[column]))
                for column, own in definition["columns"].items()
            },
        )
        for name, definition in catalogue["tables"].items()
    }

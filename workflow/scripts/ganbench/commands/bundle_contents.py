"""Which files of a study's results are sent or published, and what tells that they are whole."""

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ganbench.catalogue.columns import Column, load_tables
from ganbench.jobs.provenance import sha256, sha256_file

PACKAGE, MANIFEST = "datapackage.json", "manifest-sha256.txt"

TABLES = ("*.csv", "*.html", "study.json", "declared.json", "report.record.json", "tables/*")
SHARED = (
    "datasets/*/card.json",
    "datasets/*/prepare.record.json",
    "datasets/*/examples.png",
    "extractors/*/*/card.json",
    "extractors/*/*/floor.csv",
    "extractors/*/*/*.record.json",
    "theory/*.json",
    "references/*/*",
)
RUNS = ("run.json", "history.csv", "*.record.json")
"""Files of each run that a comparison with it needs, and that tell what it is of."""

SCORES = ("scores.csv", "nearest.csv")
PICTURES = ("samples.png", "nearest.png")

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
RESOURCE_PROFILE = "https://datapackage.org/profiles/2.0/dataresource.json"
SCHEMA_PROFILE = "https://datapackage.org/profiles/2.0/tableschema.json"


def list_files(results: Path, patterns: Iterable[str]) -> dict[str, Path]:
    """The files of a study's results that match one of `patterns`, by their names there."""
    paths = {path for pattern in patterns for path in results.glob(pattern) if path.is_file()}
    names = {path.relative_to(results).as_posix(): path for path in sorted(paths)}
    return {name: path for name, path in names.items() if not Path(name).name.startswith(".")}


def name_run_files(names: Iterable[str]) -> list[str]:
    """Patterns of the files `names` of every run."""
    return [f"runs/*/*/*/{name}" for name in names]


def describe_package(study: Mapping[str, Any], files: Mapping[str, Path]) -> dict[str, Any]:
    """The Frictionless Data Package (version 2) of a study: every file, every column of a table."""
    return {
        "$schema": PROFILE,
        "name": study["study"].replace("_", "-"),
        "title": study["title"],
        "description": study["description"],
        "software": study.get("software", []),
        "declaration": study.get("declaration", ""),
        "resources": [
            _describe_resource(number, name, path)
            for number, (name, path) in enumerate(sorted(files.items()))
        ],
    }


def _describe_resource(number: int, name: str, path: Path) -> dict[str, Any]:
    resource = {
        "$schema": RESOURCE_PROFILE,
        "name": f"{number:05d}-{Path(name).stem.lower()}",
        "path": name,
        "bytes": path.stat().st_size,
        "hash": f"sha256:{sha256_file(path)}",
    }
    table = load_tables().get(Path(name).stem)
    if not name.endswith(".csv") or table is None or not resource["bytes"]:
        return resource
    header = _read_header(path)
    return resource | {
        "type": "table",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "description": f"A row is: {table.row[0].lower()}{table.row[1:]}.",
        "schema": {
            "$schema": SCHEMA_PROFILE,
            "fields": [_describe_field(table.columns.get(column), column) for column in header],
            "missingValues": ["", "nan"],
        },
    }


def _read_header(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as lines:
        return next(csv.reader(lines), [])


def _describe_field(column: Column | None, name: str) -> dict[str, str]:
    """A field of Table Schema; of a column that this version does not know, its name alone."""
    if column is None:
        return {"name": name, "type": "any"}
    field = {"name": name, "type": column.type, "description": column.meaning}
    return field | ({"unit": column.unit} if column.unit else {})


def write_manifest(contents: Mapping[str, bytes | Path]) -> bytes:
    """A line for each file: its SHA-256 and its name, as `sha256sum --check` reads them."""
    lines = [
        f"{sha256(content) if isinstance(content, bytes) else sha256_file(content)}  {name}"
        for name, content in sorted(contents.items())
    ]
    return ("\n".join(lines) + "\n").encode()


def parse_manifest(text: bytes) -> dict[str, str]:
    """The SHA-256 of each file by its name. Raises ValueError for anything else."""
    digests: dict[str, str] = {}
    for line in text.decode().splitlines():
        digest, separator, name = line.partition("  ")
        if not separator or len(digest) != 64 or name in digests:
            raise ValueError(f"found the line {line[:80]!r}, expected a SHA-256 and a name")
        digests[name] = digest
    return digests


def to_json(value: Any) -> bytes:
    """A value as indented JSON in bytes."""
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def tabulate_endings(results: Path) -> dict[str, Any]:
    """What `runs.json` has of each run of a study, by its folder, for a repetition of it."""
    keys = (
        "status",
        "step",
        "reason",
        "seconds",
        "generator_sha256",
        "device",
        "machine",
        "fingerprint",
        "versions",
    )
    runs = {}
    for file in sorted(results.glob("runs/*/*/*/run.json")):
        run = json.loads(file.read_text(encoding="utf-8"))
        runs["/".join(file.parts[-4:-1])] = {key: run[key] for key in keys if key in run}
    return runs

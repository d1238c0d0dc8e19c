"""The record of a job: what its results are of, in a visible file beside them.

A job writes its record last. It holds the job's place, the parameters that decide its results, and
the SHA-256 of every file that it read and wrote. So results carry the truth about themselves
wherever they are copied, and a job that was cut short leaves none.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ganbench.jobs import provenance

RESULTS = "results"
"""The folder of all studies' results, wherever that folder lies."""

SUFFIX = ".record.json"
"""The end of a record's name; before it stands the stage that wrote it."""


class DamagedRecordError(ValueError):
    """A file with a record's name does not hold what a job wrote there."""


@dataclass(frozen=True)
class JobRecord:
    """What made the files of one job.

    `place` is the folder of the record from `results/` on. `inputs` has the SHA-256 of each file
    that the job read, by its place; `outputs` has `sha256` and `size` of each file that it wrote,
    by its path below the folder. `taken_from` is the place of the run of another name whose files
    these are, or None.
    """

    rule: str
    place: str
    parameters: Mapping[str, Any]
    inputs: Mapping[str, str]
    outputs: Mapping[str, Mapping[str, Any]]
    taken_from: str | None = None

    def to_text(self) -> str:
        """The record as indented JSON, which ends with its own SHA-256."""
        content = asdict(self)
        sealed = {**content, "sha256": _seal(content)}
        return json.dumps(sealed, indent=1, ensure_ascii=False) + "\n"


def parse_record(text: bytes) -> JobRecord:
    """The record in a file's bytes. Raises DamagedRecordError if any of them was changed."""
    try:
        content = json.loads(text)
        seal = content.pop("sha256")
        record = JobRecord(**content)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DamagedRecordError(str(error)) from None
    if seal != _seal(content):
        raise DamagedRecordError("its SHA-256 differs")
    return record


def find_place(path: str) -> str:
    """The path from `results/` on, since results may be moved together; elsewhere the name."""
    parts = path.split("/")
    return "/".join(parts[parts.index(RESULTS) :] if RESULTS in parts else parts[-1:])


def is_record(path: str | Path) -> bool:
    """Whether a file has a record's name."""
    return str(path).endswith(SUFFIX)


class RecordShelf:
    """The records beside some files, each folder's read once."""

    def __init__(self) -> None:
        self._folders: dict[Path, dict[Path, JobRecord | None]] = {}

    def find(self, path: Path) -> tuple[Path | None, JobRecord | None]:
        """The record that names `path` and its file, or the file alone if it is damaged."""
        damaged = None
        for file, record in self._list(path.parent).items():
            if record is None:
                damaged = file
            elif path.name in record.outputs or file == path:
                return file, record
        return (path if is_record(path) else damaged), None

    def _list(self, folder: Path) -> dict[Path, JobRecord | None]:
        if folder not in self._folders:
            files = sorted(folder.glob(f"*{SUFFIX}"))
            self._folders[folder] = {file: _read_if_whole(file) for file in files}
        return self._folders[folder]


def _read_if_whole(file: Path) -> JobRecord | None:
    try:
        return parse_record(file.read_bytes())
    except DamagedRecordError:
        return None


def _seal(content: Mapping[str, Any]) -> str:
    return provenance.sha256(provenance.canonical_json(content))

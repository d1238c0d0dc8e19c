"""Files that appear whole or not at all, and are checked when they are read.

Beside each file lies its record, `.{name}.sha256`, with its SHA-256 and its place as they were when
it was written. A job compares the files that it reads with their records, and so never computes
with one that was truncated, altered or exchanged.
"""

import json
import os
import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ganbench.jobs import provenance
from ganbench.jobs.errors import ActionableError, writing

RESULTS = "results"
"""The folder of all studies' results, wherever that folder lies."""


class DamagedFileError(ActionableError):
    """A file is not the one that was written; the message says how to make it again."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`, and renames it to `path` if no error occurs.

    The record is written before the file appears: a process that dies between the two leaves a file
    that is refused, not one that is trusted. Raises UnwritableError if the disk is full or
    read-only.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    record = temporary.with_suffix(".digest")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            digest = provenance.sha256_file(temporary)
            record.write_text(f"{digest}  {_find_place(path)}\n", encoding="utf-8")
            record.replace(_record_path(path))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
            record.unlink(missing_ok=True)


def check(paths: Iterable[Path]) -> None:
    """Raises DamagedFileError for the first file that is not the one that was written there.

    A result without a record did not come from this workflow and is refused too. Other files
    without a record, such as the lock file, are not checked.
    """
    for path in paths:
        record = _read_record(path)
        if record is None and path.parts[0] != RESULTS:
            continue
        if record is None:
            problem = f"its record {_record_path(path)} is missing"
        elif record[1:] != (_find_place(path),):
            problem = f"it was written as {record[1]}" if record[1:] else "its record is damaged"
        elif provenance.sha256_file(path) != record[0]:
            problem = "its SHA-256 differs from the recorded one"
        else:
            continue
        raise DamagedFileError(
            f"{path} is not what this study wrote there: {problem}. Delete it and run the same "
            f"snakemake command again: rm {shlex.quote(str(path))}"
        )


def recorded_sha256(path: Path) -> str:
    """The SHA-256 of a file when it was written; of its content now if it has no record."""
    record = _read_record(path)
    return record[0] if record else provenance.sha256_file(path)


def _read_record(path: Path) -> tuple[str, ...] | None:
    """A file's digest and place, as far as its record has them; None without a record."""
    try:
        text = _record_path(path).read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return None
    return tuple(text.strip().split("  ", 1))


def _record_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.sha256")


def _find_place(path: Path) -> str:
    """The path from `results/` on, since results may be moved together; elsewhere the name."""
    parts = path.parts
    place = parts[parts.index(RESULTS) :] if RESULTS in parts else parts[-1:]
    return "/".join(place)


def write_text(path: Path, text: str) -> None:
    """Writes `text` as UTF-8."""
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Writes `value` as indented JSON."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """The value of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Writes named arrays as an uncompressed `.npz`; equal arrays give equal bytes."""
    with whole(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)

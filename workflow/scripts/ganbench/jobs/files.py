"""Files that appear whole or not at all, and are checked when they are read.

Beside the files of a job lies its record, `{stage}.record.json`, with their SHA-256 and place as
they were when they were written (`job_records.py`). A job compares the files that it reads with
their records, and so never computes with one that was truncated, altered or exchanged.
"""

import json
import os
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from ganbench.jobs import provenance
from ganbench.jobs.errors import ActionableError, UnwritableError, writing
from ganbench.jobs.records.job_records import RESULTS, JobRecord, RecordShelf, find_place, is_record

MANY = 10
"""Refused files that a message names one by one; with more, a file lists them."""

LISTS = Path(".snakemake/damaged")
"""The folder of these lists, below the working directory."""

_written: dict[Path, str] = {}
"""SHA-256 of the files that this process wrote, as they were before they appeared."""


class DamagedFileError(ActionableError):
    """A file is not the one that was written; the message says how to make it again."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`, and renames it to `path` if no error occurs.

    Raises UnwritableError if the disk is full or read-only.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            _written[path] = provenance.sha256_file(temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def written_sha256(path: Path) -> str:
    """The SHA-256 of a file as this process wrote it; of its content if another one did."""
    return _written.get(path) or provenance.sha256_file(path)


def check(paths: Iterable[Path]) -> None:
    """Raises DamagedFileError, which names every file that is not the one that was written there.

    A result that no record names did not come from this workflow and is refused too. Other files
    that no record names, such as the lock file, are not checked.
    """
    shelf = RecordShelf()
    problems = {path: problem for path in paths if (problem := _find_problem(path, shelf))}
    if problems:
        raise DamagedFileError(describe_damage(problems))


def describe_damage(problems: Mapping[Path, str]) -> str:
    """One message about files that are not what was written there, with the way out."""
    paths = list(problems)
    if len(paths) == 1:
        return (
            f"{paths[0]} is not what this study wrote there: {problems[paths[0]]}. Delete it and "
            f"run the same snakemake command again: {_name_removal(paths)}"
        )
    listed = [f"  {path}: {problems[path]}" for path in paths[:MANY]]
    listed += [f"  … and {len(paths) - MANY} more"] if len(paths) > MANY else []
    return "\n".join(
        [
            f"{len(paths)} files are not what this study wrote there:",
            *listed,
            f"Delete them and run the same snakemake command again: {_name_removal(paths)}",
        ]
    )


def _name_removal(paths: Sequence[Path]) -> str:
    """A command that deletes these files and no other: beside them lie results that are intact."""
    if len(paths) > MANY:
        text = "".join(f"{path}\n" for path in paths)
        listing = LISTS / f"{provenance.sha256(text)[:8]}.txt"
        with suppress(OSError, UnwritableError):
            write_text(listing, text)
            return f"tr '\\n' '\\0' < {listing} | xargs -0 rm"
    return f"rm {shlex.join(map(str, paths))}"


def _find_problem(path: Path, shelf: RecordShelf) -> str | None:
    file, record = shelf.find(path)
    if file is None and path.parts[0] != RESULTS:
        return None
    if record is None:
        return f"its record {file} is damaged" if file else "its record is missing"
    return find_exchange(path, record) or _find_alteration(path, record)


def find_exchange(path: Path, record: JobRecord) -> str | None:
    """What is wrong with the place of a file of `record`; None if it lies where it was written."""
    place = find_place(path.parent.as_posix())
    return None if record.place == place else f"it was written as {record.place}/{path.name}"


def _find_alteration(path: Path, record: JobRecord) -> str | None:
    if is_record(path) or provenance.sha256_file(path) == record.outputs[path.name]["sha256"]:
        return None
    return "its SHA-256 differs from the recorded one"


def recorded_sha256(path: Path, shelf: RecordShelf | None = None) -> str:
    """The SHA-256 of a file when it was written; of its content now if no record names it."""
    _, record = (shelf or RecordShelf()).find(path)
    return record.outputs[path.name]["sha256"] if record else provenance.sha256_file(path)


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

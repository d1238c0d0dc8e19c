"""Files that appear whole or not at all, and are known again when they are read.

Beside each file lies its record, `.{name}.sha256`: its SHA-256 and its place, as they were when it
was written. A job checks the files that it reads against theirs: a truncated, altered or exchanged
one is never computed with.
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
"""The folder that a study's results lie in, whatever folder that lies in."""


class DamagedFileError(ActionableError):
    """A file that is not what was written; the message says how to make it again."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Gives a temporary path beside `path` to write to, and renames it when all went well.

    The file's record is made before it appears. A process that ends between the two leaves a file
    that is refused, not one that is trusted. Raises UnwritableError where the disk is full or may
    not be written to.
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
            record.write_text(f"{digest}  {_place(path)}\n", encoding="utf-8")
            record.replace(_record_of(path))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
            record.unlink(missing_ok=True)


def check(paths: Iterable[Path]) -> None:
    """Raises DamagedFileError for the first file that is not the one that was written there.

    A result without a record came from elsewhere and is refused too. Other files without one, such
    as the lock file, are not ours and are passed over.
    """
    for path in paths:
        recorded = _recorded(path)
        if recorded is None and path.parts[0] != RESULTS:
            continue
        if recorded is None:
            found = f"nothing says so: {_record_of(path)} is missing"
        elif recorded[1:] != (_place(path),):
            found = f"it was written as {recorded[1]}" if recorded[1:] else "its record is damaged"
        elif provenance.sha256_file(path) != recorded[0]:
            found = "its SHA-256 is another, so it is damaged or another file"
        else:
            continue
        raise DamagedFileError(
            f"{path} is not what this study wrote there: {found}. Delete it, and the same "
            f"snakemake command makes it again: rm {shlex.quote(str(path))}"
        )


def sha256(path: Path) -> str:
    """SHA-256 of a file as it was recorded when written; computed where it was not."""
    recorded = _recorded(path)
    return recorded[0] if recorded else provenance.sha256_file(path)


def _recorded(path: Path) -> tuple[str, ...] | None:
    """A file's digest and its place, as many of them as its record has; None without a record."""
    try:
        return tuple(_record_of(path).read_bytes().decode(errors="replace").strip().split("  ", 1))
    except FileNotFoundError:
        return None


def _record_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.sha256")


def _place(path: Path) -> str:
    """Where a file lies among the results, which may be moved together; elsewhere its name."""
    parts = path.parts
    within = parts[parts.index(RESULTS) :] if RESULTS in parts else parts[-1:]
    return "/".join(within)


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

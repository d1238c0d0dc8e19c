"""Files that appear whole or not at all, and are known again when they are read.

Beside each file lies its SHA-256, `.{name}.sha256`, recorded when it was written. A job checks the
files that it reads against it: a truncated, altered or exchanged one is never computed with.
"""

import json
import os
import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ganbench import provenance
from ganbench.errors import ActionableError


class DamagedFileError(ActionableError):
    """A file that is not what was written; the message says how to make it again."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Gives a temporary path beside `path` to write to, and renames it when all went well.

    The file's digest is recorded before it appears. A process that ends between the two leaves a
    file that is refused, not one that is trusted.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    record = temporary.with_suffix(".digest")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        digest = provenance.sha256_file(temporary)
        record.write_text(f"{digest}\n", encoding="ascii")
        record.replace(_record_of(path))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
        record.unlink(missing_ok=True)


def check(paths: Iterable[Path]) -> None:
    """Raises DamagedFileError for the first file that differs from its recorded digest.

    Files without a record, such as a study's own images, are not ours and are passed over.
    """
    for path in paths:
        record = _record_of(path)
        if not record.is_file():
            continue
        if provenance.sha256_file(path) != record.read_text(encoding="ascii").strip():
            raise DamagedFileError(
                f"{path} is not what was written there: its SHA-256 differs from the one recorded "
                "then, so it is damaged or another file. Delete it, and the same snakemake command "
                f"makes it again: rm {shlex.quote(str(path))}"
            )


def sha256(path: Path) -> str:
    """SHA-256 of a file as it was recorded when written; computed where it was not."""
    record = _record_of(path)
    if record.is_file():
        return record.read_text(encoding="ascii").strip()
    return provenance.sha256_file(path)


def _record_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.sha256")


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

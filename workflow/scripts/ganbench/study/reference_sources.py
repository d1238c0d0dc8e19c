"""Where the runs of another study are read from: a folder, an archive, or an address.

Nothing in them is executed or unpickled. Only the files that `is_needed` names are read.
"""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ganbench.downloads.cache import find_cache_folder
from ganbench.downloads.download import download
from ganbench.jobs.archives import Archive, ArchiveError
from ganbench.jobs.errors import ActionableError
from ganbench.study.paths import expand_path
from ganbench.study.schema import StudyError

ROOT = Path(__file__).resolve().parents[4]
"""The checkout, whose `results/published` a study can name from any working directory."""

_NEEDED = re.compile(
    r"study\.json|scores\.csv|runs\.json|report\.record\.json"
    r"|runs/[^/]+/[^/]+/seed\d+/(run\.json|history\.csv)"
    r"|datasets/[^/]+/prepare\.record\.json"
    r"|extractors/[^/]+/[^/]+/(card\.json|(extractor|density_floor)\.record\.json)"
)

MOST_BYTES = 64 << 20
"""A file of a study that a comparison needs has far fewer."""


def is_needed(name: str) -> bool:
    """Whether a comparison with a study needs this file of its results."""
    return bool(_NEEDED.fullmatch(name))


def describe_source(written: str | Mapping[str, str]) -> str:
    """A source as a message or the page names it."""
    return written if isinstance(written, str) else written["url"]


def locate_source(written: str | Mapping[str, str], folders: Iterable[Path]) -> Path:
    """The folder or file of a source as a study writes it; what has an address is downloaded once.

    A relative path is looked for in `folders`, then in the working directory and in the checkout.
    Raises StudyError where there is none.
    """
    if not isinstance(written, str):
        return _download(written)
    name = expand_path(written)
    places = dict.fromkeys([*(folder.resolve() for folder in folders), Path.cwd(), ROOT])
    paths = [place / name for place in places]
    path = next((path for path in paths if path.exists()), None)
    if path is None:
        looked = " and in ".join(dict.fromkeys(os.path.relpath(path.parent) for path in paths))
        raise StudyError(
            f"reference: there is no folder or archive {written} in {looked}; put it there or "
            "correct the key"
        )
    return path


def _download(written: Mapping[str, str]) -> Path:
    digest = written["sha256"].lower()
    try:
        return download(
            written["url"],
            find_cache_folder() / "references" / f"{digest}.zip",
            sha256=digest,
        )
    except ActionableError as error:
        raise StudyError(f"reference: {error}") from None


def read_source(path: Path, described: str) -> dict[str, bytes]:
    """The needed files of a folder or archive by their names in a study's results.

    Raises StudyError if it is not that of a study.
    """
    try:
        if path.is_dir():
            return _read_folder(path, described)
        return _read_archive(path, described)
    except ArchiveError as error:
        raise StudyError(f"reference: {error}") from None


def _check_size(name: str, size: int, described: str) -> None:
    if size > MOST_BYTES:
        raise StudyError(
            f"reference: {described}: {name} has {size:,} bytes, expected at most {MOST_BYTES:,}"
        )


def _read_folder(folder: Path, described: str) -> dict[str, bytes]:
    patterns = ("*.json", "*.csv", "runs/*/*/*/*", "datasets/*/*", "extractors/*/*/*")
    paths = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    names = {path.relative_to(folder).as_posix(): path for path in sorted(paths)}
    needed = {name: path for name, path in names.items() if is_needed(name)}
    for name, path in needed.items():
        _check_size(name, path.stat().st_size, described)
    return {name: path.read_bytes() for name, path in needed.items()}


def _read_archive(path: Path, described: str) -> dict[str, bytes]:
    archive = Archive(path)
    try:
        needed = [name for name in archive.names if is_needed(name)]
        for name in needed:
            _check_size(name, archive.find_size(name), described)
        return {name: archive.read(name) for name in needed}
    finally:
        archive.close()


def list_sources(written: Any) -> list[str | Mapping[str, str]]:
    """The sources that a study names, as a list."""
    if not written:
        return []
    return list(written) if isinstance(written, list | tuple) else [written]

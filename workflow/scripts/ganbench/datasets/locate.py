"""Finds the files of a published dataset, and verifies them whichever way they came.

In this order: the folder that the study names, the machine's copy, the shared cache, the download.
"""

import gzip
import hashlib
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO

from ganbench.datasets.sources import DatasetError
from ganbench.downloads import DownloadError, cache_folder, download
from ganbench.kinds import Kind

SYSTEM_FOLDERS = (Path("/usr/share/datasets"),)
"""Where a distribution puts datasets: Debian's dataset-fashion-mnist, in fashion-mnist."""

LARGEST = 400_000_000
"""Bytes that one file of a published dataset may uncompress to."""


@dataclass(frozen=True)
class Found:
    """The uncompressed content of a dataset's files by name, and where they were."""

    contents: dict[str, bytes]
    origin: str


def find(kind: Kind, source: str, log: TextIO) -> Found:
    """The verified files of `kind`; `source` is the study's folder, or ''.

    Raises DatasetError where they are nowhere, or are not what they should be.
    """
    if source:
        if not (folder := Path(source)).is_dir():
            raise DatasetError(f"source: there is no folder {source}")
        if (found := _read(kind, folder)) is None:
            raise DatasetError(f"source: {source} does not hold {_wanted(kind)}")
        return _verified(kind, found, f"the folder {source}")
    for folder in _places(kind):
        if (found := _read(kind, folder)) is not None:
            return _verified(kind, found, str(folder))
    return _downloaded(kind, log)


def _places(kind: Kind) -> Iterator[Path]:
    for folder in SYSTEM_FOLDERS:
        yield folder / kind.name.replace("_", "-")


def _downloaded(kind: Kind, log: TextIO) -> Found:
    """From the shared cache, or from the network into it."""
    folder = cache_folder() / kind.name
    if (found := _read(kind, folder)) is not None:
        return _verified(kind, found, "the shared cache")
    try:
        for name, sha256 in kind.archives.items():
            download(kind.download + name, folder / name, sha256=sha256, log=log)
    except DownloadError as error:
        raise DatasetError(
            f"{kind.title} is neither on this machine nor in the cache {folder}, and could not be "
            f"downloaded: {error}. Three ways out: run the same command again where there is a "
            f"network; name a folder that holds {_wanted(kind)} as `source` of the dataset; or use "
            "another dataset (digits needs no file)"
        ) from None
    return _verified(kind, _read(kind, folder), f"downloaded from {kind.download}")


def _wanted(kind: Kind) -> str:
    return ", ".join(kind.files) + " (or compressed)"


def _read(kind: Kind, folder: Path) -> dict[str, bytes] | None:
    """The contents of a dataset's files in a folder, plain or compressed; None where one lacks."""
    contents = {name: _plain_or_gzip(folder, name) for name in kind.files}
    if all(content is not None for content in contents.values()):
        return contents
    for archive in kind.archives:
        if archive.endswith(".tar.gz") and (folder / archive).is_file():
            return _members(folder / archive, list(kind.files))
    return None


def _plain_or_gzip(folder: Path, name: str) -> bytes | None:
    for file, opened in ((folder / name, open), (folder / f"{name}.gz", gzip.open)):
        if file.is_file():
            return _limited(file, lambda path=file, by=opened: by(path, "rb"))
    return None


def _members(archive: Path, names: list[str]) -> dict[str, bytes] | None:
    """The members of a tar with these names, in whatever folder: nothing is written to a disk."""
    contents: dict[str, bytes] = {}
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                name = member.name.rsplit("/", 1)[-1]
                if name in names and member.isfile() and member.size <= LARGEST:
                    contents[name] = tar.extractfile(member).read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DatasetError(f"{archive} cannot be read: {error}; delete it and try again") from None
    return contents if set(contents) == set(names) else None


def _limited(file: Path, opened: Callable[[], IO[bytes]]) -> bytes:
    try:
        with opened() as content:
            found = content.read(LARGEST + 1)
    except (OSError, EOFError) as error:
        raise DatasetError(f"{file} cannot be read: {error}; replace it or delete it") from None
    if len(found) > LARGEST:
        raise DatasetError(f"{file} uncompresses to more than {LARGEST:,} bytes; it is not read")
    return found


def _verified(kind: Kind, contents: dict[str, bytes], origin: str) -> Found:
    for name, expected in kind.files.items():
        found = hashlib.sha256(contents[name]).hexdigest()
        if found != expected:
            raise DatasetError(
                f"{name} of {kind.title} from {origin} is not the published one: the SHA-256 of "
                f"its uncompressed content is {found}, expected {expected}; replace or delete it"
            )
    return Found(contents, origin)

"""Finds the files of a published dataset, and verifies them whichever way they came.

In this order: the folder that the study names, the machine's copy, the shared cache, the download.
"""

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TextIO

from ganbench.catalogue.datasets import Kind
from ganbench.datasets.sources import DatasetError
from ganbench.downloads.cache import CacheError, cache_folder
from ganbench.downloads.download import DownloadError, download

SYSTEM_FOLDERS = (Path("/usr/share/datasets"),)
"""Where a distribution puts datasets: Debian's dataset-fashion-mnist, in fashion-mnist."""

PACKED = ".tar.gz"

LARGEST = 400_000_000
"""Bytes that one file of a published dataset, or an archive of all, may uncompress to."""


@dataclass(frozen=True)
class Found:
    """The uncompressed content of a dataset's files by name, and where they were."""

    contents: dict[str, bytes]
    origin: str


def find(kind: Kind, source: str, log: TextIO) -> Found:
    """The verified files of `kind`; `source` is the study's folder, or ''.

    Raises DatasetError where they are nowhere, are not what they should be, or may not be read.
    """
    try:
        return _found(kind, source, log)
    except PermissionError as error:
        raise DatasetError(
            f"{error.filename} may not be read by this user. Three ways out: let everyone read it; "
            "name another folder as `source` of the dataset; or name another cache in "
            "GANBENCH_CACHE"
        ) from None


def _found(kind: Kind, source: str, log: TextIO) -> Found:
    if source:
        if not (folder := Path(source)).is_dir():
            raise DatasetError(f"source: there is no folder {source}")
        if (contents := _read(kind, folder)) is None:
            raise DatasetError(f"source: {source} does not hold {_wanted(kind)}")
        return Found(_verified(kind, contents, folder), f"the folder {source}")
    for root in SYSTEM_FOLDERS:
        folder = root / kind.name.replace("_", "-")
        if (contents := _read(kind, folder)) is not None:
            return Found(_verified(kind, contents, folder), str(folder))
    try:
        return _from_cache(kind, cache_folder() / kind.name, log)
    except (CacheError, DownloadError) as error:
        raise DatasetError(
            f"{kind.title} is neither on this machine nor in the shared cache, and could not be "
            f"downloaded: {error}. Three ways out: run the same command again where there is a "
            f"network; name a folder that holds {_wanted(kind)} as `source` of the dataset; or use "
            "another dataset (digits needs no file)"
        ) from None


def _from_cache(kind: Kind, folder: Path, log: TextIO) -> Found:
    """From the shared cache, where need be from the network into it."""
    origin = "the shared cache"
    if (contents := _read(kind, folder)) is None:
        for name, sha256 in kind.archives.items():
            download(kind.download + name, folder / name, sha256=sha256, log=log)
        contents, origin = _read(kind, folder), f"downloaded from {kind.download}"
    return Found(_verified(kind, contents, folder), origin)


def _wanted(kind: Kind) -> str:
    packed = [name for name in kind.archives if name.endswith(PACKED)]
    return " or ".join([*packed, ", ".join(kind.files) + " (plain or .gz)"])


def _read(kind: Kind, folder: Path) -> dict[str, bytes] | None:
    """The contents of a dataset's files in a folder, plain or compressed; None where one lacks."""
    contents = {name: _plain_or_gzip(folder, name) for name in kind.files}
    if all(content is not None for content in contents.values()):
        return contents
    for archive in kind.archives:
        if archive.endswith(PACKED) and (folder / archive).is_file():
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
    # uncompressed as a whole first: neither members nor headers can then be larger than that
    whole = _limited(archive, partial(gzip.open, archive))
    try:
        with tarfile.open(fileobj=io.BytesIO(whole), mode="r:") as tar:
            for member in tar:
                name = member.name.rsplit("/", 1)[-1]
                if name in names and member.isreg() and not member.issparse():
                    contents[name] = tar.extractfile(member).read()
    except (tarfile.TarError, OverflowError) as error:
        raise DatasetError(f"{archive} cannot be read: {error}; replace or delete it") from None
    return contents if set(contents) == set(names) else None


def _limited(file: Path, opened: Callable[[], IO[bytes]]) -> bytes:
    try:
        with opened() as content:
            found = content.read(LARGEST + 1)
    except PermissionError:
        raise
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{file} cannot be read: {error}; replace or delete it") from None
    if len(found) > LARGEST:
        raise DatasetError(f"{file} uncompresses to more than {LARGEST:,} bytes; it is not read")
    return found


def _verified(kind: Kind, contents: dict[str, bytes], folder: Path) -> dict[str, bytes]:
    for name, expected in kind.files.items():
        found = hashlib.sha256(contents[name]).hexdigest()
        if found != expected:
            raise DatasetError(
                f"{name} in {folder} is not the published one of {kind.title}: the SHA-256 of its "
                f"uncompressed content is {found}, expected {expected}; replace or delete it"
            )
    return contents

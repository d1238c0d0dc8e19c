"""Finds the files of a published dataset and verifies them.

Looks into the folder that the study names or, without one, the system's folders, then the shared
cache, and downloads what is in neither.
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
from ganbench.downloads.cache import CacheError, find_cache_folder
from ganbench.downloads.download import DownloadError, download

SYSTEM_FOLDERS = (Path("/usr/share/datasets"),)
"""Where a distribution installs datasets: Debian's dataset-fashion-mnist in fashion-mnist/."""

PACKED = ".tar.gz"

LARGEST = 400_000_000
"""Bytes to which one file of a published dataset, or an archive of all, may decompress."""


@dataclass(frozen=True)
class LocatedFiles:
    """The decompressed content of a dataset's files by name, and where the files were."""

    contents: dict[str, bytes]
    origin: str


def find_files(kind: Kind, source: str, log: TextIO) -> LocatedFiles:
    """The verified files of `kind`; `source` is the folder that the study names, or ''.

    Raises DatasetError if they are found nowhere, are not the published ones or cannot be read.
    """
    try:
        return _find_in_folder(kind, source) if source else _search(kind, log)
    except PermissionError as error:
        raise DatasetError(
            f"{error.filename} cannot be read by this user. Make it readable, name another folder "
            "as `source` of the dataset, or set GANBENCH_CACHE to another cache folder"
        ) from None


def _find_in_folder(kind: Kind, source: str) -> LocatedFiles:
    folder = Path(source)
    if not folder.is_dir():
        raise DatasetError(f"source: there is no folder {source}")
    contents = _read_files(kind, folder)
    if contents is None:
        raise DatasetError(f"source: expected {_list_files(kind)} in {source}; not all are there")
    return LocatedFiles(_verify(kind, contents, folder), f"the folder {source}")


def _search(kind: Kind, log: TextIO) -> LocatedFiles:
    for root in SYSTEM_FOLDERS:
        folder = root / kind.name.replace("_", "-")
        if (contents := _read_files(kind, folder)) is not None:
            return LocatedFiles(_verify(kind, contents, folder), str(folder))
    try:
        return _find_in_cache(kind, find_cache_folder() / kind.name, log)
    except (CacheError, DownloadError) as error:
        raise DatasetError(
            f"{kind.title} is neither on this machine nor in the shared cache, and could not be "
            f"downloaded: {error}. Run the same command again with a network connection, name a "
            f"folder that holds {_list_files(kind)} as `source` of the dataset, or use another "
            "dataset (digits needs no download)"
        ) from None


def _find_in_cache(kind: Kind, folder: Path, log: TextIO) -> LocatedFiles:
    """Reads the files from the shared cache, after downloading them to it if they are not there."""
    origin = "the shared cache"
    contents = _read_files(kind, folder)
    if contents is None:
        for name, sha256 in kind.archives.items():
            download(kind.download + name, folder / name, sha256=sha256, log=log)
        contents, origin = _read_files(kind, folder), f"downloaded from {kind.download}"
    return LocatedFiles(_verify(kind, contents, folder), origin)


def _list_files(kind: Kind) -> str:
    packed = [name for name in kind.archives if name.endswith(PACKED)]
    return " or ".join([*packed, ", ".join(kind.files) + " (plain or .gz)"])


def _read_files(kind: Kind, folder: Path) -> dict[str, bytes] | None:
    """The contents of a dataset's files in a folder, plain or packed; None if one is missing."""
    contents = {name: _read_plain_or_gzip(folder, name) for name in kind.files}
    if all(content is not None for content in contents.values()):
        return contents
    for archive in kind.archives:
        if archive.endswith(PACKED) and (folder / archive).is_file():
            return _read_members(folder / archive, list(kind.files))
    return None


def _read_plain_or_gzip(folder: Path, name: str) -> bytes | None:
    for file, opener in ((folder / name, open), (folder / f"{name}.gz", gzip.open)):
        if file.is_file():
            return _read_limited(file, partial(opener, file, "rb"))
    return None


def _read_members(archive: Path, names: list[str]) -> dict[str, bytes] | None:
    """The members of a tar with these names, whatever their folders; writes nothing to the disk.

    None if one is missing.
    """
    contents: dict[str, bytes] = {}
    # decompressed as a whole first, so that the limit bounds members and headers too
    content = _read_limited(archive, partial(gzip.open, archive))
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
            for member in tar:
                name = member.name.rsplit("/", 1)[-1]
                if name in names and member.isreg() and not member.issparse():
                    contents[name] = tar.extractfile(member).read()
    except (tarfile.TarError, OverflowError) as error:
        raise DatasetError(f"{archive} cannot be read: {error}; replace or delete it") from None
    return contents if set(contents) == set(names) else None


def _read_limited(file: Path, opener: Callable[[], IO[bytes]]) -> bytes:
    try:
        with opener() as opened:
            content = opened.read(LARGEST + 1)
    except PermissionError:
        raise
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{file} cannot be read: {error}; replace or delete it") from None
    if len(content) > LARGEST:
        raise DatasetError(
            f"{file} decompresses to more than {LARGEST:,} bytes, the most that is read; "
            "replace or delete it"
        )
    return content


def _verify(kind: Kind, contents: dict[str, bytes], folder: Path) -> dict[str, bytes]:
    for name, expected in kind.files.items():
        sha256 = hashlib.sha256(contents[name]).hexdigest()
        if sha256 != expected:
            raise DatasetError(
                f"{name} in {folder} is not the published file of {kind.title}: found SHA-256 "
                f"{sha256} of its decompressed content, expected {expected}; replace or delete it"
            )
    return contents

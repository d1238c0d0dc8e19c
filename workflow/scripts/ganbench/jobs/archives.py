"""Zip archives of results: the same files always give the same bytes, and reading trusts nothing.

An archive may come from anybody. Its entries are read as bytes, never executed or unpickled; names
that lead elsewhere, links and sizes beyond a limit are refused.
"""

import shutil
import stat
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from ganbench.jobs import files
from ganbench.jobs.errors import ActionableError

MOST_BYTES = 4 << 30
"""All files of an archive together, unpacked."""

MOST_BYTES_OF_FILE = 1 << 30
"""One file of an archive, unpacked."""

MOST_FILES = 200_000
"""A study with 10,000 runs has fewer."""

TIME = (1980, 1, 1, 0, 0, 0)
"""The time of every file in an archive: the first that the format can tell."""

COMPRESSED = (".csv", ".html", ".json", ".md", ".svg", ".tex", ".yaml")
"""The ends of names of files that compression makes smaller; others are stored as they are."""


class ArchiveError(ActionableError):
    """A file is no archive of results, or a damaged or hostile one."""


def write_archive(path: Path, contents: Mapping[str, bytes | Path]) -> None:
    """Writes `contents`, which are bytes or files by their names in the archive, sorted by name."""
    with files.whole(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name in sorted(contents):
            _write_entry(archive, name, contents[name])


def _write_entry(archive: zipfile.ZipFile, name: str, content: bytes | Path) -> None:
    entry = zipfile.ZipInfo(name, TIME)
    entry.create_system = 3  # Unix, whose permissions are in the upper half of the attributes
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    entry.compress_type = zipfile.ZIP_DEFLATED if name.endswith(COMPRESSED) else zipfile.ZIP_STORED
    if isinstance(content, bytes):
        archive.writestr(entry, content)
        return
    entry.file_size = content.stat().st_size
    with content.open("rb") as source, archive.open(entry, "w") as target:
        shutil.copyfileobj(source, target, 1 << 20)


class Archive:
    """The files of an archive, which are read one by one. Raises ArchiveError if it is unsafe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise ArchiveError(
                f"{path}: found no readable zip archive ({error}), expected one that "
                "`ganbench bundle` wrote"
            ) from None
        self._entries = {entry.filename: entry for entry in self._zip.infolist()}
        self._check_entries()

    @property
    def names(self) -> list[str]:
        """The names of all files, sorted."""
        return sorted(self._entries)

    def find_size(self, name: str) -> int:
        """The bytes of a file, unpacked."""
        return self._entries[name].file_size

    def read(self, name: str) -> bytes:
        """The bytes of a file. Raises ArchiveError if they are damaged or more than announced."""
        entry = self._entries[name]
        try:
            with self._zip.open(entry) as opened:
                content = opened.read(entry.file_size + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as err:
            raise ArchiveError(f"{self.path}: {name} is damaged: {err}") from None
        if len(content) != entry.file_size:
            raise ArchiveError(
                f"{self.path}: {name} has another size than the archive says, {entry.file_size:,}"
            )
        return content

    def close(self) -> None:
        """Closes the file."""
        self._zip.close()

    def _check_entries(self) -> None:
        entries = self._zip.infolist()
        if len(entries) != len(self._entries):
            raise ArchiveError(f"{self.path}: two files have the same name; the archive is refused")
        if len(entries) > MOST_FILES:
            raise ArchiveError(
                f"{self.path}: found {len(entries):,} files, expected at most {MOST_FILES:,}"
            )
        for entry in entries:
            if problem := _find_problem(entry):
                raise ArchiveError(f"{self.path}: {entry.filename!r} {problem}; it is refused")
        total = sum(entry.file_size for entry in entries)
        if total > MOST_BYTES:
            raise ArchiveError(
                f"{self.path}: found {total:,} bytes unpacked, expected at most {MOST_BYTES:,}"
            )


def _find_problem(entry: zipfile.ZipInfo) -> str | None:
    """Why an entry of an archive must not be read; None if it may."""
    parts, mode = PurePosixPath(entry.filename).parts, entry.external_attr >> 16
    names_plainly = "/".join(parts) == entry.filename and "\\" not in entry.filename
    if not parts or ".." in parts or parts[0] == "/" or not names_plainly or ":" in parts[0]:
        return "leads out of the archive, or is no plain name of a file"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "is a link or a device and no file"
    if entry.file_size > MOST_BYTES_OF_FILE:
        return f"has {entry.file_size:,} bytes, expected at most {MOST_BYTES_OF_FILE:,}"
    return None

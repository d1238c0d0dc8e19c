"""A digest of a folder of images by content, cheap where nothing changed since the last one.

Snakemake judges inputs by their times. An image that is overwritten by an older one, or a folder
that is exchanged for an older one, would change nothing.
"""

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path

from ganbench.datasets.folder_files import list_folder
from ganbench.downloads.cache import CacheError, find_cache_folder
from ganbench.jobs import provenance

SETTLED_NS = 2_000_000_000
"""A file that changed this shortly before its digest was stored may have changed again without a
new time: file systems round times, FAT to two seconds."""

Stamp = tuple[int, ...]
"""Size, time of the content, time of any change, and number of a file. The time of any change is
new even after a copy that keeps the time of the content."""
Entry = tuple[Stamp, str]
"""The stamp of a file and the digest of its content."""


@cache
def digest_folder(source: str) -> str:
    """A short digest of the paths, relative to `source`, and contents of all files below it.

    Hidden files and the helpers of systems do not count. Empty if there is no such folder. What was
    digested is stored in the shared cache, so that unchanged files are not read again; a process
    computes each folder once.
    """
    folder = Path(source)
    if not folder.is_dir():
        return ""
    # joined as text: with Path, this would take four times as long
    stamps = {name: _stamp(f"{source}/{name}") for name in list_folder(folder).files}
    store = _find_store(folder)
    stored = _read_store(store)
    entries = _update(folder, stamps, stored)
    if entries != stored:
        _write_store(store, entries)
    return _combine(entries)


def _stamp(file: str) -> Stamp:
    """The stamp of a regular file; empty for anything else, which is never opened."""
    try:
        facts = os.stat(file)
    except OSError:
        return ()
    if not stat.S_ISREG(facts.st_mode):
        return ()
    return (facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino)


def _update(
    folder: Path, stamps: Mapping[str, Stamp], stored: Mapping[str, Entry]
) -> dict[str, Entry]:
    """The entries of all files; only those whose stamp is not the stored one are read."""
    digests = {
        name: digest for name, (stamp, digest) in stored.items() if stamp == stamps.get(name)
    }
    changed = [name for name in stamps if name not in digests]
    with ThreadPoolExecutor() as threads:
        files = (folder / name for name in changed)
        digests |= dict(zip(changed, threads.map(_digest_file, files), strict=True))
    return {name: (stamp, digests[name]) for name, stamp in stamps.items()}


def _digest_file(file: Path) -> str:
    """The SHA-256 of a file, or why it has none: reading the folder names such a file."""
    try:
        return provenance.sha256_file(file) if file.is_file() else "not a regular file"
    except OSError as error:
        return f"unreadable: {error.strerror}"


def _combine(entries: Mapping[str, Entry]) -> str:
    digest = hashlib.sha256()
    for name, (_, content) in sorted(entries.items()):
        digest.update(b"%s\0%s\0" % (os.fsencode(name), content.encode()))
    return digest.hexdigest()[:16]


def _find_store(folder: Path) -> Path | None:
    """The file that stores the entries of a folder; None if there is no shared cache."""
    try:
        name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
        return find_cache_folder() / "folders" / f"{name}.json"
    except CacheError:
        return None


def _read_store(store: Path | None) -> dict[str, Entry]:
    """The stored entries that can be trusted; none if the file is missing or damaged."""
    try:
        written = store.stat().st_mtime_ns if store else 0
        entries = json.loads(store.read_text(encoding="utf-8")) if store else {}
        return {
            name: (tuple(stamp), digest)
            for name, (stamp, digest) in entries.items()
            if max(stamp[1:3], default=written) < written - SETTLED_NS
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write_store(store: Path | None, entries: Mapping[str, Entry]) -> None:
    """Stores entries, if this is possible: without them, the next digest takes longer."""
    if store is None:
        return
    temporary = store.with_name(f".{store.name}.{os.getpid()}.partial")
    with suppress(OSError):
        store.parent.mkdir(exist_ok=True)
        temporary.write_text(json.dumps(entries), encoding="utf-8")
        temporary.replace(store)

"""Downloads into a cache that studies share: verified before use, whole or not at all, only once.

A download has a time limit wherever it can stall, goes to a temporary name, goes on where an
interrupted one stopped if the server allows it, and is renamed when its SHA-256 is right.
"""

import fcntl
import hashlib
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, TextIO

from ganbench.downloads import https
from ganbench.downloads.cache import CacheError, cache_folder, no_cache
from ganbench.jobs.errors import ActionableError
from ganbench.jobs.progress import Progress

__all__ = ["CacheError", "DownloadError", "cache_folder", "download"]

STALL_SECONDS = 30
"""Until the next bytes must come."""
ATTEMPTS = 5
"""How often a download that is cut off goes on by itself, as long as each attempt brings bytes."""
BLOCK = 1 << 20
LOG_SECONDS = 10
SHORTEST_DIGEST = 8
"""Hexadecimal digits of a SHA-256 that are enough to know a file by."""


class DownloadError(ActionableError):
    """A file that could not be downloaded; the message says why."""


class _NotItsBeginningError(Exception):
    """What is there of an interrupted download cannot be gone on with."""


def download(
    url: str,
    to: Path,
    *,
    sha256: str,
    log: TextIO | None = None,
    context: ssl.SSLContext | None = None,
) -> Path:
    """Downloads `url` to the file `to`, unless it is there, and gives `to`.

    `sha256` is the hexadecimal digest of the content, or its beginning. Several processes may ask
    for one file: one downloads, the others wait. `context` says whom to trust, where that is not
    whom the machine trusts. Raises DownloadError, also for an address that is not https, and
    CacheError where the folder cannot be written to.
    """
    if len(sha256) < SHORTEST_DIGEST:
        raise ValueError(f"sha256: found {sha256!r}, expected at least {SHORTEST_DIGEST} digits")
    if not url.startswith("https://"):
        raise DownloadError(f"{url}: only https is downloaded from")
    if to.exists():
        return to
    with _alone(to, log):
        if not to.exists():  # another process may have brought it meanwhile
            _bring(url, to, sha256, context, log)
    return to


@contextmanager
def _alone(to: Path, log: TextIO | None) -> Iterator[None]:
    """Only one process at a time within, for one file; the kernel frees the lock of a dead one."""
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        lock = to.with_name(f".{to.name}.lock").open("w")
    except OSError as error:
        raise no_cache(to.parent, error) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(log, f"another process downloads {to.name}: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _bring(
    url: str, to: Path, sha256: str, context: ssl.SSLContext | None, log: TextIO | None
) -> None:
    """Fetches, verifies and renames. What an older download left is given up if it was wrong."""
    partial = to.with_name(f"{to.name}.partial")
    _say(log, f"downloading {url}")
    for began in (partial.exists(), False):
        try:
            _fetch(url, partial, context, log)
        except (OSError, HTTPException) as error:
            raise DownloadError(f"{url}: {_words(error)}") from None
        with partial.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if found.startswith(sha256.lower()):
            partial.replace(to)
            return
        partial.unlink()
        if not began:
            break
    raise DownloadError(
        f"{url}: the content's SHA-256 is {found}, expected {sha256}; it was not kept"
    )


def _words(error: Exception) -> str:
    """Why it failed; the library puts the reason of most errors within another one."""
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code} {error.reason}"
    reason = getattr(error, "reason", None) or error
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__


def _fetch(url: str, partial: Path, context: ssl.SSLContext | None, log: TextIO | None) -> None:
    """All of `url` into `partial`, in more than one piece where the connection breaks."""
    opener = https.opener(context)
    for attempt in range(1, ATTEMPTS + 1):
        before = _size(partial)
        try:
            _receive(opener, url, partial, log)
            return
        except _NotItsBeginningError:
            partial.unlink()
        except (OSError, HTTPException) as error:
            broken_off = _size(partial) > before and not isinstance(error, urllib.error.HTTPError)
            if not broken_off or attempt == ATTEMPTS:
                raise
            _say(log, f"{_words(error)}; going on")


def _say(log: TextIO | None, text: str) -> None:
    if log:
        print(text, file=log)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _receive(
    opener: urllib.request.OpenerDirector, url: str, partial: Path, log: TextIO | None
) -> None:
    """Appends what `partial` lacks, or writes it anew where the server gives only all of it."""
    done = _size(partial)
    request = urllib.request.Request(url, headers={"User-Agent": "ganbench"})
    if done:
        request.add_header("Range", f"bytes={done}-")
    try:
        answer = opener.open(request, timeout=STALL_SECONDS)
    except urllib.error.HTTPError as error:
        if done and error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise _NotItsBeginningError from None
        raise
    with answer:
        goes_on = answer.status == HTTPStatus.PARTIAL_CONTENT
        if goes_on and not answer.headers.get("Content-Range", "").startswith(f"bytes {done}-"):
            raise _NotItsBeginningError
        with partial.open("ab" if goes_on else "wb") as file:
            _copy(answer, file, log)


def _copy(answer: HTTPResponse, file: IO[bytes], log: TextIO | None) -> None:
    """Writes a whole answer to the disk. Raises OSError where it ended early."""
    announced = answer.headers.get("Content-Length")
    progress = None
    if log and announced:
        name = Path(file.name).stem
        progress = Progress(f"{name} (MiB)", -(-int(announced) // BLOCK), log, LOG_SECONDS)
    received = 0
    while block := answer.read(BLOCK):
        received += file.write(block)
        if progress:
            progress.advance(-(-received // BLOCK), "MiB")
    if progress:
        progress.close()
    file.flush()
    os.fsync(file.fileno())
    if announced is not None and received < int(announced):
        raise OSError(f"the connection ended after {received:,} of {int(announced):,} bytes")

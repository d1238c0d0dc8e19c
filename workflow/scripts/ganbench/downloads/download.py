"""Downloads files into the shared cache: each once, whole, and verified before use.

A download goes to a temporary name and is renamed once its SHA-256 is right. An interrupted one is
resumed if the server allows it, and every wait has a time limit.
"""

import fcntl
import hashlib
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, TextIO

from ganbench.downloads import https
from ganbench.downloads.cache import make_cache_error
from ganbench.jobs.errors import ActionableError
from ganbench.jobs.progress import Progress

STALL_SECONDS = 30
"""Longest wait for the next bytes."""
ATTEMPTS = 5
"""Connections that one download may use, as long as each but the last received some bytes."""
UNANSWERED_ATTEMPTS = 3
"""Connections in a row that may bring nothing, where another attempt may succeed."""
RETRY_SECONDS = 2
"""Wait before a server that was too busy is asked again."""
BUSY = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
"""Answers of servers and proxies that are overloaded, not wrong."""
BLOCK = 1 << 20
LOG_SECONDS = 10
SHORTEST_DIGEST = 8
"""Hexadecimal digits of a SHA-256 that suffice to identify a file."""


class DownloadError(ActionableError):
    """A file could not be downloaded; the message says why."""


class _StalePartError(Exception):
    """The bytes of an interrupted download are not the beginning of the file."""


def download(
    url: str,
    to: Path,
    *,
    sha256: str,
    log: TextIO | None = None,
    context: ssl.SSLContext | None = None,
) -> Path:
    """Downloads `url` to the file `to`, unless it exists, and returns `to`.

    `sha256` is the hexadecimal digest of the content, or its first digits. Of several processes
    that ask for the same file one downloads it and the others wait. `context` holds the trusted
    certificates; without it they are those of the system. Raises DownloadError, also if the address
    is not https, and CacheError if the folder cannot be written to.
    """
    if len(sha256) < SHORTEST_DIGEST:
        raise ValueError(f"sha256: found {sha256!r}, expected at least {SHORTEST_DIGEST} digits")
    if not url.startswith("https://"):
        raise DownloadError(f"{url}: expected an https address")
    if to.exists():
        return to
    with _lock(to, log):
        if not to.exists():  # another process may have downloaded it in the meantime
            _download(url, to, sha256, context, log)
    return to


@contextmanager
def _lock(to: Path, log: TextIO | None) -> Iterator[None]:
    """Admits one process at a time for each file; the kernel releases the lock of a dead one."""
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        lock = to.with_name(f".{to.name}.lock").open("w")
    except OSError as error:
        raise make_cache_error(to.parent, error) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _print(log, f"another process is downloading {to.name}; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download(
    url: str, to: Path, sha256: str, context: ssl.SSLContext | None, log: TextIO | None
) -> None:
    """Fetches, verifies and renames; starts again if what was resumed turns out to be wrong."""
    partial = to.with_name(f"{to.name}.partial")
    _print(log, f"downloading {url}")
    for is_resumed in (partial.exists(), False):
        try:
            _fetch(url, partial, context, log)
        except (OSError, HTTPException) as error:
            raise DownloadError(f"{url}: {_explain(error)}") from None
        with partial.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        if digest.startswith(sha256.lower()):
            partial.replace(to)
            return
        partial.unlink()
        if not is_resumed:
            break
    raise DownloadError(
        f"{url}: found content with SHA-256 {digest}, expected {sha256}; the content was discarded"
    )


def _explain(error: Exception) -> str:
    """The reason of a failure, which urllib wraps in an error of its own."""
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code} {error.reason}"
    reason = getattr(error, "reason", None) or error
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__


def _fetch(url: str, partial: Path, context: ssl.SSLContext | None, log: TextIO | None) -> None:
    """Downloads all of `url` into `partial`, over several connections if one breaks.

    Raises DownloadError if the last connection discards what it found.
    """
    opener = https.build_opener(context)
    unanswered = 0
    for attempt in range(1, ATTEMPTS + 1):
        size_before = _measure(partial)
        try:
            _receive(opener, url, partial, log)
            return
        except _StalePartError:
            partial.unlink()
        except (OSError, HTTPException) as error:
            has_grown = _measure(partial) > size_before
            unanswered = 0 if has_grown else unanswered + 1
            may_retry = has_grown or (unanswered < UNANSWERED_ATTEMPTS and _is_passing(error))
            if attempt == ATTEMPTS or not may_retry:
                raise
            _print(log, f"{_explain(error)}; {'resuming' if has_grown else 'trying again'}")
            if isinstance(error, urllib.error.HTTPError):
                time.sleep(RETRY_SECONDS)
    raise DownloadError(
        f"{url}: the server sent other bytes than those that were asked for, last on connection "
        f"{ATTEMPTS} of {ATTEMPTS}; the content was discarded. Try again later"
    )


def _is_passing(error: Exception) -> bool:
    """Whether the same request may succeed a little later."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code in BUSY
    return isinstance(getattr(error, "reason", error), https.ConnectTimeoutError)


def _print(log: TextIO | None, text: str) -> None:
    if log:
        print(text, file=log)


def _measure(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _receive(
    opener: urllib.request.OpenerDirector, url: str, partial: Path, log: TextIO | None
) -> None:
    """Appends the missing bytes to `partial`, or rewrites it if the server only sends the whole."""
    size = _measure(partial)
    request = urllib.request.Request(url, headers={"User-Agent": "ganbench"})
    if size:
        request.add_header("Range", f"bytes={size}-")
    try:
        response = opener.open(request, timeout=STALL_SECONDS)
    except urllib.error.HTTPError as error:
        if size and error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise _StalePartError from None
        raise
    with response:
        is_partial = response.status == HTTPStatus.PARTIAL_CONTENT
        content_range = response.headers.get("Content-Range", "")
        if is_partial and not content_range.startswith(f"bytes {size}-"):
            raise _StalePartError
        with partial.open("ab" if is_partial else "wb") as file:
            _copy(response, file, log)


def _copy(response: HTTPResponse, file: IO[bytes], log: TextIO | None) -> None:
    """Writes a whole response to the disk. Raises OSError if it ends early."""
    length = response.headers.get("Content-Length")
    progress = None
    if log and length:
        name = Path(file.name).stem
        progress = Progress(f"{name} (MiB)", -(-int(length) // BLOCK), log, LOG_SECONDS)
    received = 0
    while block := response.read(BLOCK):
        received += file.write(block)
        if progress:
            progress.advance(-(-received // BLOCK), "MiB")
    if progress:
        progress.close()
    file.flush()
    os.fsync(file.fileno())
    if length is not None and received < int(length):
        raise OSError(f"the connection ended after {received:,} of {int(length):,} bytes")

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
from pathlib import Path
from typing import IO, TextIO

CONNECT_SECONDS = 4
"""Until a connection must stand and the first byte must come."""
STALL_SECONDS = 30
"""Until the next bytes must come."""
BLOCK = 1 << 20


class DownloadError(RuntimeError):
    """A file that could not be downloaded; the message says why."""


class CacheError(RuntimeError):
    """There is no place for downloads; the message says where one was looked for."""


def cache_folder() -> Path:
    """The folder that downloads are kept in, made where it is absent.

    `$GANBENCH_CACHE`, else `$XDG_CACHE_HOME/ganbench`, else `~/.cache/ganbench`. Raises CacheError
    where it cannot be made or written to.
    """
    folder = _configured_cache()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CacheError(_no_cache(folder, error.strerror)) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CacheError(_no_cache(folder, "not writable"))
    return folder


def _configured_cache() -> Path:
    if given := os.environ.get("GANBENCH_CACHE"):
        return Path(given)
    if given := os.environ.get("XDG_CACHE_HOME"):
        return Path(given) / "ganbench"
    try:
        return Path.home() / ".cache" / "ganbench"
    except RuntimeError:
        raise CacheError(
            "no folder for downloads: there is no home folder; name one in GANBENCH_CACHE"
        ) from None


def _no_cache(folder: Path, why: str) -> str:
    return f"no folder for downloads: {folder}: {why}; name another one in GANBENCH_CACHE"


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
    for one file: one downloads, the others wait. `context` is whom to trust, for tests. Raises
    DownloadError, also for an address that is not https.
    """
    if not url.startswith("https://"):
        raise DownloadError(f"{url}: only https is downloaded from")
    to.parent.mkdir(parents=True, exist_ok=True)
    with _alone(to):
        if to.exists():
            return to
        partial = to.with_name(f"{to.name}.partial")
        if log:
            print(f"downloading {url}", file=log)
        try:
            _fetch(url, partial, context)
        except (OSError, urllib.error.URLError) as error:
            reason = getattr(error, "reason", None) or error
            raise DownloadError(f"{url}: {reason}") from None
        found = _sha256(partial)
        if not found.startswith(sha256):
            partial.unlink()
            raise DownloadError(
                f"{url}: the content's SHA-256 is {found}, expected {sha256}; it was not kept"
            )
        partial.replace(to)
    return to


@contextmanager
def _alone(to: Path) -> Iterator[None]:
    """Only one process at a time within, for one file."""
    with to.with_name(f".{to.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(url: str, partial: Path, context: ssl.SSLContext | None) -> None:
    done = partial.stat().st_size if partial.exists() else 0
    try:
        _receive(url, partial, done, context)
    except urllib.error.HTTPError as error:
        if error.code != 416 or not done:  # what is there is no beginning of it
            raise
        partial.unlink()
        _receive(url, partial, 0, context)


def _receive(url: str, partial: Path, done: int, context: ssl.SSLContext | None) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": "ganbench"})
    if done:
        request.add_header("Range", f"bytes={done}-")
    handlers = (_OnlyHttps(), urllib.request.HTTPSHandler(context=context))
    opener = urllib.request.build_opener(*handlers)
    with opener.open(request, timeout=CONNECT_SECONDS) as answer:
        _give_time(answer)
        goes_on = answer.status == 206
        with partial.open("ab" if goes_on else "wb") as file:
            received = done if goes_on else 0
            while block := answer.read(BLOCK):
                received += file.write(block)
            file.flush()
            os.fsync(file.fileno())
        _check_length(answer, received, done if goes_on else 0)


def _give_time(answer: IO[bytes]) -> None:
    """From the first byte on, a slow connection may take longer between two blocks."""
    connection = getattr(getattr(answer, "fp", None), "raw", None)
    if (socket := getattr(connection, "_sock", None)) is not None:
        socket.settimeout(STALL_SECONDS)


def _check_length(answer: IO[bytes], received: int, before: int) -> None:
    announced = answer.headers.get("Content-Length")
    if announced is not None and received - before != int(announced):
        raise OSError(f"the connection ended after {received:,} bytes")


class _OnlyHttps(urllib.request.HTTPRedirectHandler):
    """Follows no redirect away from https."""

    def redirect_request(self, request, file, code, message, headers, new_url):  # noqa: PLR0917 (the library's)
        if not new_url.startswith("https://"):
            raise urllib.error.URLError(f"redirected to {new_url}; only https is downloaded from")
        return super().redirect_request(request, file, code, message, headers, new_url)


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()

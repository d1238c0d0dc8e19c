"""The folder outside the checkout in which studies share downloaded files."""

import os
from pathlib import Path

from ganbench.jobs.errors import ActionableError


class CacheError(ActionableError):
    """There is no usable folder for downloads; the message says which one was tried."""


def find_cache_folder() -> Path:
    """The folder of downloaded files, which is created if it is missing.

    It is `$GANBENCH_CACHE`, else `$XDG_CACHE_HOME/ganbench`, else `~/.cache/ganbench`. A read-only
    folder serves until something must be downloaded. Raises CacheError if there is none.
    """
    folder = _find_configured_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise make_cache_error(folder, error) from None
    return folder


def _find_configured_folder() -> Path:
    try:
        if folder := os.environ.get("GANBENCH_CACHE"):
            return Path(folder).expanduser()
        if folder := os.environ.get("XDG_CACHE_HOME"):
            return Path(folder).expanduser() / "ganbench"
        return Path.home() / ".cache" / "ganbench"
    except RuntimeError:
        raise CacheError(
            "no folder for downloads: this user has no home folder; set GANBENCH_CACHE to a folder"
        ) from None


def make_cache_error(folder: Path, error: OSError) -> CacheError:
    """The error of a folder that cannot be created or written to."""
    return CacheError(
        f"no folder for downloads: {folder}: {error.strerror}; set GANBENCH_CACHE to another folder"
    )

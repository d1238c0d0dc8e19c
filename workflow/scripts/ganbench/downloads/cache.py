"""The folder outside the checkout in which studies share what was downloaded."""

import os
from pathlib import Path

from ganbench.jobs.errors import ActionableError


class CacheError(ActionableError):
    """There is no place for downloads; the message says where one was looked for."""


def cache_folder() -> Path:
    """The folder that downloads are kept in, made where it is absent.

    `$GANBENCH_CACHE`, else `$XDG_CACHE_HOME/ganbench`, else `~/.cache/ganbench`. One that can only
    be read is fine until something must be downloaded to it. Raises CacheError where there is none.
    """
    folder = _configured_cache()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise no_cache(folder, error) from None
    return folder


def _configured_cache() -> Path:
    try:
        if given := os.environ.get("GANBENCH_CACHE"):
            return Path(given).expanduser()
        if given := os.environ.get("XDG_CACHE_HOME"):
            return Path(given).expanduser() / "ganbench"
        return Path.home() / ".cache" / "ganbench"
    except RuntimeError:
        raise CacheError(
            "no folder for downloads: there is no home folder; name one in GANBENCH_CACHE"
        ) from None


def no_cache(folder: Path, error: OSError) -> CacheError:
    """The error of a folder that cannot be made or written to, with the way out."""
    return CacheError(
        f"no folder for downloads: {folder}: {error.strerror}; name another in GANBENCH_CACHE"
    )

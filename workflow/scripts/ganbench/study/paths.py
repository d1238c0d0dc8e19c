"""Paths that a study names: `source` of a dataset and `weights` of an extractor.

A resolved study keeps them as they are written, so that it says the same on every machine.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ganbench.study.schema import StudyError


def expand_path(written: str) -> str:
    """A path with `~` and environment variables replaced; one that is not set stays."""
    return os.path.expanduser(os.path.expandvars(written))


def check_sources(study: Mapping[str, Any], datasets: Iterable[str]) -> None:
    """Raises StudyError unless each of `datasets` that names a folder of files has that folder."""
    for name in datasets:
        written = study["datasets"][name]["source"]
        if written and not Path(expand_path(written)).is_dir():
            raise StudyError(
                f"datasets.{name}.source: there is no folder {_describe_path(written)}; "
                "put it there or correct the key"
            )


def check_weights(study: Mapping[str, Any]) -> None:
    """Raises StudyError if the study names a file of weights that does not exist."""
    written = study["evaluation"]["weights"]
    if written and not Path(expand_path(written)).is_file():
        raise StudyError(
            f"evaluation.weights: there is no file {_describe_path(written)}; "
            "put it there or correct the key"
        )


def _describe_path(written: str) -> str:
    expanded = expand_path(written)
    if "$" in expanded:
        return f"{written}, where the environment has no such variable"
    return written if expanded == written else f"{written}, which is {expanded}"


def list_class_folders(source: str) -> list[Path]:
    """A folder of images and its sub-folders; none if there is no such folder."""
    folder = Path(expand_path(source))
    if not folder.is_dir():
        return []
    return [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]


def is_usable_as_input(path: Path) -> bool:
    """Whether Snakemake can take a path as input: to it braces are wildcards, and text is UTF-8."""
    try:
        text = path.as_posix().encode().decode()
    except UnicodeEncodeError:
        return False
    return not set(text) & set("{}")


def digest_names(folders: Iterable[Path]) -> str:
    """A digest of the names of all files in some folders."""
    names = sorted(os.fsencode(path) for folder in folders for path in folder.iterdir())
    return hashlib.sha256(b"\0".join(names)).hexdigest()

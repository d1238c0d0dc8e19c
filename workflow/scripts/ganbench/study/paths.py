"""Paths that a study names: `source` of a dataset and `weights` of an extractor.

A resolved study keeps them as they are written, so that it says the same on every machine.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ganbench.study.schema import StudyError


def expand_path(written: str) -> str:
    """A path with `~` and environment variables replaced; one that is not set stays."""
    return os.path.expanduser(os.path.expandvars(written))


def find_plugins(written: Any, folders: Iterable[Path]) -> list[str]:
    """The plugins that a study names, as absolute paths.

    A relative one is looked for in the `folders` of the study's files, then in the working
    directory. Raises StudyError where there is none.
    """
    names = [written] if isinstance(written, str) else written or []
    places = list(dict.fromkeys([*(folder.resolve() for folder in folders), Path.cwd()]))
    files = []
    for name in names if isinstance(names, list | tuple) else ():
        paths = [place / expand_path(str(name)) for place in places]
        file = next((path for path in paths if path.is_file()), None)
        if file is None:
            looked = " and in ".join(dict.fromkeys(os.path.relpath(path.parent) for path in paths))
            raise StudyError(
                f"plugins: there is no file {_describe_path(str(name))} in {looked}; put it there "
                "or correct the key"
            )
        files.append(str(file.resolve()))
    return files


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

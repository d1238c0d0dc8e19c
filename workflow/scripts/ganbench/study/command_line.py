"""Checks what a person types after `snakemake`: names of rules, and where to write."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from ganbench.catalogue.suggestions import suggest
from ganbench.study.schema import StudyError


def check_names(names: Iterable[str], rules: Iterable[str]) -> None:
    """Raises StudyError for a name that is neither a rule nor a file, nor looks like a path."""
    rules = list(rules)
    for name in names:
        if name in rules or "/" in name or Path(name).exists():
            continue
        raise StudyError(
            f"{name!r} is neither a rule nor a file, expected one of {', '.join(rules)}, or the "
            f"path of a result{suggest(name, rules, least=0.6)}"
        )


def complete_stages(names: Iterable[str], stages: Mapping[str, Iterable[str]]) -> set[str]:
    """`names` and, for each that is a stage, its further rules."""
    names = set(names)
    return names.union(*(stages.get(name, ()) for name in names))


def check_working_directory() -> None:
    """Raises StudyError if Snakemake could not write its records, which it does before any job."""
    records = Path(".snakemake")
    folder = records if records.exists() else Path()
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StudyError(
            f"{folder.resolve()} may not be written to. Make it writable, or put the results "
            "elsewhere with --directory FOLDER"
        )

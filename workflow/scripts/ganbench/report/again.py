"""What a reader needs to get the same numbers again: the study as configuration, and on what."""

from typing import Any

import pandas as pd
import yaml

from ganbench import objectives
from ganbench.report.results import Results

_DERIVED = {"runs"}
_DERIVED_OF_DATASET = {"type", "primary", "shape", "sizes", "samples"}
_FIRST = ("study", "title", "description", "seeds", "baseline", "datasets", "variants")


def configuration(results: Results) -> str:
    """The study as a YAML file with every default filled in; resolving it gives the same study."""
    study = {key: value for key, value in results.study.items() if key not in _DERIVED}
    study["variants"] = {
        name: study["variants"][name] for name in results.variants if name in study["variants"]
    }
    study["datasets"] = {
        name: {
            key: value
            for key, value in study["datasets"][name].items()
            if key not in _DERIVED_OF_DATASET
        }
        for name in results.datasets
    }
    study["objectives"] = {
        name: _of_study(name, definition) for name, definition in study["objectives"].items()
    }
    ordered = {key: study.pop(key) for key in _FIRST} | study
    return yaml.safe_dump(ordered, sort_keys=False, allow_unicode=True, width=88)


def _of_study(name: str, definition: dict[str, Any]) -> dict[str, Any]:
    """An objective as a study may write it: of one of the catalogue only the constants."""
    if name in objectives.catalogue():
        return {"constants": definition["constants"]}
    return definition


def distinct(runs: pd.DataFrame, column: str) -> dict[str, list[Any]]:
    """For each entry of a column of dicts every value that a run has for it, in the runs' order."""
    found: dict[str, list[Any]] = {}
    for entries in runs[column]:
        for name, value in entries.items():
            values = found.setdefault(name, [])
            if value not in values:
                values.append(value)
    return found

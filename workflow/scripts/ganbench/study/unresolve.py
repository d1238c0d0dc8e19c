"""A resolved study as one would write it in a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganbench.catalogue.objectives import OBJECTIVES
from ganbench.study.paths import expand_path

DERIVED = ("runs", "settings", "parts", "references", "software", "declaration")
"""Keys of a resolved study that follow from others."""

DERIVED_OF_DATASET = ("type", "primary", "shape", "sizes", "samples")

OF_COMPARISON = ("reference", "contrasts", "baseline", "margin", "sweep")
"""Keys that decide no run, and may name what is not there."""


def unresolve(study: Mapping[str, Any]) -> dict[str, Any]:
    """The study with every default filled in; it resolves to the same study."""
    kept = {key: value for key, value in study.items() if key not in DERIVED}
    kept["datasets"] = {
        name: {key: value for key, value in dataset.items() if key not in DERIVED_OF_DATASET}
        for name, dataset in study["datasets"].items()
    }
    kept["objectives"] = {  # one of the catalogue has only its constants
        name: {"constants": objective["constants"]} if name in OBJECTIVES else objective
        for name, objective in study["objectives"].items()
    }
    return kept


def unresolve_runs(study: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A study that trains the same runs in any working directory, and compares nothing.

    The files that it names are those of `folder`, where their paths are relative.
    """
    kept = {key: value for key, value in unresolve(study).items() if key not in OF_COMPARISON}
    for dataset in kept["datasets"].values():
        dataset["source"] = _join(folder, dataset["source"])
    weights = _join(folder, study["evaluation"].get("weights", ""))
    kept["evaluation"] = {**study["evaluation"], "weights": weights}
    names = study.get("plugins") or ()
    names = [names] if isinstance(names, str) else names
    return kept | {"plugins": [_join(folder, name) for name in names]}


def _join(folder: Path, written: str) -> str:
    return str(folder / expand_path(written)) if written else written

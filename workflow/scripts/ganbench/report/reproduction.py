"""What a reader needs to get the same numbers again: the study, the commands, on what, how long."""

from typing import Any

import pandas as pd
import yaml

from ganbench.catalogue import objectives
from ganbench.report.results import Results
from ganbench.wording import duration

_DERIVED = {"runs", "settings"}
_DERIVED_OF_DATASET = {"type", "primary", "shape", "sizes", "samples"}
_FIRST = ("study", "title", "description", "seeds", "baseline", "datasets", "variants")

STAGES = ("prepare", "extractor", "train", "evaluate", "theory")


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
    if name in objectives.OBJECTIVES:
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


def cells(results: Results) -> list[dict[str, Any]]:
    """Every run that the study names, with the command that makes it alone."""
    study = results.study
    return [
        {
            "dataset": dataset,
            "variant": variant,
            "index": results.variants.index(variant),
            "seed": seed,
            "run": results.status.get((dataset, variant, seed)),
            "command": (
                f"snakemake --cores 1 --configfile again.yaml results/{study['study']}/runs/"
                f"{dataset}/{variant}/seed{seed}/scores.csv"
            ),
        }
        for dataset in results.datasets
        for variant in results.variants
        for seed in study["seeds"]
    ]


def stages(results: Results) -> list[dict[str, Any]]:
    """How long each stage's jobs took, as Snakemake measured them; else training alone."""
    if not len(results.stages):
        return [_stage("train", results.runs["seconds"], None)] if len(results.runs) else []
    measured = {name: table for name, table in results.stages.groupby("stage", sort=False)}
    return [
        _stage(name, measured[name]["s"], float(measured[name]["max_rss"].max()))
        for name in STAGES
        if name in measured
    ]


def _stage(name: str, seconds: pd.Series, memory: float | None) -> dict[str, Any]:
    return {
        "name": name,
        "jobs": len(seconds),
        "total": duration(seconds.sum()),
        "median": duration(seconds.median()),
        "longest": duration(seconds.max()),
        "memory": "–" if memory is None or pd.isna(memory) else f"{memory:,.0f} MiB",
    }

"""What a reader needs to reproduce a study: configuration, commands, hardware, running time."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import yaml

from ganbench.report.results import Results
from ganbench.study.unresolve import unresolve
from ganbench.wording import duration

_FIRST = ("study", "title", "description", "seeds", "baseline", "datasets", "variants")

STAGES = ("prepare", "extractor", "train", "evaluate", "theory")


def format_study(results: Results) -> str:
    """The study as YAML with every default filled in; it resolves to the same study."""
    study = unresolve(results.study)
    study["variants"] = {
        name: study["variants"][name] for name in results.variants if name in study["variants"]
    }
    study["datasets"] = {name: study["datasets"][name] for name in results.datasets}
    ordered = {key: study.pop(key) for key in _FIRST} | study
    return yaml.safe_dump(ordered, sort_keys=False, allow_unicode=True, width=88)


def collect_values(runs: pd.DataFrame, column: str) -> dict[str, list[Any]]:
    """From a column of dicts, the different values of each key in the order of the runs.

    A run whose record lacks the column has no values.
    """
    values: dict[str, list[Any]] = {}
    for entries in runs[column].dropna() if column in runs else ():
        for name, value in entries.items():
            if value not in values.setdefault(name, []):
                values[name].append(value)
    return values


def list_software(runs: pd.DataFrame) -> list[dict[str, Any]]:
    """The different versions and commits that trained the runs, in the order of the runs.

    They are recorded with each run, so a report that is made again names the same ones, whatever
    was committed in between. A run whose code changed is trained again.
    """
    recorded = list(runs["software"].dropna()) if "software" in runs else []
    return [software for place, software in enumerate(recorded) if software not in recorded[:place]]


def describe_software(software: Mapping[str, Any]) -> str:
    """A version and commit in words, as far as they are known."""
    words = f"ganbench {software['version'] or 'of an unknown version'}"
    if software["commit"]:
        changed = ", with uncommitted changes" if software["clean"] is False else ""
        words += f", commit {software['commit']}{changed}"
    return words


def list_repositories(runs: pd.DataFrame) -> list[str]:
    """The web addresses of the repositories whose code trained the runs, as far as recorded."""
    addresses = [software.get("repository") for software in list_software(runs)]
    return list(dict.fromkeys(one for one in addresses if one and one.startswith("https://")))


def list_run_commands(results: Results) -> list[dict[str, Any]]:
    """Every run that the study names, with its record, if any, and the command that makes it."""
    study = results.study
    command = "snakemake --cores 1 --configfile again.yaml"
    return [
        {
            "dataset": dataset,
            "variant": variant,
            "index": results.variants.index(variant),
            "seed": seed,
            "record": results.status.get((dataset, variant, seed)),
            "command": (
                f"{command} results/{study['study']}/runs/{dataset}/{variant}/seed{seed}/scores.csv"
            ),
        }
        for dataset in results.datasets
        for variant in results.own_variants
        for seed in study["seeds"]
    ]


def summarise_stages(results: Results) -> list[dict[str, Any]]:
    """Running time and peak memory of each stage's jobs, as Snakemake measured them.

    Results without benchmark files have only the training times that the runs recorded.
    """
    if not len(results.stages):
        return (
            [_summarise_stage("train", results.own_runs["seconds"])]
            if len(results.own_runs)
            else []
        )
    tables = {name: table for name, table in results.stages.groupby("stage", sort=False)}
    return [
        _summarise_stage(name, tables[name]["s"], float(tables[name]["max_rss"].max()))
        for name in STAGES
        if name in tables
    ]


def _summarise_stage(
    name: str, seconds: pd.Series, mebibytes: float | None = None
) -> dict[str, Any]:
    return {
        "name": name,
        "jobs": len(seconds),
        "total": duration(seconds.sum()),
        "median": duration(seconds.median()),
        "longest": duration(seconds.max()),
        "memory": "–" if pd.isna(mebibytes) else f"{mebibytes:,.0f} MiB",
    }

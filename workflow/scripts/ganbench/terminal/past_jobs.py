"""What earlier jobs on this machine took, against what was forecast for them.

Snakemake measured every job in `results/{study}/benchmarks/`. A study counts if one of its runs was
trained on this processor.
"""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from ganbench.jobs import provenance
from ganbench.terminal.forecast import EstimatedJob, predict_seconds
from ganbench.terminal.study_jobs import list_jobs

MOST = 12
"""Seeds that are read of each variant, and variants of each dataset: enough for a median."""

FOREIGN = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What files of another program, or of another version of this one, raise when they are read."""


@dataclass
class Past:
    """Measured over forecast seconds by stage, and by run (dataset, variant) of this study.

    `memory` has the most megabytes that a job of each rule held.
    """

    stages: dict[str, list[float]] = field(default_factory=dict)
    runs: dict[tuple[str, ...], list[float]] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)

    def correct(self, job: EstimatedJob, seconds: float) -> float:
        """A forecast, corrected by the closest earlier jobs there are."""
        ratios = self.runs.get(job.kind) or self.stages.get(job.stage)
        return seconds * median(ratios) if ratios else seconds

    def knows(self, stage: str) -> bool:
        """Whether a job of this stage was measured here."""
        return stage in self.stages


def read_past(results: Path, study: Mapping[str, Any], *, on_gpu: bool) -> Past:
    """What `results` tells of earlier jobs, those of `study` (resolved) first."""
    past = Past()
    processor = provenance.describe_machine()["processor"]
    for folder in sorted(path.parent for path in results.glob("*/benchmarks")):
        own = folder.name == study["study"]
        known_study = study if own else _read_json(folder / "study.json")
        if known_study and _find_processor(folder) == processor:
            _add_study(past, folder, known_study, own=own, on_gpu=on_gpu)
    return past


def _read_json(file: Path) -> Any:
    """The content of a file; None if it does not exist yet or is damaged."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _find_processor(folder: Path) -> str | None:
    """The processor that the first run of a study, by its name, was trained on."""
    run = min(folder.glob("runs/*/*/*/run.json"), default=None)
    try:
        return _read_json(run)["machine"]["processor"] if run else None
    except FOREIGN:
        return None


def _list_jobs(study: Mapping[str, Any]) -> list[EstimatedJob]:
    """The jobs of a study that are compared; none of a study of another version."""
    try:
        return list(list_jobs(study, MOST))
    except FOREIGN:
        return []


def _add_study(
    past: Past, folder: Path, study: Mapping[str, Any], *, own: bool, on_gpu: bool
) -> None:
    for job in _list_jobs(study):
        try:
            forecast = predict_seconds(job, study, on_gpu=on_gpu)
        except FOREIGN:
            continue  # a run that this study no longer has, or a study of another version
        file = folder / "benchmarks" / _name_benchmark(job)
        measured = _read_measurement(file)
        if measured and forecast:
            seconds, megabytes = measured
            past.stages.setdefault(job.stage, []).append(seconds / forecast)
            past.memory[job.rule] = max(past.memory.get(job.rule, 0.0), megabytes)
            if own:
                past.runs.setdefault(job.kind, []).append(seconds / forecast)


def _name_benchmark(job: EstimatedJob) -> str:
    """The file of Snakemake's measurement, below `benchmarks/`."""
    names = dict(job.wildcards)
    if job.rule == "report":
        return "report.tsv"
    if job.rule == "density_floor":
        names["extractor"] = "density"
    if "seed" in names:
        return f"{job.stage}/{names['dataset']}_{names['variant']}_seed{names['seed']}.tsv"
    if job.stage == "extractor":
        return f"extractor/{names['dataset']}_{names['extractor']}.tsv"
    return f"{job.stage}/{next(iter(names.values()))}.tsv"


def _read_measurement(file: Path) -> tuple[float, float] | None:
    """Seconds and megabytes of a job; None if it was not measured."""
    try:
        with file.open(encoding="utf-8") as lines:
            row = next(csv.DictReader(lines, delimiter="\t"))
        seconds = float(row["s"])
    except (OSError, StopIteration, csv.Error, *FOREIGN):
        return None
    try:
        return seconds, float(row["max_rss"])
    except FOREIGN:  # a job that ended before the first reading
        return seconds, 0.0

"""How far each run of a study is, read from its files while it trains and afterwards."""

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from ganbench.jobs.errors import ActionableError
from ganbench.jobs.locks import is_held
from ganbench.study.resolve import list_runs, list_sweep_runs

FRESH = 300.0
"""Seconds after which a run of another machine that wrote nothing no longer counts as running."""
TAIL = 4096
"""Bytes at the end of a table that surely hold its last row."""


class Phase(StrEnum):
    """Where a run is between its plan and its end, in the order of a table."""

    RUNNING = "running"
    INTERRUPTED = "interrupted"
    OUTDATED = "outdated"
    DIVERGED = "diverged"
    STOPPED = "stopped early"
    FINISHED = "finished"
    WAITING = "waiting"


@dataclass(frozen=True)
class RunState:
    """One run as its files tell: `last` is the last row of its history, by column.

    `seconds` are those it has trained; `left` are those until its end at this pace, if it runs.
    """

    dataset: str
    variant: str
    seed: int
    phase: Phase
    step: int
    steps: int
    seconds: float = 0.0
    left: float | None = None
    last: Mapping[str, float] = field(default_factory=dict)


class StudyFolder:
    """The files of one study; `results` is its folder. What has not changed is read only once."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self._contents: dict[Path, tuple[tuple[int, int], Any]] = {}

    def read_study(self) -> dict[str, Any]:
        """The resolved study as it was when its runs started to train.

        Raises ActionableError if no run has.
        """
        declarations = self._read(self.results / "declared.json", _read_json)
        if declarations:
            return declarations[-1]["study"]
        study = self._read(self.results / "study.json", _read_json)
        if study and "runs" in study:
            return study
        raise ActionableError(
            f"{self.results}: found neither declared.json nor study.json, expected the folder of a "
            "study whose runs have started to train, such as results/my_study"
        )

    def list_states(self) -> list[RunState]:
        """The state of every run, those of a sweep's settings included, in the study's order."""
        study = self.read_study()
        runs = [*list_runs(study), *(list_sweep_runs(study) if study.get("settings") else ())]
        return [self._find_state(study["runs"][run[0]][run[1]], *run) for run in runs]

    def _find_state(
        self, parameters: Mapping[str, Any], dataset: str, variant: str, seed: int
    ) -> RunState:
        folder = self.results / f"runs/{dataset}/{variant}/seed{seed}"
        live = self.results / f"checkpoints/{dataset}_{variant}_seed{seed}"
        key, steps = (dataset, variant, seed), parameters["steps"]
        run = self._read(folder / "run.json", _read_json)
        if run:
            phase, last = _find_ending(run, parameters), self._read_last(folder)
            return RunState(*key, phase, run["step"], steps, run["seconds"], last=last)
        if not live.is_dir():
            return RunState(*key, Phase.WAITING, 0, steps)
        last = self._read_last(live)
        step, seconds = int(last.get("step", 0)), last.get("seconds", 0.0)
        if not _is_running(live):
            return RunState(*key, Phase.INTERRUPTED, step, steps, seconds, last=last)
        left = None
        if step:
            left = max(0.0, seconds / step * (steps - step) - _age(live / "history.csv"))
        return RunState(*key, Phase.RUNNING, step, steps, seconds, left, last)

    def _read_last(self, folder: Path) -> dict[str, float]:
        return self._read(folder / "history.csv", read_last_row) or {}

    def _read(self, file: Path, read: Callable[[Path], Any]) -> Any:
        """What `read` makes of a file, or None where there is none or it is just being replaced."""
        try:
            facts = file.stat()
            stamp = (facts.st_mtime_ns, facts.st_size)
            if file not in self._contents or self._contents[file][0] != stamp:
                self._contents[file] = (stamp, read(file))
        except (OSError, ValueError):
            return None
        return self._contents[file][1]


def _find_ending(run: Mapping[str, Any], parameters: Mapping[str, Any]) -> Phase:
    """How a run ended; one that was trained with other parameters is trained anew."""
    if run["parameters"] != parameters:
        return Phase.OUTDATED
    if run["status"] == "diverged":
        return Phase.DIVERGED
    return Phase.FINISHED if run["step"] == parameters["steps"] else Phase.STOPPED


def _is_running(live: Path) -> bool:
    """Whether a process trains the run now."""
    held = is_held(live / "lock")
    return _age(live) < FRESH if held is None else held


def _age(path: Path) -> float:
    """Seconds since a file, or the names in a folder, changed."""
    try:
        return datetime.now(UTC).timestamp() - path.stat().st_mtime
    except OSError:
        return 0.0


def _read_json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def read_last_row(file: Path) -> dict[str, float]:
    """The last row of a table of numbers by column, without its empty cells; {} if it has none."""
    with file.open("rb") as content:
        header = content.readline().decode()
        start = content.tell()
        end = content.seek(0, 2)
        content.seek(max(start, end - TAIL))
        lines = content.read().decode().splitlines()
    if not lines:
        return {}
    columns, cells = csv.reader([header, lines[-1]])
    return {name: float(cell) for name, cell in zip(columns, cells, strict=True) if cell}

"""A program that trains one run many times, and kills each at another random moment.

It forks a process for each attempt, so that torch is imported once, and prints one line of JSON per
run. A moment is the call or the return of a Python or C function: the process counts them, and
sends itself SIGKILL at the chosen one, which leaves it no time for anything else.

    python killed_runs.py FOLDER PARAMETERS.json SEED KILLS_PER_PHASE
"""

import hashlib
import json
import os
import random
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pandas as pd
import torch._dynamo  # noqa: F401 (the first optimizer imports it: import it before forking)
from ganbench.training.loop import train
from ganbench.training.records import RunFiles

PHASES = {
    "adversarial_step": "step",
    "_save": "checkpoint",
    "take_snapshot": "snapshot",
    "write": "final write",
    "_clear": "removal of checkpoints",
}
"""Phases of a run, by the function of `ganbench.training` that a phase is inside."""
NAMES = ("snapshots.pt", "history.csv", "samples.png", "run.json")


class Profiler:
    """Counts the moments of each phase, and kills the process at moment `moment` of `phase`."""

    def __init__(self, phase: str | None = None, moment: int = 0) -> None:
        self.phase, self.moment = phase, moment
        self.counts = dict.fromkeys(PHASES.values(), 0)
        self.current: tuple[str, FrameType] | None = None

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call" and not self.current and (phase := _find_phase(frame)):
            self.current = (phase, frame)
        if self.current:
            phase, outermost = self.current
            self.counts[phase] += 1
            if phase == self.phase and self.counts[phase] == self.moment:
                os.kill(os.getpid(), signal.SIGKILL)
            if event == "return" and frame is outermost:
                self.current = None


def _find_phase(frame: FrameType) -> str | None:
    code = frame.f_code
    return PHASES.get(code.co_name) if "ganbench/training" in code.co_filename else None


def attempt(folder: Path, parameters: dict, profiler: Profiler | None = None) -> int:
    """Trains the run in a process of its own; returns the process's status."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    with (folder / "log").open("a", buffering=1) as log:
        sys.setprofile(profiler)
        train(
            parameters=parameters,
            dataset="digits",
            variant="v",
            seed=0,
            data_file=folder.parent / "data.npz",
            outputs=RunFiles(*(folder / name for name in NAMES)),
            log=log,
            log_interval=60.0,
            checkpoint_folder=folder / "checkpoints",
            checkpoint_interval=3,
        )
        sys.setprofile(None)
    if profiler:
        (folder / "counts.json").write_text(json.dumps(profiler.counts))
    os._exit(0)


def results(folder: Path) -> dict[str, str]:
    """Digests of everything that a run leaves, without the seconds that it took."""
    history = pd.read_csv(folder / "history.csv").drop(columns="seconds").to_csv()
    run = json.loads((folder / "run.json").read_text())
    contents = {
        "history.csv": history.encode(),
        "snapshots.pt": (folder / "snapshots.pt").read_bytes(),
        "samples.png": (folder / "samples.png").read_bytes(),
        "weights": run["generator_sha256"].encode(),
    }
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


def kill_and_resume(
    folder: Path, parameters: dict, phase: str, moment: int, expected: dict[str, str]
) -> dict[str, Any]:
    """Kills one run at a moment, starts it again, and compares its results with the expected."""
    folder.mkdir()
    status = attempt(folder, parameters, Profiler(phase, moment))
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    finished = attempt(folder, parameters) == 0
    return {
        "phase": phase,
        "moment": moment,
        "killed": killed,
        "resumed": "resumed after step" in (folder / "log").read_text(),
        "equal": finished and results(folder) == expected,
    }


def main(folder: Path, parameters: dict, seed: int, kills_per_phase: int) -> None:
    """Divides each phase into equal parts, and kills one run at a random moment of each part."""
    straight = folder / "straight"
    straight.mkdir()
    assert attempt(straight, parameters, Profiler()) == 0
    expected = results(straight)
    counts = json.loads((straight / "counts.json").read_text())
    assert all(counts.values()), counts
    choice = random.Random(seed)
    for phase, count in counts.items():
        for part in range(kills_per_phase):
            share = (part + choice.random()) / kills_per_phase
            run = folder / f"{phase} {part}"
            result = kill_and_resume(run, parameters, phase, 1 + int(share * count), expected)
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        json.loads(Path(sys.argv[2]).read_text()),
        int(sys.argv[3]),
        int(sys.argv[4]),
    )

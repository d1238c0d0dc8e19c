"""A program that trains one run again and again, killed each time at another random moment.

It forks a process for each attempt, so that torch is imported once, and prints a line of JSON for
each run. A moment is a call or a return of any Python or C function: the process counts them and
sends itself SIGKILL at the one chosen, which leaves it no time for anything.

    python killed_runs.py FOLDER PARAMETERS.json SEED KILLS
"""

import hashlib
import json
import os
import random
import signal
import sys
from pathlib import Path

import pandas as pd
import torch._dynamo  # noqa: F401 (the first optimizer imports it: here once for all)
from ganbench.training.loop import train
from ganbench.training.records import RunFiles

PHASES = {
    "adversarial_step": "step",
    "_save": "checkpoint",
    "take_snapshot": "snapshot",
    "write": "final write",
    "_clear": "removal of checkpoints",
}
NAMES = ("snapshots.pt", "history.csv", "samples.png", "run.json")


class Moments:
    """Counts moments by phase; at moment `wanted` of `phase` the process is killed."""

    def __init__(self, phase=None, wanted=0):
        self.phase, self.wanted = phase, wanted
        self.counts = dict.fromkeys(PHASES.values(), 0)
        self.inside = None

    def __call__(self, frame, event, _argument):
        ours = "ganbench" in frame.f_code.co_filename and "training" in frame.f_code.co_filename
        phase = PHASES.get(frame.f_code.co_name) if ours else None
        if event == "call" and phase and not self.inside:
            self.inside = (phase, frame)
        if self.inside:
            self.counts[self.inside[0]] += 1
            if self.inside[0] == self.phase and self.counts[self.phase] == self.wanted:
                os.kill(os.getpid(), signal.SIGKILL)
            if event == "return" and frame is self.inside[1]:
                self.inside = None


def attempt(folder, parameters, moments=None):
    """One process that trains the run; gives how it ended."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    with (folder / "log").open("a", buffering=1) as log:
        if moments:
            sys.setprofile(moments)
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
    if moments:
        (folder / "counts.json").write_text(json.dumps(moments.counts))
    os._exit(0)


def results(folder):
    """Digests of all that a run leaves, but for the seconds that it took."""
    history = pd.read_csv(folder / "history.csv").drop(columns="seconds").to_csv()
    found = {"history.csv": history.encode()}
    found |= {name: (folder / name).read_bytes() for name in ("snapshots.pt", "samples.png")}
    found["weights"] = json.loads((folder / "run.json").read_text())["generator_sha256"].encode()
    return {name: hashlib.sha256(content).hexdigest() for name, content in found.items()}


def main(folder, parameters, seed, kills):
    straight = folder / "straight"
    straight.mkdir()
    assert attempt(straight, parameters, Moments()) == 0
    expected = results(straight)
    counts = json.loads((straight / "counts.json").read_text())
    assert all(counts.values()), counts
    choose = random.Random(seed)
    for number in range(kills):
        phase = list(counts)[number % len(counts)]
        wanted = choose.randint(1, counts[phase])
        run = folder / f"run{number}"
        run.mkdir()
        status = attempt(run, parameters, Moments(phase, wanted))
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        ended = attempt(run, parameters)
        resumed = "goes on after" in (run / "log").read_text()
        left = sorted(each.name for each in run.iterdir() if each.name not in NAMES)
        equal = ended == 0 and results(run) == expected
        print(
            json.dumps(
                {
                    "moment": f"{wanted} of {counts[phase]} in {phase}",
                    "phase": phase,
                    "killed": killed,
                    "resumed": resumed,
                    "equal": equal,
                    "left": left,
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        json.loads(Path(sys.argv[2]).read_text()),
        int(sys.argv[3]),
        int(sys.argv[4]),
    )

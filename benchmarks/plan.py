"""How long Snakemake takes to plan a large study, and how much memory: a dry-run trains nothing.

    python benchmarks/plan.py [--seeds 50 200 500] [--repetitions 3] [--batches 14]

Seven variants on four datasets with so many seeds: 50 are 1,400 runs, 500 are 14,000. Each run is
two jobs. Beside ours, in turn, the least workflow of that shape that there can be: two rules for
each run, with a file in, a file out and a shell command, and one rule that gathers. What it takes
is Snakemake's own. Last, the first of --batches batches of our largest study, as `snakemake --batch
report=1/14` plans it. Processor seconds depend less than seconds on what else the machine does.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import measure
import pandas as pd
import yaml

VARIANTS = ("minimax", "non_saturating", "least_squares", "hinge", "wgan_gp", "ns_r1", "r3gan")
DATASETS = ("digits", "more_digits", "third_digits", "last_digits")


LEAST = """
runs = [f"{{dataset}}/{{variant}}/{{seed}}" for dataset in {datasets} for variant in {variants}
        for seed in range({seeds})]
rule gather:
    input: [f"scores/{{run}}" for run in runs]
    output: "report"
    shell: "touch {{output}}"
rule prepare:
    output: "data/{{dataset}}"
    shell: "touch {{output}}"
rule train:
    input: "data/{{dataset}}"
    output: "runs/{{dataset}}/{{variant}}/{{seed}}"
    shell: "touch {{output}}"
rule evaluate:
    input: "runs/{{run}}"
    output: "scores/{{run}}"
    shell: "touch {{output}}"
"""


def main() -> None:
    """Plans each size in turn, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[50, 200, 500])
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--batches", type=int, default=14)
    given = parser.parse_args()
    cases = {}
    for seeds in given.seeds:
        runs = len(VARIANTS) * len(DATASETS) * seeds
        cases["ours", runs] = partial(ours, seeds)
        cases["the least workflow", runs] = partial(least, seeds)
    cases[f"ours, batch 1 of {given.batches}", runs] = partial(ours, seeds, given.batches)
    found = {case: [] for case in cases}
    for _ in range(given.repetitions):
        for case, plan in cases.items():
            found[case].append(plan())
            print(*case, *found[case][-1], flush=True)
    columns = ("seconds", "processor seconds", "MB", "jobs")
    rows = [
        {
            **{"workflow": name, "runs": runs, "repetitions": given.repetitions},
            **dict(zip(columns, map(statistics.median, zip(*readings, strict=True)), strict=True)),
        }
        for (name, runs), readings in found.items()
    ]
    measure.show("plan", pd.DataFrame(rows))


Plan = tuple[float, float, float, int]
"""Seconds, those of the processor, peak megabytes and number of jobs of one dry-run."""


def ours(seeds: int, batches: int | None = None) -> Plan:
    """A study of ours, or the first of so many batches of it."""
    study = {
        **{"study": "plan", "seeds": seeds},
        "datasets": {name: {"kind": "digits"} for name in DATASETS},
        "variants": {name: {} for name in VARIANTS},
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "study.yaml"
        file.write_text(yaml.safe_dump(study), encoding="utf-8")
        batch = ["--batch", f"report=1/{batches}"] if batches else []
        return planned(folder, "--configfile", str(file), *batch)


def least(seeds: int) -> Plan:
    """The least workflow of as many runs."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "Snakefile"
        text = LEAST.format(datasets=DATASETS, variants=VARIANTS, seeds=seeds)
        file.write_text(text, encoding="utf-8")
        return planned(folder, "--snakefile", str(file))


def planned(folder: str, *arguments: str) -> Plan:
    """One dry-run with `folder` as its working directory."""
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules"]
    started = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--scheduler", "greedy", "--directory", folder, *arguments],
        cwd=measure.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise RuntimeError(said)
    jobs = re.findall(r"^total\s+(\d+)", said, re.M)
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, int(jobs[-1])


if __name__ == "__main__":
    main()

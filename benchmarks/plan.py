"""How long Snakemake takes to plan a large study, and how much memory, in dry-runs.

    python benchmarks/plan.py [--seeds 50 200 500] [--repetitions 3] [--batches 14]

The studies have seven variants on four datasets: 50 seeds are 1,400 runs, 500 seeds are 14,000.
Each run is two jobs. The smallest possible workflow of the same shape takes turns with ours: two
rules for each run, with one file in, one file out and a shell command, and one rule that gathers
them. Its readings are Snakemake's own share. The last case is the first of --batches batches of our
largest study, as `snakemake --batch report=1/14` plans it. Processor seconds depend less than wall
seconds on what else the machine does.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import measure
import pandas as pd
import yaml

VARIANTS = ("minimax", "non_saturating", "least_squares", "hinge", "wgan_gp", "ns_r1", "r3gan")
DATASETS = ("digits", "more_digits", "third_digits", "last_digits")

SMALLEST = """
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


class Plan(NamedTuple):
    """What one dry-run took: wall and processor seconds, peak megabytes; and its number of jobs."""

    seconds: float
    processor_seconds: float
    megabytes: float
    jobs: int


def main() -> None:
    """Plans all studies in turn and prints the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[50, 200, 500])
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--batches", type=int, default=14)
    options = parser.parse_args()
    cases: dict[tuple[str, int], Callable[[], Plan]] = {}
    for seeds in options.seeds:
        runs = len(VARIANTS) * len(DATASETS) * seeds
        cases["ours", runs] = partial(plan_study, seeds)
        cases["the least workflow", runs] = partial(plan_smallest, seeds)
    cases[f"ours, batch 1 of {options.batches}", runs] = partial(plan_study, seeds, options.batches)
    plans: dict[tuple[str, int], list[Plan]] = {case: [] for case in cases}
    for _ in range(options.repetitions):
        for case, plan in cases.items():
            plans[case].append(plan())
            print(*case, *plans[case][-1], flush=True)
    rows = []
    for (name, runs), readings in plans.items():
        medians = Plan(*map(statistics.median, zip(*readings, strict=True)))
        rows.append(
            {
                "workflow": name,
                "runs": runs,
                "repetitions": options.repetitions,
                "seconds": medians.seconds,
                "processor seconds": medians.processor_seconds,
                "MB": medians.megabytes,
                "jobs": medians.jobs,
            }
        )
    measure.show("plan", pd.DataFrame(rows))


def plan_study(seeds: int, batches: int | None = None) -> Plan:
    """Plans a study of ours, or the first of its `batches`."""
    study = {
        "study": "plan",
        "seeds": seeds,
        "datasets": {name: {"kind": "digits"} for name in DATASETS},
        "variants": {name: {} for name in VARIANTS},
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "study.yaml"
        file.write_text(yaml.safe_dump(study), encoding="utf-8")
        batch = ["--batch", f"report=1/{batches}"] if batches else []
        return dry_run(folder, "--configfile", str(file), *batch)


def plan_smallest(seeds: int) -> Plan:
    """Plans the smallest possible workflow with as many runs."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "Snakefile"
        text = SMALLEST.format(datasets=DATASETS, variants=VARIANTS, seeds=seeds)
        file.write_text(text, encoding="utf-8")
        return dry_run(folder, "--snakefile", str(file))


def dry_run(folder: str, *arguments: str) -> Plan:
    """One dry-run with `folder` as its working directory. Raises RuntimeError where it fails."""
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules"]
    started = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--scheduler", "greedy", "--directory", folder, *arguments],
        cwd=measure.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise RuntimeError(output)
    jobs = re.findall(r"^total\s+(\d+)", output, re.M)
    return Plan(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, int(jobs[-1]))


if __name__ == "__main__":
    main()

"""How long Snakemake takes to plan a large study, and how much memory: a dry-run trains nothing.

    python benchmarks/plan.py [--seeds 50 200 500] [--repetitions 1] [--batches 14]

Seven variants on four datasets with so many seeds: 50 are 1,400 runs, 500 are 14,000. Each run is
two jobs. With --batches, only the first of so many batches of the report's files is planned, as
`snakemake --batch report=1/14` does: whole runs but for the one at its edge, as these files are
split in the order of their paths. Processor seconds depend less than seconds on what else the
machine does.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measure
import pandas as pd
import yaml

VARIANTS = ("minimax", "non_saturating", "least_squares", "hinge", "wgan_gp", "ns_r1", "r3gan")
DATASETS = ("digits", "more_digits", "third_digits", "last_digits")


def main() -> None:
    """Plans each size in turn, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[50, 200, 500])
    parser.add_argument("--repetitions", type=int, default=1)
    parser.add_argument("--batches", type=int)
    given = parser.parse_args()
    rows = []
    for seeds in given.seeds:
        runs = len(VARIANTS) * len(DATASETS) * seeds
        found = [planned(seeds, given.batches) for _ in range(given.repetitions)]
        columns = ("seconds", "processor seconds", "MB", "jobs")
        medians = map(statistics.median, zip(*found, strict=True))
        size = {"runs": runs, "batches": given.batches or 1}
        rows.append({**size, **dict(zip(columns, medians, strict=True))})
        print(rows[-1], flush=True)
    measure.show("plan", pd.DataFrame(rows))


def planned(seeds: int, batches: int | None) -> tuple[float, float, float, int]:
    """Seconds, those of the processor, peak megabytes and number of jobs of one dry-run."""
    study = {
        **{"study": "plan", "seeds": seeds},
        "datasets": {name: {"kind": "digits"} for name in DATASETS},
        "variants": {name: {} for name in VARIANTS},
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "study.yaml"
        file.write_text(yaml.safe_dump(study), encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules"]
        command += ["--batch", f"report=1/{batches}"] if batches else []
        started = time.perf_counter()
        process = subprocess.Popen(
            [*command, "--configfile", str(file), "--directory", folder],
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

"""What the workflow costs beside its work: a study from nothing, with every core-second assigned.

    python benchmarks/overhead.py [--cores 2] [--study config/config.yaml] [--config KEY=VALUE ...]
                                  [--directory FOLDER]

Runs `snakemake --cores N` in a new folder, a temporary one if none is named. Wall time times N are
the core-seconds that were available. Each belongs to one part:

- work: in a job, from the first line of its work to the end of its process;
- start of jobs: from the start of a job's interpreter to that line, which is its imports;
- planning: from Snakemake's own start to the first job;
- between jobs: a core is free, a job is ready, and Snakemake has not started it yet;
- no job ready: a core is free, and the jobs that are left wait for running ones, as the report does
  for all others;
- closing: from the end of the last job to the end of Snakemake.

The overhead is counted in three ways, as shares of wall time times N: everything but the seconds of
jobs; everything but the work, which counts the start of jobs as overhead too; and what Snakemake
itself takes, without the cores that the shape of the study leaves idle.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import measure
import pandas as pd

WATCH = '''
"""Notes when a rule's script started, began its work and ended, and what it read and wrote."""
import sys, time
started = time.monotonic()
if any("/.snakemake/scripts/" in part for part in sys.orig_argv):
    import atexit, importlib.util, json, os

    noted = {"started": started}

    @atexit.register
    def write():
        given = vars(sys.modules["__main__"]).get("snakemake")
        if given is None or "began" not in noted:
            return
        noted.update(rule=given.rule, threads=given.threads, ended=time.monotonic())
        noted.update(input=list(map(str, given.input)), output=list(map(str, given.output)))
        with open(os.path.join(os.environ["GANBENCH_WATCH"], f"{os.getpid()}.json"), "w") as file:
            json.dump(noted, file)

    class Finder:
        def find_spec(self, name, path=None, target=None):
            if name != "ganbench.jobs.job":
                return None
            sys.meta_path.remove(self)
            spec = importlib.util.find_spec(name)
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                job = module.job

                def watched(*given, **named):
                    noted["began"] = time.monotonic()
                    return job(*given, **named)

                module.job = watched

            spec.loader.exec_module = exec_module
            return spec

    sys.meta_path.insert(0, Finder())
'''
"""A `sitecustomize` that every interpreter below Snakemake imports. It only takes notes."""


@dataclass(frozen=True)
class Job:
    """One job, on the clock that all processes share; `ready` is when its last input existed."""

    rule: str
    threads: int
    ready: float
    started: float
    began: float
    ended: float


def main() -> None:
    """Runs the study once and prints where its core-seconds went."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--study", type=Path, default=measure.ROOT / "config/config.yaml")
    parser.add_argument("--config", nargs="+", default=[], help="as snakemake takes it")
    parser.add_argument("--directory", type=Path, help="kept, with the study's results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        started, ended, jobs = run(
            options, Path(folder), options.directory or Path(folder, "study")
        )
    parts = shares(started, ended, jobs, options.cores)
    measure.show("overhead", table(parts, ended - started, jobs, options.cores))


def run(options: argparse.Namespace, folder: Path, study: Path) -> tuple[float, float, list[Job]]:
    """Runs the study in `study`; returns when Snakemake started and ended, and its jobs."""
    watch = folder / "watch"
    watch.mkdir()
    (watch / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--cores", str(options.cores), "--quiet", "rules"]
    command += ["--configfile", str(options.study.resolve()), "--directory", str(study.resolve())]
    if options.config:
        command += ["--config", *options.config]
    python_path = os.pathsep.join(filter(None, (str(watch), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": python_path, "GANBENCH_WATCH": str(watch)}
    started = time.monotonic()
    done = subprocess.run(
        command, cwd=measure.ROOT, env=environment, capture_output=True, text=True, check=False
    )
    ended = time.monotonic()
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    noted = [json.loads(file.read_text(encoding="utf-8")) for file in watch.glob("*.json")]
    return started, ended, _list_jobs(noted, started)


def _list_jobs(noted: list[dict], started: float) -> list[Job]:
    written = {file: job["ended"] for job in noted for file in job["output"]}
    return [
        Job(
            rule=job["rule"],
            threads=job["threads"],
            ready=max((written[file] for file in job["input"] if file in written), default=started),
            started=job["started"],
            began=job["began"],
            ended=job["ended"],
        )
        for job in noted
    ]


def shares(started: float, ended: float, jobs: list[Job], cores: int) -> dict[str, float]:
    """The core-seconds of each part; their sum is the wall time times `cores`."""
    first, last = min(job.started for job in jobs), max(job.ended for job in jobs)
    moments = sorted({when for job in jobs for when in (job.ready, job.started, job.ended)})
    moments = [when for when in moments if first <= when <= last]
    between = idle = 0.0
    for low, high in itertools.pairwise(moments):
        running = sum(job.threads for job in jobs if job.started <= low < job.ended)
        waiting = sum(job.threads for job in jobs if job.ready <= low < job.started)
        free = max(cores - running, 0)
        between += min(free, waiting) * (high - low)
        idle += max(free - waiting, 0) * (high - low)
    return {
        "work": sum(job.threads * (job.ended - job.began) for job in jobs),
        "start of jobs": sum(job.threads * (job.began - job.started) for job in jobs),
        "planning": cores * (first - started),
        "between jobs": between,
        "no job ready": idle,
        "closing": cores * (ended - last),
    }


def table(parts: dict[str, float], wall: float, jobs: list[Job], cores: int) -> pd.DataFrame:
    """A row for each part, one for their sum, and the overhead counted in three ways."""
    whole = wall * cores
    jobs_seconds = parts["work"] + parts["start of jobs"]
    sums = {
        f"wall time × {cores} cores": whole,
        "overhead: all but the seconds of jobs": whole - jobs_seconds,
        "overhead: all but the work": whole - parts["work"],
        "overhead: planning, between jobs, closing": whole - jobs_seconds - parts["no job ready"],
    }
    rows = [
        {"part": name, "core-seconds": seconds, "share": seconds / whole}
        for name, seconds in {**parts, **sums}.items()
    ]
    return pd.DataFrame(rows).assign(**{"wall seconds": wall, "jobs": len(jobs)})


if __name__ == "__main__":
    main()

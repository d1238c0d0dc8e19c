"""What a study takes on this machine: time, memory and disk, in one sentence."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganbench.terminal.forecast import EstimatedJob, predict_disk, predict_memory, predict_seconds
from ganbench.terminal.past_jobs import Past
from ganbench.wording import duration, number


@dataclass(frozen=True)
class PlanEstimate:
    """Of all jobs of a plan: seconds by job, seconds until the end, megabytes held and left.

    `measured` says whether every stage that counts was measured on this machine before.
    """

    seconds_of: dict[int, float]
    seconds: float
    memory: float
    disk: float
    measured: bool


def estimate_plan(
    jobs: Mapping[int, EstimatedJob],
    study: Mapping[str, Any],
    past: Past,
    *,
    width: int,
    on_gpu: bool,
    gpu_jobs: int = 1,
) -> PlanEstimate:
    """Estimates the jobs of a plan by their ids, `width` at a time, or `gpu_jobs` on GPUs."""
    kinds = {job.kind: job for job in jobs.values()}
    seconds = {
        kind: past.correct(job, predict_seconds(job, study, on_gpu=on_gpu))
        for kind, job in kinds.items()
    }
    memory = {
        kind: max(predict_memory(job, study), past.memory.get(job.rule, 0.0))
        for kind, job in kinds.items()
    }
    disk = {kind: predict_disk(job, study) for kind, job in kinds.items()}
    width = min(width, gpu_jobs) if on_gpu else width
    busy = [(job, seconds[job.kind]) for job in jobs.values() if seconds[job.kind]]
    measured = sum(length for job, length in busy if past.knows(job.stage))
    return PlanEstimate(
        seconds_of={number: seconds[job.kind] for number, job in jobs.items()},
        seconds=_estimate_wall_time(busy, width),
        memory=sum(heapq.nlargest(width, (memory[job.kind] for job, _ in busy))),
        disk=sum(disk[job.kind] for job, _ in busy),
        measured=measured >= 0.8 * sum(length for _, length in busy),
    )


def _estimate_wall_time(jobs: Iterable[tuple[EstimatedJob, float]], width: int) -> float:
    """Seconds until all jobs are done, `width` threads at a time.

    Snakemake waits for what a job reads and not for whole stages, so that only preparation and
    the report stand alone; what lies between is packed, the longest chains first.
    """
    first = [seconds for job, seconds in jobs if job.stage == "prepare"]
    last = sum(seconds for job, seconds in jobs if job.stage == "report")
    chains: dict[tuple[str, ...], float] = {}
    for job, seconds in jobs:
        if job.stage in ("prepare", "report"):
            continue
        run = tuple(job.wildcards.get(key, "") for key in ("dataset", "variant", "seed"))
        run = run if any(run[1:]) else (job.stage, *job.wildcards.values())
        share = seconds * min(job.threads, width)
        chains[run] = chains.get(run, 0.0) + share
    return _pack(first, width) + _pack(list(chains.values()), width) + last


def _pack(lengths: Sequence[float], width: int) -> float:
    """The time at which the last of `width` workers ends, who take the longest first."""
    ends = [0.0] * width
    for length in sorted(lengths, reverse=True):
        heapq.heapreplace(ends, ends[0] + length)
    return max(ends)


def describe_estimate(estimate: PlanEstimate, where: str) -> str:
    """The estimate as a sentence, which says how sure it is; `where` is "on 2 cores"."""
    basis = (
        "from earlier jobs on this machine"
        if estimate.measured
        else "first estimate on this machine; it may be half or twice that"
    )
    return (
        f"About {describe_time(estimate.seconds)} {where} ({basis}), "
        f"up to {describe_size(estimate.memory)} of memory, {describe_size(estimate.disk)} of disk."
    )


def describe_time(seconds: float) -> str:
    """An estimated time, rounded to what an estimate can know: 40 s, 9 min, 2.5 h."""
    if seconds < 90:
        return duration(max(10, round(seconds, -1)))
    return f"{seconds / 3600:.0f} h" if seconds >= 36000 else duration(seconds)


def describe_size(megabytes: float) -> str:
    """An estimated size: 5 MB, 1.6 GB."""
    if megabytes < 1000:
        return f"{max(1, megabytes):.0f} MB"
    return f"{number(megabytes / 1000, 2)} GB"

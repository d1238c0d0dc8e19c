"""What `make verify` finds: honest repetitions on another processor, and dishonest ones.

    python benchmarks/verify_power.py [--workers 2] [--seeds 80] [--minutes M] [--output FOLDER]

Trains small real runs on digits twice: as published, and in processes where torch and oneDNN choose
the kernels of an older processor, which rounds sums in another order. There each run has its twins,
and the first seeds are also trained with another learning rate and another batch size. Every five
seeds are one study, and each of them is judged in it by `ganbench.evidence.repetitions`, as
`make verify` does. Prints the share of accepted repetitions of each kind with its interval.

Seeds begin at 1000: FLOOR and FACTOR of `ganbench.evidence.repetitions` were chosen on runs of
lower seeds. `--output` (benchmarks/results) gets `verify_power.csv`, which is rewritten as studies
become complete, and at the end `verify_power_scores.csv`, the scores of all runs. `--runs`
(benchmarks/results/verify_power_runs) keeps each run; the same command trains only those that it
lacks. After `--minutes`, at Ctrl-C or at SIGTERM the studies that are complete are judged.
"""

import argparse
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import partial
from pathlib import Path

import measure
import pandas as pd
import verify_runs
from verify_judging import SEEDS, Study, tabulate
from verify_runs import DISHONEST, HONEST, PUBLISHED, VARIANTS, Job, with_twins

OLDER_PROCESSOR = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}
"""Environment variables by which libraries choose the kernels of another processor."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def main() -> None:
    """Trains the runs, judges every study that is complete, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--seeds", type=int, default=80, help="honest repetitions; a multiple of 5")
    parser.add_argument("--dishonest-seeds", type=int, default=20, help="a multiple of 5")
    parser.add_argument("--first-seed", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="when to stop training")
    parser.add_argument("--output", type=Path, default=measure.RESULTS)
    parser.add_argument("--runs", type=Path, default=measure.RESULTS / "verify_power_runs")
    options = parser.parse_args()
    if options.seeds % SEEDS or options.dishonest_seeds % SEEDS:
        parser.error(f"--seeds and --dishonest-seeds: a study has {SEEDS}, so give multiples of it")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options.output.mkdir(parents=True, exist_ok=True)
    studies = [Study(seeds) for seeds in _group_seeds(options.first_seed, options.seeds)]
    try:
        for _ in train_all(options):
            _judge(studies, options)
    except KeyboardInterrupt:
        print("stopped; the same command continues", flush=True)
    print(_judge(studies, options).to_markdown(index=False, floatfmt=".3g"))
    runs = [pd.read_csv(file) for file in sorted(options.runs.glob("*.csv"))]
    if runs:
        pd.concat(runs).to_csv(options.output / "verify_power_scores.csv", index=False)
    print(options.output / "verify_power.csv")


def _group_seeds(first: int, count: int) -> list[range]:
    return [range(start, start + SEEDS) for start in range(first, first + count, SEEDS)]


def _judge(studies: Iterable[Study], options: argparse.Namespace) -> pd.DataFrame:
    """Judges what became complete since last time, and rewrites the table."""
    table = tabulate(outcome for study in studies for outcome in study.judge(options.runs))
    described = table.assign(**measure.machine())
    described.to_csv(options.output / "verify_power.csv", index=False, float_format="%.4g")
    return table


def train_all(options: argparse.Namespace) -> Iterator[None]:
    """Trains what `options.runs` lacks; yields at least every half minute."""
    end = time.monotonic() + 60 * options.minutes
    groups = _group_seeds(options.first_seed, options.seeds)
    honest = list_jobs(groups, with_twins(HONEST))
    first = groups[: options.dishonest_seeds // SEEDS]
    dishonest = list_jobs(first, [name for kind in DISHONEST for name in with_twins(kind)])
    begun = len(list_jobs(first, with_twins(HONEST)))
    repeated = [*honest[:begun], *dishonest, *honest[begun:]]
    options.runs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as images:
        verify_runs.prepare_images(Path(images))
        for jobs, kernels in ((list_jobs(groups, [PUBLISHED]), {}), (repeated, OLDER_PROCESSOR)):
            new = [job for job in jobs if not job.file(options.runs).exists()]
            train = partial(verify_runs.score_run, Path(images), options.runs)
            yield from _train(train, new, options.workers, kernels, end)


def list_jobs(groups: Iterable[range], kinds: Iterable[str]) -> list[Job]:
    """The runs of these kinds, study by study."""
    return [
        Job(kind, variant, seed)
        for seeds in groups
        for seed in seeds
        for variant in VARIANTS
        for kind in kinds
    ]


def _train(
    train: Callable[[Job], None],
    jobs: list[Job],
    workers: int,
    kernels: Mapping[str, str],
    end: float,
) -> Iterator[None]:
    """Trains in processes with these variables; none is begun after `end`."""
    changed = ONE_THREAD | kernels
    former = {name: os.environ.get(name) for name in changed}
    os.environ |= changed
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        futures = {pool.submit(train, job) for job in jobs}
        for name, value in former.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
        yield from _wait(futures, end)
    finally:
        pool.shutdown(cancel_futures=True)


def _wait(futures: set[Future], end: float) -> Iterator[None]:
    total = len(futures)
    while futures and time.monotonic() < end:
        pause = time.monotonic() + min(30.0, max(0.0, end - time.monotonic()))
        while futures and time.monotonic() < pause:
            done, futures = wait(futures, pause - time.monotonic(), FIRST_COMPLETED)
            for future in done:
                future.result()
        print(f"{total - len(futures)} of {total} runs", flush=True)
        yield


if __name__ == "__main__":
    main()

"""What one NVIDIA GPU gives: steps alone and shared, and a whole study.

    python benchmarks/gpu.py [--seconds 480] [--parts tests steps usual shared study]
                             [--study config/fashion_mnist.yaml] [--study-seconds 360]
                             [--config KEY=VALUE ...]

Needs Python, torch and the packages of envs/requirements.lock, but no network. A part that needs
Snakemake or pytest is left out where they are missing, and says so. Parts run in the order given,
each within its limit, and the study within what is left; each row is printed when it is known. What
is known goes to results/gpu.csv, whatever happens afterwards.

steps: one run, its steps recorded, by objective and precision: images a second, kernels a step, the
share of the time in which the GPU computes. usual: the loop that people write (train_peer.py), with
its best number of workers. shared: as many runs at once as --runs says, in time slices and under an
MPS of this program's own. study: Snakemake with no option but --cores; from its records, the
seconds of jobs outside steps, of scoring jobs, of the extractor's, and of the report.
"""

import argparse
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
from measure import RESULTS, ROOT, machine, resolve_run

IMAGES = 60_000
NETWORKS = {
    # without normalisation in D, which penalties need: one network for all objectives
    "network": {"name": "dcgan_torch_init", "width": 64},
    "latent": {"size": 64},
    "device": "cuda",
    "steps": 10**9,
}
OBJECTIVES: dict[str, dict[str, Any]] = {
    "non_saturating": {},
    "ns_r1": {"regularizers": {"r1": {"weight": 10.0, "every": 1}}},
    "r3gan": {
        "regularizers": {"r1": {"weight": 1.0, "every": 1}, "r2": {"weight": 1.0, "every": 1}}
    },
    "wgan_gp": {
        "regularizers": {"gradient_penalty": {"weight": 10.0, "every": 1}},
        "discriminator_steps": 5,
    },
}
"""What a step costs depends on the penalties and the discriminator's updates, not on formulas."""

CASES = [
    ("non_saturating", "tf32"),
    ("non_saturating", "bf16"),
    ("non_saturating", "float32"),
    ("ns_r1", "tf32"),
    ("r3gan", "tf32"),
    ("wgan_gp", "tf32"),
    ("ns_r1", "bf16"),
    ("r3gan", "bf16"),
    ("wgan_gp", "bf16"),
]
SHARED_SECONDS = 2.0
"""How long runs side by side are timed."""
CONTROL = "nvidia-cuda-mps-control"


def main() -> None:
    """Runs the parts and writes what they found."""
    options = read_arguments()
    deadline, rows = time.monotonic() + options.seconds, Rows()
    for part in options.parts:
        left = deadline - time.monotonic()
        print(f"{part}: {left:.0f} s left", flush=True)
        try:
            PARTS[part](rows, options, left)
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            rows.add(part, f"ended with {type(error).__name__}: {error}"[:100], "", float("nan"))
    print(pd.DataFrame(rows.rows).to_string(index=False))


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=480)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--runs", type=int, nargs="+", default=[16, 8])
    parser.add_argument("--study", default="config/fashion_mnist.yaml")
    parser.add_argument("--study-seconds", type=float, default=360)
    parser.add_argument("--config", nargs="+", default=[], help="passed to Snakemake")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        share_gpu(int(options.worker[0]), Path(options.worker[1]), json.loads(options.worker[2]))
        sys.exit()
    return options


class Rows:
    """Readings, printed and written as they come."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.machine = machine()

    def add(self, part: str, case: str, unit: str, value: float) -> None:
        """One more reading."""
        self.rows.append({"part": part, "case": case, "unit": unit, "value": value})
        print(f"  {part}  {case}: {value:,.4g} {unit}", flush=True)
        RESULTS.mkdir(exist_ok=True)
        table = pd.DataFrame(self.rows).assign(**self.machine)
        table.to_csv(RESULTS / "gpu.csv", index=False, float_format="%.4g")


def run_tests(rows: Rows, _options: argparse.Namespace, left: float) -> None:
    """The tests that need a GPU, some at a time."""
    missing = [name for name in ("pytest", "xdist") if importlib.util.find_spec(name) is None]
    if missing:
        print(f"  left out: {', '.join(missing)} is not installed")
        return
    command = [sys.executable, "-m", "pytest", "-m", "cuda", "tests/gpu", "-n", "6", "-q", "-rA"]
    command += ["--dist", "loadfile", "-p", "no:cacheprovider"]
    tests = subprocess.run(
        command, cwd=ROOT, timeout=min(left, 150), text=True, capture_output=True, check=False
    )
    print("\n".join(tests.stdout.splitlines()[-60:]), flush=True)
    rows.add("tests", tests.stdout.splitlines()[-1].strip("= "), "exit status", tests.returncode)


def time_steps(rows: Rows, _options: argparse.Namespace, _left: float) -> None:
    """One run alone, by objective and precision."""
    import torch

    for name, precision in CASES:
        run, images = start(name, precision)
        with run.in_order():
            for _ in range(10):
                run.take_step()
            milliseconds = min(time_call(run.take_step, 150) for _ in range(3))
            activities = [torch.profiler.ProfilerActivity.CUDA]
            with torch.profiler.profile(activities=activities) as profiler:
                time_call(run.take_step, 4)
        events = [event for event in profiler.key_averages() if event.self_device_time_total]
        busy = sum(event.self_device_time_total for event in events) / 4e3
        case = f"{name}, {precision}"
        rows.add("steps", case, "ms a step", milliseconds)
        rows.add("steps", case, "images/s", images / milliseconds * 1e3)
        rows.add("steps", case, "kernels a step", sum(event.count for event in events) / 4)
        rows.add("steps", case, "ms of kernels a step", busy)
        del run


def start(name: str, precision: str) -> tuple[Any, int]:
    """A run on random images, before its first step, and the real images of one step."""
    import torch
    from ganbench import randomness
    from ganbench.training.device_settings import allow_tf32, choose_settings
    from ganbench.training.run import start_run

    randomness.use_deterministic_kernels(1)
    noise = torch.Generator().manual_seed(0)
    real = torch.randint(0, 256, (IMAGES, 1, 28, 28), generator=noise, dtype=torch.uint8).cuda()
    training = {key: value for key, value in OBJECTIVES[name].items() if key != "regularizers"}
    parameters = resolve_run({**NETWORKS, **training, "precision": precision})
    parameters["regularizers"] = OBJECTIVES[name].get("regularizers", {})
    allow_tf32(choose_settings(parameters, real.device).tf32)
    run = start_run(parameters, "fashion_mnist", 0, real)
    return run, parameters["batch_size"] * parameters["discriminator_steps"]


def time_call(take: Callable[[], Any], count: int) -> float:
    """Milliseconds of one of `count` calls, the GPU's work included."""
    import torch

    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(count):
        take()
    torch.cuda.synchronize()
    return (time.perf_counter() - started) / count * 1e3


def time_usual_loop(rows: Rows, _options: argparse.Namespace, _left: float) -> None:
    """The loop that people write, with PyTorch's own settings."""
    if importlib.util.find_spec("torchvision") is None:
        print("  left out: torchvision is not installed")
        return
    import numpy as np
    import torch
    import train_peer

    torch.set_deterministic_debug_mode("default")
    torch.backends.cudnn.allow_tf32 = True  # PyTorch's default
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, 28, 28), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        train_peer.write_files(Path(folder), images, np.zeros(IMAGES, np.uint8))
        for workers in (1, 2):
            game = train_peer.use_torch_layers(start("non_saturating", "tf32")[0].game)
            torch.set_deterministic_debug_mode("default")
            optimizers = train_peer.make_optimizers(game)
            batches = train_peer.load_batches(Path(folder), "cuda", workers)

            def take(
                game: Any = game, optimizers: Any = optimizers, batches: Any = batches
            ) -> None:
                latents = (torch.randn(64, 64, device="cuda") for _ in range(2))
                train_peer.step(game, optimizers, next(batches), *latents)

            time_call(take, 30)
            milliseconds = time_call(take, 400)
            case = f"the usual loop, {workers} workers"
            rows.add("usual", case, "images/s", 64 / milliseconds * 1e3)


def time_shared(rows: Rows, options: argparse.Namespace, left: float) -> None:
    """Several runs at once: in time slices, then under MPS."""
    deadline = time.monotonic() + left
    slices = [(min(options.runs), "non_saturating", "tf32")]
    cases = [(max(options.runs), name, precision) for name, precision in CASES]
    cases += [(runs, *CASES[number]) for runs in options.runs[1:] for number in (0, 1)]
    if shutil.which(CONTROL) is None:
        print(f"  {CONTROL} is not installed: time slices only")
        return time_together(rows, "time slices", slices, deadline)
    with multi_process_service():
        time_together(rows, "MPS", cases, deadline)
    return time_together(rows, "time slices", slices, deadline)


@contextmanager
def multi_process_service() -> Iterator[None]:
    """An MPS of this program's own, which changes no setting of the GPU."""
    with tempfile.TemporaryDirectory() as folder:
        names = ("CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY")
        os.environ.update(dict.fromkeys(names, folder))
        subprocess.run([CONTROL, "-d"], check=True, timeout=20)
        try:
            yield
        finally:
            subprocess.run([CONTROL], input="quit\n", text=True, timeout=30, check=False)
            for name in names:
                del os.environ[name]


def time_together(rows: Rows, way: str, cases: list[tuple[int, str, str]], deadline: float) -> None:
    """Steps a second of all runs together; the processes are started once for all cases."""
    with tempfile.TemporaryDirectory() as name:
        folder, most = Path(name), max(runs for runs, _, _ in cases)
        command = [sys.executable, __file__, "--worker"]
        workers = [
            subprocess.Popen([*command, str(index), name, json.dumps(cases)])
            for index in range(most)
        ]
        try:
            for number, (runs, objective, precision) in enumerate(cases):
                wait_for(folder, f"{number}.ready.*", runs, min(deadline, time.monotonic() + 60))
                (folder / f"{number}.go").touch()
                readings = wait_for(folder, f"{number}.steps.*", runs, deadline)
                together = sum(float(file.read_text()) for file in readings)
                images = 64 * OBJECTIVES[objective].get("discriminator_steps", 1) * together
                case = f"{runs} runs, {way}, {objective}, {precision}"
                rows.add("shared", case, "images/s together", images)
                rows.add("shared", case, "ms a step of a run", 1e3 / together)
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()


def wait_for(folder: Path, pattern: str, count: int, deadline: float) -> list[Path]:
    """The files that match, once there are `count`; raises RuntimeError after the deadline."""
    while len(files := list(folder.glob(pattern))) < count:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{len(files)} of {count} processes came in time")
        time.sleep(0.01)
    return files


def share_gpu(index: int, folder: Path, cases: list[tuple[int, str, str]]) -> None:
    """One of the processes of `time_together`, in a process of its own."""
    import torch

    for number, (runs, objective, precision) in enumerate(cases):
        if index >= runs:
            continue
        run, _ = start(objective, precision)
        with run.in_order():
            for _ in range(8):
                run.take_step()
            torch.cuda.synchronize()
            (folder / f"{number}.ready.{index}").touch()
            while not (folder / f"{number}.go").exists():
                time.sleep(0.005)
            count, started = 0, time.perf_counter()
            while time.perf_counter() - started < SHARED_SECONDS:
                for _ in range(10):
                    run.take_step()
                torch.cuda.synchronize()
                count += 10
            rate = count / (time.perf_counter() - started)
        partial = folder / f"{number}.partial.{index}"
        partial.write_text(str(rate))
        partial.rename(folder / f"{number}.steps.{index}")
        del run


def run_study(rows: Rows, options: argparse.Namespace, left: float) -> None:
    """A whole study, as a user starts it, ended when the time is up."""
    if importlib.util.find_spec("snakemake") is None:
        print("  left out: Snakemake is not installed")
        return
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile")]
        command += ["--profile", "none", "--workflow-profile", str(ROOT / "profiles/default")]
        command += ["--cores", str(os.cpu_count()), "--directory", name]
        command += ["--configfile", str(ROOT / options.study)]
        command += ["--config", *options.config] if options.config else []
        started = time.monotonic()
        with (Path(name) / "output.txt").open("w") as output:
            snakemake = subprocess.Popen(
                command, stdout=output, stderr=output, start_new_session=True
            )
            try:
                status = snakemake.wait(min(left, options.study_seconds))
            except subprocess.TimeoutExpired:
                status = 1
            seconds = time.monotonic() - started
            end_all(snakemake)
        print(*(Path(name) / "output.txt").read_text().splitlines()[-25:], sep="\n", flush=True)
        described = " ".join([options.study, *options.config])
        ending = "whole" if status == 0 else f"ended after {seconds:.0f} s"
        rows.add("study", f"{described}: {ending}", "s", seconds)
        for results in sorted(Path(name).glob("results/*")):
            add_jobs(rows, results)


def end_all(snakemake: subprocess.Popen) -> None:
    """Ends Snakemake and its jobs, if they run: what is timed next must have the GPU alone."""
    with suppress(ProcessLookupError):
        os.killpg(snakemake.pid, signal.SIGTERM)  # runs save their state and end
        time.sleep(5)
        os.killpg(snakemake.pid, signal.SIGKILL)
    snakemake.wait()


def add_jobs(rows: Rows, results: Path) -> None:
    """What the records of a study's jobs say."""
    walls = {
        str(file.relative_to(results / "benchmarks").with_suffix("")): float(
            pd.read_csv(file, sep="\t").s[0]
        )
        for file in (results / "benchmarks").rglob("*.tsv")
    }
    runs = [json.loads(file.read_text()) for file in results.glob("runs/*/*/*/run.json")]
    rows.add("study", "runs trained", "runs", len(runs))
    for variant in sorted({run["variant"] for run in runs}):
        chosen = [run for run in runs if run["variant"] == variant]
        rows.add("study", f"{variant}: steps of a run", "s", median_of(chosen, "seconds"))
    outside = [walls[f"train/{name_of(run)}"] - run["seconds"] for run in runs]
    if outside:
        rows.add("study", "a training job outside its steps", "s", median(outside))
    for stage in ("prepare", "extractor", "evaluate", "theory", "report"):
        seconds = [wall for job, wall in walls.items() if job.split("/")[0] == stage]
        if seconds:
            rows.add("study", f"job of {stage}, {len(seconds)} of them", "s", median(seconds))


def median_of(runs: list[Mapping[str, Any]], key: str) -> float:
    """The median of one number of `run.json`."""
    return median(run[key] for run in runs)


def name_of(run: Mapping[str, Any]) -> str:
    """A run's name in the names of logs and benchmarks."""
    return f"{run['dataset']}_{run['variant']}_seed{run['seed']}"


PARTS = {
    "tests": run_tests,
    "steps": time_steps,
    "usual": time_usual_loop,
    "shared": time_shared,
    "study": run_study,
}

if __name__ == "__main__":
    main()

"""CUDA MPS on a real GPU: the same bits, more runs in the same time, and nothing left behind.

Needs a GPU and `nvidia-cuda-mps-control`: make test-gpu.
"""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ganbench.jobs.gpus import mps
from ganbench.jobs.gpus.gpu_plan import plan_gpus
from mps_example import wait_for
from project import ROOT

pytestmark = pytest.mark.cuda

JOBS = 8
STEPS = 1500
PATHS = os.pathsep.join(
    [*(str(ROOT / folder) for folder in ("workflow/scripts", "tests")), *filter(None, sys.path)]
)
JOB = """
import io, json, sys, time
from dataclasses import replace
import torch
from ganbench.jobs.gpus import slots
from ganbench.jobs.gpus.gpu_plan import GpuPlan
plan, settings = GpuPlan(**json.loads(sys.argv[1])), json.loads(sys.argv[2])
with slots.hold_gpu(plan, sys.stderr) as gpu:
    from ganbench import randomness
    from ganbench.jobs.progress import Progress
    from ganbench.training.checkpoint import Checkpoints
    from ganbench.training.loop import play
    from ganbench.training.records import weights_sha256
    from ganbench.training.run import start_run
    from training_example import make_pixels, resolve_run
    from pathlib import Path
    parameters = resolve_run("fashion_mnist", **settings)
    randomness.use_deterministic_kernels(parameters["threads"])
    run = start_run(parameters, "fashion_mnist", 0, make_pixels("mnist", 5000).cuda())
    checkpoints = Checkpoints(Path(sys.argv[3]), 10**9, sys.stderr)
    def play_until(steps):
        progress = Progress("", steps, io.StringIO(), 1e9)
        play(run, {**parameters, "steps": steps}, progress, checkpoints)
        torch.cuda.synchronize()
    play_until(100)
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.perf_counter()
    play_until(parameters["steps"])
    seconds = time.perf_counter() - started
    sha = weights_sha256(run.game.generator.network)
print(json.dumps({"gpu": gpu, "seconds": seconds, "sha": sha}))
"""
SETTINGS = {
    "as shipped, width 64": {},
    "bf16, channels_last": {"precision": "bf16", "channels_last": True},
}


@pytest.fixture(scope="module")
def plan():
    made = plan_gpus("auto", JOBS)
    assert made.devices, made.describe()
    assert made.uses_mps, made.describe()
    return made


def run_together(plan, count: int, settings: dict, folder: Path) -> list[dict]:
    """What `count` runs that start at once report, each a process of its own."""
    training = {
        "steps": STEPS,
        "history_interval": 500,
        "device": "cuda",
        "batch_size": 64,
        "cuda_graphs": True,
        "optimizer": {},
        "latent": {"size": 128},
        "network": {"width": 64},
        **settings,
    }
    command = [sys.executable, "-c", JOB, json.dumps(vars(plan)), json.dumps(training)]
    jobs = [
        subprocess.Popen(
            [*command, str(folder / str(number))],
            env={**os.environ, "PYTHONPATH": PATHS},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(count)
    ]
    assert [job.stdout.readline() for job in jobs] == ["ready\n"] * count
    for job in jobs:
        job.stdin.write("\n")
        job.stdin.flush()
    outputs = [job.communicate()[0] for job in jobs]
    assert [job.returncode for job in jobs] == [0] * count
    return [json.loads(output.splitlines()[-1]) for output in outputs]


def measure_rate(reports: list[dict]) -> float:
    """Steps a second of all runs together, by the slowest."""
    return len(reports) * (STEPS - 100) / max(report["seconds"] for report in reports)


@pytest.mark.parametrize("name", SETTINGS)
def test_runs_under_mps_have_the_bits_of_a_run_alone(name, plan, tmp_path, capsys):
    """Prints how much faster MPS is; the time itself is no test."""
    sliced = plan.without_mps("for comparison")
    sliced = type(plan)(**{**vars(sliced), "slots": JOBS, "slots_without_mps": JOBS})
    ways = {
        "alone": run_together(sliced, 1, SETTINGS[name], tmp_path),
        f"{JOBS} in time slices": run_together(sliced, JOBS, SETTINGS[name], tmp_path),
        f"{JOBS} under MPS": run_together(plan, JOBS, SETTINGS[name], tmp_path),
    }
    rates = {way: measure_rate(reports) for way, reports in ways.items()}
    with capsys.disabled():
        print(f"\n{name}")
        for way, rate in rates.items():
            print(f"  {way:20} {rate:7.0f} steps/s together")
        gain = rates[f"{JOBS} under MPS"] / rates[f"{JOBS} in time slices"]
        print(f"  MPS / time slices    {gain:7.2f}")
    assert len({report["sha"] for reports in ways.values() for report in reports}) == 1


def test_mps_starts_with_the_first_job_and_ends_after_the_last(plan):
    environment = {**os.environ, **mps.make_settings(mps.find_folder(plan.devices))}
    wait_for(lambda: not mps.answers(environment))
    with mps.use_mps(plan.devices, log := io.StringIO()) as is_shared:
        assert is_shared, log.getvalue()
        assert mps.answers(environment)
        servers = mps.send("get_server_list", environment)
        assert servers.output.split(), "the first client starts a server"
    wait_for(lambda: not mps.answers(environment))


def test_killed_jobs_leave_no_mps(plan):
    job = subprocess.Popen(
        [sys.executable, "-c", WAITING_JOB, *plan.devices],
        env={**os.environ, "PYTHONPATH": PATHS},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert job.stdout.readline() == "True\n"
    environment = {**os.environ, **mps.make_settings(mps.find_folder(plan.devices))}
    assert mps.answers(environment)
    job.kill()
    job.communicate()
    wait_for(lambda: not mps.answers(environment), seconds=60)


WAITING_JOB = """
import sys, time
from ganbench.jobs.gpus import mps
with mps.use_mps(sys.argv[1:], sys.stderr) as is_shared:
    import torch
    torch.ones(8, device="cuda").sum().item()
    print(is_shared, flush=True)
    time.sleep(600)
"""

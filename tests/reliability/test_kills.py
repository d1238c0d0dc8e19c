"""After SIGKILL, SIGTERM or Ctrl-C at any moment, the same command ends with the same results.

By default Snakemake is asked for one run of a study, since the signals interrupt training; the
stress tests ask for whole studies, and compare their tables too.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from project import ROOT, copy_checkout, planned, snakemake, tiny_study
from training_example import resolve_run

TABLES = ("scores.csv", "summary.csv", "comparisons.csv")
RUNS = [f"results/tiny/runs/digits/{name}/seed0" for name in ("minimax", "non_saturating")]
TARGETS = {"one run": [f"{RUNS[0]}/snapshots.pt"], "whole study": []}
LEAVES_WITHIN = 5.0


@pytest.mark.promise("kill-run")
@pytest.mark.parametrize("kills_per_phase", [2, pytest.param(50, marks=pytest.mark.stress)])
def test_run_killed_at_a_random_moment_ends_with_the_same_bits(tmp_path, kills_per_phase):
    parameters = resolve_run(
        objective="minimax", regularizers={"r1": {}}, steps=12, history_interval=4, ema=0.9
    )
    (tmp_path / "parameters.json").write_text(json.dumps(parameters))
    pixels = np.random.default_rng(0).integers(0, 256, (60, 1, 8, 8)).astype(np.uint8)
    np.savez(tmp_path / "data.npz", train=pixels)
    program = Path(__file__).with_name("killed_runs.py")
    arguments = [tmp_path, tmp_path / "parameters.json", "0", str(kills_per_phase)]
    done = subprocess.run(
        [sys.executable, program, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow/scripts")},
        capture_output=True,
        text=True,
        check=False,
        timeout=3000,
    )
    assert done.returncode == 0, done.stderr
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(runs) == 5 * kills_per_phase
    for run in runs:
        assert run["killed"], run
        assert run["equal"], run
    resumed = [run["phase"] for run in runs if run["resumed"]]
    assert len(resumed) > len(runs) / 2
    assert set(resumed) >= {"step", "checkpoint", "snapshot"}


@pytest.fixture(
    scope="module", params=["one run", pytest.param("whole study", marks=pytest.mark.stress)]
)
def targets(request) -> list[str]:
    """What Snakemake is asked for."""
    return TARGETS[request.param]


@pytest.fixture(scope="module")
def long_study() -> dict:
    """A study of two runs that take some seconds each, and save their state often."""
    study = tiny_study(seeds=1, checkpoint_interval=25)
    study["training"] |= {
        "steps": 1000,
        "history_interval": 50,
        "network": {"name": "mlp", "width": 4},
    }
    return study


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, long_study, targets) -> dict:
    """The results of a study that nothing interrupts."""
    checkout = copy_checkout(tmp_path_factory.mktemp("undisturbed") / "checkout")
    finish(checkout, long_study, targets)
    contents = results(checkout)
    assert set(contents) == ({*RUNS, *TABLES} if targets == TARGETS["whole study"] else {RUNS[0]})
    return contents


@pytest.fixture
def checkout(tmp_path) -> Path:
    return copy_checkout(tmp_path / "checkout")


def finish(checkout: Path, study: dict, targets: list[str]) -> None:
    done = snakemake(checkout, "--cores", "2", *targets, study=study)
    assert done.returncode == 0, done.stdout + done.stderr


def unlock(checkout: Path, study: dict) -> None:
    assert snakemake(checkout, "--unlock", study=study).returncode == 0


def results(checkout: Path) -> dict:
    """What each run leaves, without its seconds; for a whole study, the bytes of its tables too."""
    contents = {}
    for run in sorted(checkout.glob("results/tiny/runs/*/*/*")):
        contents[str(run.relative_to(checkout))] = {
            "snapshots": (run / "snapshots.pt").read_bytes(),
            "samples": (run / "samples.png").read_bytes(),
            "history": pd.read_csv(run / "history.csv").drop(columns="seconds").to_csv(),
            "weights": json.loads((run / "run.json").read_text())["generator_sha256"],
        }
    tables = [checkout / "results/tiny" / name for name in TABLES]
    return contents | {table.name: table.read_bytes() for table in tables if table.exists()}


def start(checkout: Path, study: dict, targets: list[str]) -> subprocess.Popen:
    """Starts Snakemake and its jobs in a process group of their own, as a terminal does."""
    (checkout / "study.yaml").write_text(json.dumps(study))
    command = ["snakemake", "--cores", "2", *targets, "--configfile", "study.yaml"]
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=checkout,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for_end(process: subprocess.Popen) -> str:
    """Waits for a process to end; returns its output."""
    return process.communicate(timeout=60)[0]


def find_checkpoints(checkout: Path, process: subprocess.Popen | None = None) -> dict[str, int]:
    """When the newest checkpoint of each run was saved; only of runs that `process` trains."""
    times = {}
    for file in (checkout / "results/tiny/checkpoints").glob("*/*.checkpoint"):
        if "previous" in file.name:
            continue
        try:
            trainer = int((file.parent / "lock").read_text().split()[1])
            if process is None or find_group(trainer) == process.pid:
                times[str(file)] = file.stat().st_mtime_ns
        except (OSError, IndexError):
            continue  # it has been removed meanwhile, or its lock is not written yet
    return times


def wait_for_training(checkout: Path, process: subprocess.Popen) -> None:
    """Waits until the jobs of this Snakemake have saved some checkpoints."""
    saved, deadline = set(), time.monotonic() + 120
    while len(saved) < 3:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        saved |= set(find_checkpoints(checkout, process).items())
        time.sleep(0.02)


def wait_until_gone(process: subprocess.Popen, since: float) -> float:
    """The seconds from `since` until no job of this Snakemake trains any more."""
    left = []
    while time.monotonic() < since + 60:
        left = [
            number
            for number in list_processes()
            if find_group(number) == process.pid and "train.py" in read_command(number)
        ]
        if not left:
            return time.monotonic() - since
        time.sleep(0.05)
    raise AssertionError(f"still running: {[read_command(number) for number in left]}")


def list_processes() -> list[int]:
    """Every process of this machine."""
    return [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]


def find_group(process: int) -> int | None:
    """A process's group, or None if the process has ended."""
    try:
        return os.getpgid(process)
    except ProcessLookupError:
        return None


def read_command(process: int) -> str:
    """A process's command line, or '' if the process has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def find_trainers(checkout: Path) -> list[int]:
    """The processes that train in this checkout."""
    trainers = []
    for process in list_processes():
        try:
            is_here = Path(f"/proc/{process}/cwd").samefile(checkout)
            if is_here and "train.py" in read_command(process):
                trainers.append(process)
        except OSError:
            continue  # it has ended meanwhile
    return trainers


def read_logs(checkout: Path) -> list[str]:
    return [log.read_text() for log in checkout.glob("results/tiny/logs/train/*.log")]


@pytest.mark.promise("kill-study")
def test_study_that_was_killed_stopped_and_interrupted_ends_with_the_same_bytes(
    checkout, long_study, targets, undisturbed
):
    # kill everything at once, as a power cut does
    process = start(checkout, long_study, targets)
    wait_for_training(checkout, process)
    os.killpg(process.pid, signal.SIGKILL)
    wait_for_end(process)

    # kill Snakemake alone: its jobs keep training, and what they finish is kept
    unlock(checkout, long_study)
    process = start(checkout, long_study, targets)
    wait_for_training(checkout, process)
    process.kill()
    process.wait()
    assert find_trainers(checkout)
    while find_trainers(checkout):
        time.sleep(0.1)
    unlock(checkout, long_study)
    trained = planned(checkout, *targets, study=long_study).keys()
    assert not [job for job in trained if job.startswith("train")]
    shutil.rmtree(checkout / "results")

    # Ctrl-C, then the signal of a scheduler
    for number in (signal.SIGINT, signal.SIGTERM):
        process = start(checkout, long_study, targets)
        wait_for_training(checkout, process)
        since = time.monotonic()
        os.killpg(process.pid, number)
        assert wait_until_gone(process, since) < LEAVES_WITHIN
        output = wait_for_end(process)
        assert "Traceback" not in output, output
        logs = read_logs(checkout)
        assert any(f"{number.name}: the run stopped after step" in log for log in logs), logs

    # the same command once more, and nothing else
    finish(checkout, long_study, targets)
    logs = read_logs(checkout)
    assert any("resumed after step" in log for log in logs), logs
    assert results(checkout) == undisturbed
    assert not find_checkpoints(checkout)
    assert not find_trainers(checkout)


@pytest.mark.promise("kill-study-often")
@pytest.mark.stress
@pytest.mark.parametrize("targets", ["whole study"], indirect=True)
def test_study_killed_at_25_random_moments_ends_with_the_same_bytes(
    checkout, long_study, targets, undisturbed
):
    choice = random.Random(0)
    for kill in range(25):
        process = start(checkout, long_study, targets)
        try:
            process.wait(timeout=choice.uniform(2, 25))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        wait_for_end(process)
        snakemake(checkout, "--unlock", study=long_study)
        if kill % 5 == 4:  # finish, compare, and begin again
            finish(checkout, long_study, targets)
            assert results(checkout) == undisturbed, kill
            shutil.rmtree(checkout / "results")

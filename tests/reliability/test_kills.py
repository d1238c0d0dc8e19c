"""SIGKILL, SIGTERM and Ctrl-C at any moment: what is run again ends as if nothing had happened."""

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
import pytest
from ganbench.study import resolve as study
from project import ROOT, copy_checkout, snakemake, tiny_study

TABLES = ("scores.csv", "summary.csv", "comparisons.csv")
LEAVES_WITHIN = 5.0


@pytest.mark.parametrize("kills", [25, pytest.param(250, marks=pytest.mark.stress)])
def test_run_killed_at_a_random_moment_ends_with_the_same_bits(tmp_path, kills):
    given = tiny_study(variants={"v": {"objective": "minimax", "regularizers": {"r1": {}}}})
    given["training"] |= {"steps": 20, "history_interval": 4, "ema": 0.9}
    parameters = study.resolve(given, "tiny")["runs"]["digits"]["v"]
    (tmp_path / "parameters.json").write_text(json.dumps(parameters))
    pixels = np.random.default_rng(0).integers(0, 256, (60, 1, 8, 8)).astype(np.uint8)
    np.savez(tmp_path / "data.npz", train=pixels)
    program = Path(__file__).with_name("killed_runs.py")
    done = subprocess.run(
        [sys.executable, program, tmp_path, tmp_path / "parameters.json", "0", str(kills)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow/scripts")},
        capture_output=True,
        text=True,
        check=False,
        timeout=3000,
    )
    assert done.returncode == 0, done.stderr
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(runs) == kills
    for run in runs:
        assert run["killed"], run
        assert run["equal"], run
    assert sum(run["resumed"] for run in runs) > kills / 2
    assert {run["phase"] for run in runs if run["resumed"]} >= {"step", "checkpoint", "snapshot"}


@pytest.fixture(scope="module")
def long_study():
    """Two runs that take some seconds each, and save their state often."""
    given = tiny_study(seeds=1, checkpoint_interval=25)
    given["training"] |= {"steps": 1500, "history_interval": 50}
    return given


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, long_study):
    checkout = copy_checkout(tmp_path_factory.mktemp("undisturbed") / "checkout")
    done = snakemake(checkout, "--cores", "2", study=long_study)
    assert done.returncode == 0, done.stdout + done.stderr
    return results(checkout)


@pytest.fixture
def checkout(tmp_path):
    return copy_checkout(tmp_path / "checkout")


def results(checkout):
    """The bytes of the tables, and of every run's weights."""
    folder = checkout / "results/tiny"
    found = {name: (folder / name).read_bytes() for name in TABLES}
    for file in folder.glob("runs/*/*/*/run.json"):
        found[str(file.relative_to(folder))] = json.loads(file.read_text())["generator_sha256"]
    assert len(found) == len(TABLES) + 2
    return found


def started(checkout, given):
    """Snakemake and its jobs in a process group of their own, as in a terminal."""
    (checkout / "study.yaml").write_text(json.dumps(given))
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "study.yaml"],
        cwd=checkout,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def states(checkout, process=None):
    """The newest state of every run, and when it was saved; of runs that `process` trains."""
    found = {}
    for file in (checkout / "results/tiny/checkpoints").glob("*/*.checkpoint"):
        if "previous" in file.name:
            continue
        try:
            trainer = int((file.parent / "lock").read_text().split()[1])
            if process is None or group(trainer) == process.pid:
                found[str(file)] = file.stat().st_mtime_ns
        except (OSError, IndexError):
            continue  # removed meanwhile, or not written yet
    return found


def wait_for_training(checkout, process):
    """Returns once the two runs of this Snakemake have saved some states."""
    seen, until = set(), time.monotonic() + 120
    while len(seen) < 5:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until
        seen |= set(states(checkout, process).items())
        time.sleep(0.02)


def gone(process, since):
    """Seconds from `since` until no job of a Snakemake trains any more."""
    while time.monotonic() < since + 60:
        left = [each for each in everything() if group(each) == process.pid]
        left = [each for each in left if "train.py" in command(each)]
        if not left:
            return time.monotonic() - since
        time.sleep(0.05)
    raise AssertionError(f"still there: {[command(each) for each in left]}")


def everything():
    """Every process of this machine."""
    return [int(each.name) for each in Path("/proc").glob("[0-9]*")]


def group(process):
    """A process's group, or None when it has ended meanwhile."""
    try:
        return os.getpgid(process)
    except ProcessLookupError:
        return None


def training(checkout):
    """The processes that train in this checkout."""
    found = []
    for process in everything():
        try:
            here = Path(f"/proc/{process}/cwd").samefile(checkout)
            if here and "train.py" in command(process):
                found.append(process)
        except OSError:
            continue  # ended meanwhile
    return found


def command(process):
    """The command line of a process; none of one that has ended meanwhile."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def ended(process):
    """Reads the process's last words, so that it is gone for good."""
    return process.communicate(timeout=60)[0]


def test_study_that_was_killed_stopped_and_interrupted_ends_with_the_same_bytes(
    checkout, long_study, undisturbed
):
    # everything at once, as by a power cut
    process = started(checkout, long_study)
    wait_for_training(checkout, process)
    os.killpg(process.pid, signal.SIGKILL)
    ended(process)

    # Snakemake alone: its jobs train on without it; the README's recovery
    assert snakemake(checkout, "--unlock", study=long_study).returncode == 0
    process = started(checkout, long_study)
    wait_for_training(checkout, process)
    process.kill()
    process.wait()
    assert training(checkout)
    assert snakemake(checkout, "--unlock", study=long_study).returncode == 0

    # Ctrl-C, then what a scheduler sends
    for number in (signal.SIGINT, signal.SIGTERM):
        process = started(checkout, long_study)
        wait_for_training(checkout, process)
        since = time.monotonic()
        os.killpg(process.pid, number)
        assert gone(process, since) < LEAVES_WITHIN
        said = ended(process)
        assert "Traceback" not in said, said
        logs = [file.read_text() for file in checkout.glob("results/tiny/logs/train/*.log")]
        assert any(f"{number.name}: the run ended after step" in log for log in logs), logs

    # the same command once more, and nothing else
    done = snakemake(checkout, "--cores", "2", study=long_study)
    assert done.returncode == 0, done.stdout + done.stderr
    logs = [file.read_text() for file in checkout.glob("results/tiny/logs/train/*.log")]
    assert any("goes on after step" in log for log in logs), logs
    assert results(checkout) == undisturbed
    assert not states(checkout)
    assert not training(checkout)


@pytest.mark.stress
def test_study_killed_at_25_random_moments_ends_with_the_same_bytes(
    checkout, long_study, undisturbed
):
    choose = random.Random(0)
    for number in range(25):
        process = started(checkout, long_study)
        try:
            process.wait(timeout=choose.uniform(2, 25))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        ended(process)
        snakemake(checkout, "--unlock", study=long_study)
        if number % 5 == 4:  # and from the start
            done = snakemake(checkout, "--cores", "2", study=long_study)
            assert done.returncode == 0, done.stdout + done.stderr
            assert results(checkout) == undisturbed, number
            shutil.rmtree(checkout / "results")

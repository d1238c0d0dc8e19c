"""A whole study on a real Slurm: the same bits as here, also when a job is cancelled on the way."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import slurm_cluster
from project import copy_checkout, snakemake, tiny_study
from slurm_cluster import Cluster, cluster

pytestmark = pytest.mark.slurm
STUDY = tiny_study(seeds=1)
STUDY["training"] = {**STUDY["training"], "steps": 2500}
PROFILE = ("--workflow-profile", "profiles/slurm")
QUICKLY = (
    *("--slurm-init-seconds-before-status-checks", "3", "--latency-wait", "5"),
    *("--set-resources", "train:gpu=1"),
)
TABLES = ("scores.csv", "summary.csv", "comparisons.csv")


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    if reason := slurm_cluster.missing():
        pytest.skip(reason)
    with cluster(tmp_path_factory.mktemp("slurm") / "cluster") as running:
        yield running


def start(
    checkout: Path, slurm: Cluster, given: dict = STUDY, minutes: int = 5
) -> subprocess.Popen:
    path = f"{slurm.folder}/bin:{Path(sys.executable).parent}:{slurm.environment['PATH']}"
    (checkout / "study.json").write_text(json.dumps(given))
    quickly = (*QUICKLY, f"train:runtime={minutes}", f"evaluate:runtime={minutes}")
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", *PROFILE, *quickly, "--configfile", "study.json"],
        cwd=checkout,
        env={**os.environ, **slurm.environment, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for_training(slurm: Cluster, started: subprocess.Popen) -> str:
    """The number of a Slurm job that has begun to train, some steps in."""
    for _ in range(240):
        for number, state, name, _gpus in slurm.jobs():
            if state == "RUNNING" and "train" in name:
                time.sleep(8)
                return number
        assert started.poll() is None, started.communicate()[0]
        time.sleep(0.5)
    raise AssertionError("no training job has started")


def log_of_training(checkout: Path) -> str:
    """The logs of all training jobs, as one text."""
    logs = (checkout / "results/tiny/logs/train").glob("*.log")
    return "".join(file.read_text() for file in logs)


def digests(checkout: Path) -> dict[str, str]:
    files = sorted((checkout / "results/tiny").glob("runs/*/*/*/run.json"))
    return {str(file): json.loads(file.read_text())["generator_sha256"] for file in files}


def test_study_on_slurm_survives_a_cancelled_job_with_the_same_bits_as_here(slurm, tmp_path):
    there = copy_checkout(tmp_path / "there")
    started = start(there, slurm)
    cancelled = wait_for_training(slurm, started)
    slurm.run("scancel", cancelled)
    output, _ = started.communicate(timeout=600)
    assert started.returncode == 0, output

    jobs = {number: (state, name) for number, state, name, _ in slurm.jobs()}
    assert jobs[cancelled][0] == "CANCELLED"
    training = [state for state, name in jobs.values() if "train" in name]
    assert sorted(training) == ["CANCELLED", "COMPLETED"], "both runs share a job, twice started"
    assert (there / "results/tiny/report.html").exists()
    assert "goes on after step" in log_of_training(there)

    here = copy_checkout(tmp_path / "here")
    done = snakemake(here, "--cores", "2", study=STUDY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(digests(there).values()) == list(digests(here).values())
    for table in TABLES:
        name = f"results/tiny/{table}"
        assert (there / name).read_bytes() == (here / name).read_bytes(), table


def test_run_over_its_time_limit_goes_on_in_another_job_to_the_same_bits(slurm, tmp_path):
    """A minute, the shortest limit that Slurm knows, is not enough for this run."""
    given = tiny_study(seeds=1, variants={"minimax": {}})
    given["training"] |= {"steps": 40_000, "history_interval": 1000}
    there, here = (copy_checkout(tmp_path / name) for name in ("there", "here"))
    started = start(there, slurm, given, minutes=1)
    output, _ = started.communicate(timeout=900)
    assert started.returncode == 0, output
    states = [state for _, state, name, _ in slurm.jobs() if "train" in name]
    assert "TIMEOUT" in states, states
    assert "goes on after step" in log_of_training(there)

    done = snakemake(here, "--cores", "2", "--until", "train", study=given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(digests(there).values()) == list(digests(here).values())


def test_job_asks_slurm_for_its_gpu_and_a_drained_node_returns(slurm):
    host = slurm.run("sinfo", "--noheader", "--format=%n")
    slurm.run("scontrol", "update", f"nodename={host}", "state=drain", "reason=test")
    assert slurm.node_state() == "drained"
    out = slurm.folder / "asked"
    command = ("sbatch", "--parsable", "--gpus=1", f"--output={out}", "--wrap", "env")
    number = slurm.run(*command)
    time.sleep(3)
    assert [state for each, state, *_ in slurm.jobs() if each == number] == ["PENDING"]
    slurm.run("scontrol", "update", f"nodename={host}", "state=resume")
    for _ in range(60):
        if [number, "COMPLETED"] in [job[:2] for job in slurm.jobs()]:
            break
        time.sleep(0.5)
    assert "CUDA_VISIBLE_DEVICES=0" in out.read_text()

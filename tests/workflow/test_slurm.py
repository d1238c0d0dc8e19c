"""Studies on a real Slurm: the same bits as here, whatever happens to its jobs on the way."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import slurm_cluster
from project import copy_checkout, snakemake, tiny_study
from slurm_cluster import Cluster, cluster

pytestmark = pytest.mark.slurm
STUDY = tiny_study(seeds=1, checkpoint_interval=100)
STUDY["training"] = {**STUDY["training"], "steps": 2500}
PROFILE = ("--workflow-profile", "profiles/slurm")
QUICKLY = ("--slurm-init-seconds-before-status-checks", "3", "--latency-wait", "5")
TABLES = ("scores.csv", "summary.csv", "comparisons.csv")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    if reason := slurm_cluster.missing():
        pytest.skip(reason)
    with cluster(tmp_path_factory.mktemp("slurm") / "cluster") as slurm:
        yield slurm


@pytest.fixture
def slurm(running):
    """The cluster of all tests, of whose jobs each test sees its own."""
    latest = max((int(number) for number, *_ in running.jobs()), default=0)
    return dataclasses.replace(running, after=latest)


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """The study without Slurm."""
    checkout = copy_checkout(tmp_path_factory.mktemp("here") / "checkout")
    done = snakemake(checkout, "--cores", "2", study=STUDY)
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout


@pytest.fixture
def start(slurm):
    """Starts Snakemake by the profile, with a GPU and so many minutes for each run."""
    path = f"{slurm.folder}/bin:{Path(sys.executable).parent}:{slurm.environment['PATH']}"
    command = [sys.executable, "-m", "snakemake", *PROFILE, *QUICKLY, "--configfile", "study.json"]
    processes = []

    def started(
        checkout: Path, given: dict, *arguments: str, minutes: int = 10
    ) -> subprocess.Popen:
        (checkout / "study.json").write_text(json.dumps(given))
        file = checkout / "profiles/slurm/config.yaml"
        profile = file.read_text().replace("gpu: 0 # <-- 1 to", "gpu: 1 # <-- to")
        file.write_text(profile.replace("runtime: 30 ", f"runtime: {minutes} "))
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=checkout,
            env={**os.environ, **slurm.environment, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        processes.append(process)
        return process

    yield started
    for process in processes:
        process.kill()
        process.communicate()


def wait_until(what: Callable[[], object], started: subprocess.Popen, seconds: int = 600) -> None:
    """Waits for `what` to be true while Snakemake works."""
    until = time.monotonic() + seconds
    while not what():
        assert started.poll() is None, started.communicate()[0]
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.2)


def training(slurm: Cluster, *states: str) -> list[str]:
    """The numbers of the Slurm jobs that train and are in one of `states`, or in any."""
    jobs = [(number, state) for number, state, name in slurm.jobs() if "train" in name]
    return [number for number, state in jobs if not states or state in states]


def finished_runs(checkout: Path) -> list[Path]:
    return sorted((checkout / "results/tiny/runs").glob("*/*/*/run.json"))


def runs_under_way(checkout: Path) -> set[str]:
    """Those with saved states and without a result, as `dataset_variant_seed`."""
    states = (checkout / "results/tiny/checkpoints").glob("*/*.previous.checkpoint")
    finished = {"_".join(file.parts[-4:-1]) for file in finished_runs(checkout)}
    return {state.parent.name for state in states} - finished


def resumed_runs(checkout: Path) -> list[str]:
    """The runs whose last log says that they went on from a state."""
    logs = (checkout / "results/tiny/logs/train").glob("*.log")
    return sorted(log.stem for log in logs if "resumed after step" in log.read_text())


def digests(checkout: Path) -> list[str]:
    return [json.loads(file.read_text())["generator_sha256"] for file in finished_runs(checkout)]


def assert_same_results(there: Path, here: Path) -> None:
    assert digests(there) == digests(here)
    assert (there / "results/tiny/report.html").exists()
    for table in TABLES:
        name = f"results/tiny/{table}"
        assert (there / name).read_bytes() == (here / name).read_bytes(), table


def test_runs_share_slurm_jobs_that_ask_for_what_one_run_needs(slurm, start, tmp_path):
    """Four runs, and their scoring, are two submissions of two: 2 × (7 + 7) minutes."""
    there = copy_checkout(tmp_path / "there")
    started = start(there, tiny_study(), "--group-components", "run=2", "short=50", minutes=7)
    output, _ = started.communicate(timeout=1200)
    assert started.returncode == 0, output
    assert len(finished_runs(there)) == 4
    submitted = training(slurm)
    assert training(slurm, "COMPLETED") == submitted
    assert len(submitted) == 2
    assert [name for *_, name in slurm.jobs() if "evaluate" in name and "train" not in name] == []
    for number in submitted:
        assert slurm.asked(number) == (1, 1, "4000M")
        assert slurm.details(number)["TimeLimit"] == "00:28:00"
    others = [number for number, *_ in slurm.jobs() if number not in submitted]
    assert len(others) == 4, "prepare, extractor, theory of both objectives, report"
    # the report draws its figures in four processes
    assert sorted(slurm.asked(number)[:2] for number in others) == [(0, 1)] * 3 + [(0, 4)]


def test_cancelled_slurm_job_ends_in_the_same_bits_as_here(slurm, start, here, tmp_path):
    """Both runs share it: the first, which was finished, is trained again, the second goes on."""
    there = copy_checkout(tmp_path / "there")
    started = start(there, STUDY)
    wait_until(lambda: finished_runs(there) and runs_under_way(there), started)
    (second,) = runs_under_way(there)
    (cancelled,) = training(slurm, "RUNNING")
    slurm.run("scancel", cancelled)
    output, _ = started.communicate(timeout=1200)
    assert started.returncode == 0, output

    assert training(slurm, "CANCELLED") == [cancelled]
    assert len(training(slurm, "COMPLETED")) == 1
    assert resumed_runs(there) == [second]
    assert_same_results(there, here)


def test_run_over_its_time_limit_goes_on_in_another_job_to_the_same_bits(
    slurm, start, here, tmp_path
):
    """A minute is the shortest limit that Slurm knows; the run takes longer on any machine."""
    given = tiny_study(seeds=1, variants={"minimax": {}}, checkpoint_interval=100)
    took = json.loads(finished_runs(here)[0].read_text())["seconds"]
    # it took long where the machine was busy, which may be over by now
    steps = max(30_000, round(150 / took * STUDY["training"]["steps"]))
    given["training"] |= {"steps": steps, "history_interval": 1000}
    there, straight = (copy_checkout(tmp_path / name) for name in ("there", "straight"))
    # one run for each Slurm job, without its scoring, so that the limit is the run's own
    alone = ("--group-components", "run=1", "--groups", "train=run", "--retries", "40")
    started = start(there, given, *alone, "--until", "train", minutes=1)
    output, _ = started.communicate(timeout=3000)
    assert started.returncode == 0, output
    over = training(slurm, "TIMEOUT")
    assert over
    assert {slurm.details(number)["TimeLimit"] for number in over} == {"00:01:00"}
    assert len(training(slurm, "COMPLETED")) == 1
    assert resumed_runs(there)

    done = snakemake(straight, "--cores", "2", "--until", "train", study=given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert digests(there) == digests(straight)


def test_job_killed_for_its_memory_asks_for_more_in_the_next(slurm, start, here, tmp_path):
    """700 MB are too little for torch and the Snakemake beside it, twice as many enough."""
    there = copy_checkout(tmp_path / "there")
    rules = there / "workflow/rules/common.smk"
    text, estimate = rules.read_text(), "return 3000 + estimate_data_memory(wildcards)"
    assert estimate in text
    rules.write_text(text.replace(estimate, "return 700"))
    alone = ("--group-components", "run=1", "--groups", "train=run")
    given = STUDY | {"variants": {"minimax": {}}}
    started = start(there, given, *alone, "--until", "train")
    output, _ = started.communicate(timeout=1200)
    assert started.returncode == 0, output
    attempts = sorted(training(slurm), key=int)
    assert [slurm.asked(number)[2] for number in attempts] == ["700M", "1400M"]
    assert digests(there) == digests(here)[:1]


def test_drained_node_returns_and_preempted_job_ends_in_the_same_bits(slurm, start, here, tmp_path):
    there = copy_checkout(tmp_path / "there")
    slurm.set_node("drain")
    assert slurm.node_state() == "drained"
    started = start(there, STUDY)
    wait_until(slurm.jobs, started)
    time.sleep(5)
    assert {state for _, state, _ in slurm.jobs()} == {"PENDING"}
    slurm.set_node("resume")
    wait_until(lambda: runs_under_way(there), started)

    (preempted,) = training(slurm, "RUNNING")
    slurm.set_node("drain")  # a job that runs is left alone
    time.sleep(3)
    assert slurm.node_state() == "draining"
    assert training(slurm, "RUNNING") == [preempted]
    slurm.set_node("resume")
    urgent = slurm.run(
        *("sbatch", "--parsable", "--partition=urgent", "--exclusive", "--output=/dev/null"),
        *("--wrap", "sleep 2"),
    )
    output, _ = started.communicate(timeout=1200)
    assert started.returncode == 0, output
    assert [urgent, "COMPLETED"] in [job[:2] for job in slurm.jobs()]
    assert training(slurm, "COMPLETED") == training(slurm) == [preempted], "queued again by Slurm"
    assert slurm.details(preempted)["Restarts"] == "1"
    assert resumed_runs(there)
    assert_same_results(there, here)


def test_job_sees_the_gpu_that_slurm_gave_it(slurm):
    out = slurm.folder / "asked"
    number = slurm.run(
        *("sbatch", "--parsable", "--wait", "--gpus=1", f"--output={out}", "--wrap", "env")
    )
    assert [number, "COMPLETED"] in [job[:2] for job in slurm.jobs()]
    assert "CUDA_VISIBLE_DEVICES=0\n" in out.read_text()

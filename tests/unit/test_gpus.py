"""GPUs are shared by slots: as many jobs as slots, evenly, and a killed job frees its own."""

import io
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from ganbench.jobs import gpus

SCRIPTS = Path(gpus.__file__).parents[2]
JOB = """
import os, sys, time
from pathlib import Path
from ganbench.jobs import gpus
folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
with gpus.slot(2, sys.stderr, devices=["0", "1"], folder=folder / "locks") as gpu:
    print(f"{time.monotonic()} {gpu} {os.environ['CUDA_VISIBLE_DEVICES']}", flush=True)
    time.sleep(seconds)
    print(f"{time.monotonic()}", flush=True)
"""


@pytest.fixture(autouse=True)
def no_scheduler(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def start(folder, seconds, **environment):
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS), **environment}
    return subprocess.Popen(
        [sys.executable, "-c", JOB, str(folder), str(seconds)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def spans_of(jobs):
    """When each job had which GPU: (from, to, GPU)."""
    spans = []
    for job in jobs:
        out, _ = job.communicate(timeout=60)
        first, last = out.splitlines()
        began, gpu, visible = first.split()
        assert gpu == visible
        spans.append((float(began), float(last), gpu))
    return spans


def most_at_once(spans, gpu):
    mine = [(low, high) for low, high, other in spans if other == gpu]
    return max(sum(low <= began < high for low, high in mine) for began, _ in mine)


def test_eight_jobs_share_two_gpus_of_two_slots_without_overlap(tmp_path):
    spans = spans_of([start(tmp_path, 0.7) for _ in range(8)])
    assert Counter(gpu for *_, gpu in spans) == {"0": 4, "1": 4}
    assert max(most_at_once(spans, gpu) for gpu in ("0", "1")) <= 2


def test_killed_jobs_of_eight_free_their_slots_for_those_that_wait(tmp_path):
    holding = [start(tmp_path, 60) for _ in range(4)]
    held = [job.stdout.readline().split()[1] for job in holding]
    assert sorted(held) == ["0", "0", "1", "1"]
    waiting = [start(tmp_path, 0.6) for _ in range(4)]
    time.sleep(1.5)
    assert [job.poll() for job in waiting] == [None] * 4
    killed = [holding[held.index(gpu)] for gpu in ("0", "1")]
    for job in killed:
        job.send_signal(signal.SIGKILL)
    spans = spans_of(waiting)  # two slots are free, one of each GPU, and two are held still
    assert [job.poll() for job in holding if job not in killed] == [None] * 2
    assert {gpu for *_, gpu in spans} == {"0", "1"}
    assert [most_at_once(spans, gpu) for gpu in ("0", "1")] == [1, 1]
    for job in holding:
        job.kill()
        job.communicate()


def test_job_that_waits_says_so(tmp_path):
    holding = [start(tmp_path, 60) for _ in range(4)]
    for job in holding:
        job.stdout.readline()
    waiting = start(tmp_path, 0)
    assert waiting.stderr.readline() == "waiting for one of 2 slot(s) on 2 GPU(s)\n"
    for job in (*holding, waiting):
        job.kill()
        job.communicate()


def test_several_devices_of_a_scheduler_are_shared_and_no_others(tmp_path):
    jobs = [start(tmp_path, 0.3, CUDA_VISIBLE_DEVICES="4,MIG-GPU-7/1/0") for _ in range(6)]
    spans = spans_of(jobs)
    assert Counter(gpu for *_, gpu in spans) == {"4": 3, "MIG-GPU-7/1/0": 3}


def test_several_devices_are_visible_again_after_the_job(tmp_path, monkeypatch):
    for given in ("4,5", " 4, 5,"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
        with gpus.slot(1, io.StringIO(), folder=tmp_path) as gpu:
            assert gpu == os.environ["CUDA_VISIBLE_DEVICES"] == "4"
        assert os.environ["CUDA_VISIBLE_DEVICES"] == given


def test_users_of_one_machine_have_slots_of_their_own(monkeypatch):
    """One could not write into the other's folder, and would wait for ever."""
    folders = set()
    for user in (1000, 1001):
        monkeypatch.setattr(os, "getuid", lambda user=user: user)
        folders.add(gpus._lock_folder())
    assert len(folders) == 2


def test_two_slurm_jobs_on_one_node_do_not_wait_for_each_other(monkeypatch):
    """Each may count its own GPUs from 0."""
    folders = set()
    for number in ("", "17", "18"):
        monkeypatch.setenv("SLURM_JOB_ID", number)
        folders.add(gpus._lock_folder())
    assert len(folders) == 3


def test_gpus_are_named_as_cuda_counts_those_it_sees(tmp_path):
    """A container that was given the machine's fourth GPU alone sees one, by the name 0."""
    for file in ("nvidia3", "nvidiactl", "nvidia-uvm", "nvidia-caps"):
        (tmp_path / file).touch()
    assert gpus.names(tmp_path) == ["0"]
    (tmp_path / "nvidia10").touch()
    assert gpus.names(tmp_path) == ["0", "1"]


def test_device_that_a_scheduler_chose_wins(tmp_path, monkeypatch):
    for given in ("7", ""):  # one, and none
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
        with gpus.slot(1, io.StringIO(), devices=["0", "1"], folder=tmp_path) as gpu:
            assert gpu is None
            assert os.environ["CUDA_VISIBLE_DEVICES"] == given
    assert list(tmp_path.iterdir()) == []


def test_without_a_gpu_there_is_nothing_to_wait_for(tmp_path):
    with gpus.slot(1, io.StringIO(), devices=[], folder=tmp_path) as gpu:
        assert gpu is None
        assert "CUDA_VISIBLE_DEVICES" not in os.environ


def test_after_the_job_all_gpus_are_visible_again(tmp_path):
    for _ in range(2):
        with gpus.slot(1, io.StringIO(), devices=["3"], folder=tmp_path) as gpu:
            assert gpu == "3"
        assert "CUDA_VISIBLE_DEVICES" not in os.environ

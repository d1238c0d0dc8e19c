"""Jobs share GPUs by slots, evenly, and a killed job frees its slot."""

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
gpus.POLL_SECONDS = 0.05
folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
with gpus.hold_slot(2, sys.stderr, devices=["0", "1"], folder=folder / "locks") as gpu:
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


def read_spans(jobs):
    """The times between which each job held a GPU: (start, end, GPU)."""
    spans = []
    for job in jobs:
        output, _ = job.communicate(timeout=60)
        first, last = output.splitlines()
        start, gpu, visible = first.split()
        assert gpu == visible
        spans.append((float(start), float(last), gpu))
    return spans


def count_at_once(spans, gpu):
    """The largest number of jobs that held a GPU at the same time."""
    own = [(low, high) for low, high, name in spans if name == gpu]
    return max(sum(low <= start < high for low, high in own) for start, _ in own)


def kill_all(jobs):
    for job in jobs:
        job.kill()
        job.communicate()


def test_eight_jobs_share_two_gpus_of_two_slots_without_overlap(tmp_path):
    spans = read_spans([start(tmp_path, 0.7) for _ in range(8)])
    assert Counter(gpu for *_, gpu in spans) == {"0": 4, "1": 4}
    assert max(count_at_once(spans, gpu) for gpu in ("0", "1")) <= 2


def test_killed_jobs_free_their_slots_for_waiting_jobs(tmp_path):
    holding = [start(tmp_path, 60) for _ in range(4)]
    gpus_held = [job.stdout.readline().split()[1] for job in holding]
    assert sorted(gpus_held) == ["0", "0", "1", "1"]
    waiting = [start(tmp_path, 0.4) for _ in range(4)]
    for job in waiting:
        assert job.stderr.readline().startswith("waiting for a free GPU slot")
    time.sleep(0.3)
    assert [job.poll() for job in waiting] == [None] * 4
    killed = [holding[gpus_held.index(gpu)] for gpu in ("0", "1")]
    for job in killed:
        job.send_signal(signal.SIGKILL)
    spans = read_spans(waiting)  # one slot of each GPU is free, the other still held
    assert [job.poll() for job in holding if job not in killed] == [None] * 2
    assert {gpu for *_, gpu in spans} == {"0", "1"}
    assert [count_at_once(spans, gpu) for gpu in ("0", "1")] == [1, 1]
    kill_all(holding)


def test_waiting_job_says_so(tmp_path):
    holding = [start(tmp_path, 60) for _ in range(4)]
    for job in holding:
        job.stdout.readline()
    waiting = start(tmp_path, 0)
    line = "waiting for a free GPU slot (GPUs: 2, slots on each: 2)\n"
    assert waiting.stderr.readline() == line
    kill_all([*holding, waiting])


def test_only_the_devices_of_a_scheduler_are_shared(tmp_path):
    jobs = [start(tmp_path, 0.3, CUDA_VISIBLE_DEVICES="4,MIG-GPU-7/1/0") for _ in range(6)]
    spans = read_spans(jobs)
    assert Counter(gpu for *_, gpu in spans) == {"4": 3, "MIG-GPU-7/1/0": 3}


def test_several_devices_are_visible_again_after_the_job(tmp_path, monkeypatch):
    for devices in ("4,5", " 4, 5,"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", devices)
        with gpus.hold_slot(1, io.StringIO(), folder=tmp_path) as gpu:
            assert gpu == os.environ["CUDA_VISIBLE_DEVICES"] == "4"
        assert os.environ["CUDA_VISIBLE_DEVICES"] == devices


def test_users_of_one_machine_have_separate_slots(monkeypatch):
    """A user who cannot write to another's folder would wait forever."""
    folders = set()
    for user in (1000, 1001):
        monkeypatch.setattr(os, "getuid", lambda user=user: user)
        folders.add(gpus._find_lock_folder())
    assert len(folders) == 2


def test_two_slurm_jobs_on_one_node_do_not_wait_for_each_other(monkeypatch):
    """Both may number their GPUs from 0."""
    folders = set()
    for number in ("", "17", "18"):
        monkeypatch.setenv("SLURM_JOB_ID", number)
        folders.add(gpus._find_lock_folder())
    assert len(folders) == 3


def test_gpus_are_numbered_as_cuda_numbers_them(tmp_path):
    """In a container that only has the machine's fourth GPU, that GPU is 0."""
    for file in ("nvidia3", "nvidiactl", "nvidia-uvm", "nvidia-caps"):
        (tmp_path / file).touch()
    assert gpus.list_gpus(tmp_path) == ["0"]
    (tmp_path / "nvidia10").touch()
    assert gpus.list_gpus(tmp_path) == ["0", "1"]


def test_single_device_of_a_scheduler_is_used_without_a_slot(tmp_path, monkeypatch):
    for devices in ("7", ""):  # one, and none
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", devices)
        with gpus.hold_slot(1, io.StringIO(), devices=["0", "1"], folder=tmp_path) as gpu:
            assert gpu is None
            assert os.environ["CUDA_VISIBLE_DEVICES"] == devices
    assert list(tmp_path.iterdir()) == []


def test_job_without_a_gpu_does_not_wait(tmp_path):
    with gpus.hold_slot(1, io.StringIO(), devices=[], folder=tmp_path) as gpu:
        assert gpu is None
        assert "CUDA_VISIBLE_DEVICES" not in os.environ


def test_all_gpus_are_visible_again_after_the_job(tmp_path):
    for _ in range(2):
        with gpus.hold_slot(1, io.StringIO(), devices=["3"], folder=tmp_path) as gpu:
            assert gpu == "3"
        assert "CUDA_VISIBLE_DEVICES" not in os.environ

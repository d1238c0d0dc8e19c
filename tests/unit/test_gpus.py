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
from ganbench import gpus

SCRIPTS = Path(gpus.__file__).parents[1]
JOB = """
import sys, time
from pathlib import Path
from ganbench import gpus
folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
with gpus.slot(2, sys.stderr, devices=[0, 1], folder=folder / "locks") as gpu:
    import os
    print(f"{time.monotonic()} {gpu} {os.environ['CUDA_VISIBLE_DEVICES']}", flush=True)
    time.sleep(seconds)
    print(f"{time.monotonic()}", flush=True)
"""


@pytest.fixture(autouse=True)
def no_scheduler(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def start(folder, seconds):
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    return subprocess.Popen(
        [sys.executable, "-c", JOB, str(folder), str(seconds)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_eight_jobs_share_two_gpus_of_two_slots_without_overlap(tmp_path):
    jobs = [start(tmp_path, 0.7) for _ in range(8)]
    spans = []
    for job in jobs:
        out, _ = job.communicate(timeout=60)
        first, last = out.splitlines()
        began, gpu, visible = first.split()
        assert gpu == visible
        spans.append((float(began), float(last), gpu))
    assert Counter(gpu for *_, gpu in spans) == {"0": 4, "1": 4}
    for began, _, gpu in spans:
        at_once = [1 for low, high, other in spans if other == gpu and low <= began < high]
        assert len(at_once) <= 2


def test_killed_job_frees_its_slot(tmp_path):
    held = [start(tmp_path, 60) for _ in range(4)]
    for job in held:
        job.stdout.readline()
    waiting = start(tmp_path, 0)
    time.sleep(1)
    assert waiting.poll() is None
    held[0].send_signal(signal.SIGKILL)
    out, errors = waiting.communicate(timeout=30)
    assert len(out.splitlines()) == 2
    assert "waiting for one of 2 slot(s) on 2 GPU(s)" in errors
    for job in held:
        job.kill()
        job.communicate()


def test_device_that_a_scheduler_chose_wins(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    with gpus.slot(1, io.StringIO(), devices=[0, 1], folder=tmp_path) as gpu:
        assert gpu is None
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "7"
    assert list(tmp_path.iterdir()) == []


def test_without_a_gpu_there_is_nothing_to_wait_for(tmp_path):
    with gpus.slot(1, io.StringIO(), devices=[], folder=tmp_path) as gpu:
        assert gpu is None
        assert "CUDA_VISIBLE_DEVICES" not in os.environ


def test_after_the_job_all_gpus_are_visible_again(tmp_path):
    for _ in range(2):
        with gpus.slot(1, io.StringIO(), devices=[3], folder=tmp_path) as gpu:
            assert gpu == 3
        assert "CUDA_VISIBLE_DEVICES" not in os.environ

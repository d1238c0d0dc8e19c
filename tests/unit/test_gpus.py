"""Jobs share GPUs by slots, evenly, and a killed job frees its slot."""

import io
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest
import torch
from ganbench.jobs.gpus import devices, slots
from ganbench.jobs.gpus.gpu_plan import GpuPlan
from ganbench.jobs.node_folder import ForeignFolderError, make_node_folder
from mps_example import StandIn, wait_for
from training_example import RunFolder, resolve_run

SCRIPTS = Path(slots.__file__).parents[3]
JOB = """
import os, sys, time
from pathlib import Path
from ganbench.jobs.gpus import slots
slots.POLL_SECONDS = 0.05
folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
devices = os.environ.get("DEVICES", "0,1").split(",")
with slots.hold_slot(2, sys.stderr, devices, folder / "locks") as gpu:
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


def test_parts_of_a_gpu_and_uuids_are_shared(tmp_path):
    jobs = [start(tmp_path, 0.3, DEVICES="GPU-4,MIG-GPU-7/1/0") for _ in range(6)]
    spans = read_spans(jobs)
    assert Counter(gpu for *_, gpu in spans) == {"GPU-4": 3, "MIG-GPU-7/1/0": 3}


def test_gpus_are_visible_as_before_after_the_job(tmp_path, monkeypatch):
    for visible in ("4,5", " 4, 5,", "", None):
        if visible is None:
            monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
        else:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        with slots.hold_slot(1, io.StringIO(), ["4", "5"], tmp_path) as gpu:
            assert gpu == os.environ["CUDA_VISIBLE_DEVICES"] == "4"
        assert os.environ.get("CUDA_VISIBLE_DEVICES") == visible


def test_users_of_one_machine_have_separate_slots(monkeypatch, tmp_path):
    """A user who cannot write to another's folder would wait forever."""
    folders = set()
    for user in (os.getuid(), os.getuid() + 1):
        monkeypatch.setattr(os, "getuid", lambda user=user: user)
        with suppress(ForeignFolderError):  # its owner is this test's user
            folders.add(make_node_folder("gpu-slots", tmp_path))
    assert len(list(tmp_path.iterdir())) == 2
    assert len(folders) == 1


def test_two_slurm_jobs_on_one_node_do_not_wait_for_each_other(monkeypatch, tmp_path):
    """Both may number their GPUs from 0."""
    folders = set()
    for number in ("", "17", "18"):
        monkeypatch.setenv("SLURM_JOB_ID", number)
        folders.add(make_node_folder("gpu-slots", tmp_path))
    assert len(folders) == 3


TWO_GPUS = GpuPlan(devices=("GPU-1", "GPU-2"), models=("A", "A"), slots=2, uses_mps=True)
SHARING_JOB = """
import os, sys
from ganbench.jobs.gpus import mps, slots
from ganbench.jobs.gpus.gpu_plan import GpuPlan
slots.POLL_SECONDS = 0.05
mps.CLIENT, mps.SITE_FOLDER = ("true",), mps.Path("/nowhere")
plan = GpuPlan(devices=("GPU-1", "GPU-2"), models=("A", "A"), slots=2, uses_mps=True)
with slots.hold_gpu(plan, sys.stderr) as gpu:
    print(gpu, os.environ["CUDA_MPS_PIPE_DIRECTORY"], flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def stand_in():
    base = Path(tempfile.mkdtemp(dir="/tmp"))
    program = StandIn(base / "mps")
    yield program
    program.end()
    shutil.rmtree(base)


def start_sharing(stand_in):
    return subprocess.Popen(
        [sys.executable, "-c", SHARING_JOB],
        env={**os.environ, **stand_in.environment(), "PYTHONPATH": str(SCRIPTS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_eight_jobs_share_two_gpus_under_one_mps_two_on_each(stand_in):
    jobs = [start_sharing(stand_in) for _ in range(8)]
    wait_for(lambda: sum(map(select_ready, jobs)) == 4)
    first = [job for job in jobs if select_ready(job)]
    lines = [job.stdout.readline().split() for job in first]
    assert Counter(gpu for gpu, _ in lines) == {"GPU-1": 2, "GPU-2": 2}
    assert len({folder for _, folder in lines}) == 1
    rest = [job for job in jobs if job not in first]
    for job in first:
        job.communicate("\n")
    lines = [job.stdout.readline().split() for job in rest]
    assert Counter(gpu for gpu, _ in lines) == {"GPU-1": 2, "GPU-2": 2}
    assert stand_in.calls() == ["start"]
    assert stand_in.devices() == ["GPU-1,GPU-2"]
    for job in rest:
        job.communicate("\n")
    wait_for(lambda: stand_in.calls() == ["start", "quit"])


def select_ready(job):
    """Whether a job has written a line that was not read yet."""
    return bool(select.select([job.stdout], [], [], 0)[0])


@pytest.mark.parametrize(("is_shared", "count"), [(True, 2), (False, 1)])
def test_gpu_has_the_slots_of_the_plan_with_or_without_mps(is_shared, count, monkeypatch):
    asked = []

    def hold_slot(per_gpu, log, devices):
        asked.append((per_gpu, devices))
        return nullcontext("GPU-1")

    monkeypatch.setattr(slots.mps, "use_mps", lambda devices, log: nullcontext(is_shared))
    monkeypatch.setattr(slots, "hold_slot", hold_slot)
    with slots.hold_gpu(TWO_GPUS, io.StringIO()):
        assert asked == [(count, TWO_GPUS.devices)]


def test_job_that_asked_for_a_gpu_in_vain_says_so_in_its_log_and_its_record(monkeypatch):
    log = io.StringIO()
    plan = GpuPlan(problem="driver 470: The NVIDIA driver on your system is too old")
    cpu = torch.device("cpu")
    assert devices.describe_device(cpu) == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with slots.hold_gpu(plan, log) as gpu:
        assert gpu is None
        assert devices.choose_device("auto") == cpu
        assert devices.describe_device(cpu) == "cpu, although the job asked for a GPU"
    assert log.getvalue() == (
        "this job asked for a GPU, and there is none: "
        "driver 470: The NVIDIA driver on your system is too old\n"
    )
    assert devices.describe_device(cpu) == "cpu"


def test_run_that_asked_for_a_gpu_in_vain_says_so_in_its_record(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    folder = RunFolder(tmp_path, resolve_run(steps=2, device="auto"))
    with slots.hold_gpu(GpuPlan(problem="no NVIDIA driver is installed"), folder.log):
        folder.train()
    assert folder.run()["device"] == "cpu, although the job asked for a GPU"
    assert "there is none: no NVIDIA driver is installed" in folder.log.getvalue()


def test_job_that_holds_a_gpu_never_computes_on_the_cpu(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "init", raise_no_device)
    plan = GpuPlan(devices=("GPU-1",), models=("A",))
    with slots.hold_gpu(plan, io.StringIO()):
        with pytest.raises(
            devices.MissingGpuError, match="torch finds none: No CUDA GPUs are avail"
        ):
            devices.choose_device("auto")
        assert devices.choose_device("cpu") == torch.device("cpu")
    assert devices.choose_device("auto") == torch.device("cpu")


def raise_no_device():
    raise RuntimeError("No CUDA GPUs are available")

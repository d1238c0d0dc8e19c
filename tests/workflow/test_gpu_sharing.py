"""Snakemake on a machine with GPUs, which a stand-in has: how many jobs share one, and MPS.

The jobs hold slots and use MPS as they would there, but compute on the CPU.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml
from mps_example import StandIn, wait_for
from project import ROOT, tiny_study

MACHINE = f"""
import sys
sys.path.insert(0, {str(ROOT / "workflow/scripts")!r})
from pathlib import Path
from ganbench.jobs.gpus import cards, gpu_plan, mps, slots
card = cards.Card("GPU-1", "NVIDIA H200", 140 * 2**30)
gpu_plan.find_cards = lambda: cards.Cards((card,))
slots.has_gpu = lambda: False  # or the jobs would miss it
mps.CLIENT, mps.SITE_FOLDER = ("true",), Path("/nowhere")
"""
STUDY = tiny_study(seeds=1)
STUDY["training"] = {**STUDY["training"], "steps": 10}


@pytest.fixture
def machine():
    """A machine with one GPU and MPS, as folder and stand-in."""
    base = Path(tempfile.mkdtemp(dir="/tmp"))
    (base / "python").mkdir()
    (base / "python/sitecustomize.py").write_text(MACHINE)
    (base / "study.yaml").write_text(yaml.safe_dump(STUDY))
    program = StandIn(base / "mps")
    yield program
    program.end()
    shutil.rmtree(base)


def start(machine: StandIn, *arguments: str) -> subprocess.Popen:
    base = machine.folder.parent
    environment = {**os.environ, **machine.environment(), "PYTHONPATH": str(base / "python")}
    environment.pop("CUDA_VISIBLE_DEVICES", None)
    study = ("--snakefile", str(ROOT / "Snakefile"), "--configfile", "study.yaml")
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", *arguments, "-p", "--cores", "2", *study],
        cwd=base,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen) -> str:
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return output


def list_jobs_at_once(output: str) -> set[int]:
    """How many jobs Snakemake started together, each time it did."""
    lines = [line for line in output.splitlines() if line.startswith("Execute ")]
    return {int(line.split()[1]) for line in lines}


def test_two_cores_share_the_gpu_under_mps_which_ends_with_the_study(machine):
    output = finish(start(machine, "--until", "train"))
    assert "device: auto → 1 × NVIDIA H200, 2 jobs share it under MPS\n" in output
    assert max(list_jobs_at_once(output)) == 2
    assert machine.devices() == ["GPU-1"]
    wait_for(lambda: machine.calls() == ["start", "quit"])
    slots = machine.temporary.glob("ganbench-gpu-slots-*/*")
    assert {file.name for file in slots} == {"gpuGPU-1.slot0", "gpuGPU-1.slot1"}
    logs = "".join(file.read_text() for file in machine.folder.parent.glob("**/train/*.log"))
    assert "waiting for a free GPU slot" not in logs


def test_refused_mps_is_one_line_and_jobs_take_turns(machine):
    machine.refuse("mkfifo: Permission denied")
    output = finish(start(machine, "--until", "train"))
    assert output.count("MPS does not work here") == 1
    assert "one job at a time (MPS does not work here: nvidia-cuda-mps-control did not" in output
    assert list_jobs_at_once(output) == {1}
    logs = "".join(file.read_text() for file in machine.folder.parent.glob("**/train/*.log"))
    assert "waiting for a free GPU slot" not in logs
    assert machine.calls() == []


def test_killed_study_leaves_no_mps(machine):
    process = start(machine)
    wait_for(lambda: list(machine.folder.parent.glob("results/tiny/logs/*/*.log")), seconds=120)
    assert machine.calls() == ["start"]
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    wait_for(lambda: machine.calls() == ["start", "quit"])


def test_dry_run_starts_no_mps_and_a_given_number_counts(machine):
    output = finish(start(machine, "--dry-run", "--config", "gpu_slots=3"))
    assert "device: auto → 1 × NVIDIA H200, 3 jobs share it under MPS\n" in output
    output = finish(start(machine, "--dry-run", "--config", "training={device: cpu}"))
    assert "NVIDIA" not in output
    assert machine.calls() == []


def test_given_resource_limits_jobs_whatever_the_slots(machine):
    output = finish(start(machine, "prepare", "--resources", "gpu=1"))
    assert "2 jobs share it under MPS" in output
    assert re.search(r"Provided resources: gpu=\D*1\b", output)

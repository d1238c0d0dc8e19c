"""Which GPUs a machine has for jobs and how many share one, from what driver and torch answer."""

import ctypes
import dataclasses
import json
import os
import sys
from types import SimpleNamespace

import pytest
import torch
from ganbench.jobs.gpus import cards, gpu_plan, nvml, torch_probe
from ganbench.jobs.gpus.cards import Card, Cards, find_cards
from ganbench.jobs.job import find_gpu_plan
from ganbench.jobs.programs import run_program

GIB = 2**30
H200 = {"name": "NVIDIA H200", "uuid": "GPU-a", "memory": 140 * GIB, "problem": ""}
T4 = {"name": "Tesla T4", "uuid": "GPU-b", "memory": 15 * GIB, "problem": ""}
OLD = "The NVIDIA driver on your system is too old (found version 11040)."


class StandInNvml:
    """NVML of a machine with two GPUs, by NVML's own calling convention."""

    uuids, names = (b"GPU-a", b"GPU-b"), (b"NVIDIA H200", b"Tesla T4")

    def __init__(self, status=0, version=b"580.65"):
        self.status, self.version, self.open = status, version, 0
        self.nvmlErrorString = lambda code: b"Driver/library version mismatch"

    def nvmlInit_v2(self):
        self.open += self.status == 0
        return self.status

    def nvmlShutdown(self):
        self.open -= 1

    def nvmlSystemGetDriverVersion(self, text, length):
        text.value = self.version
        return 0

    def nvmlDeviceGetCount_v2(self, count):
        count._obj.value = len(self.uuids)
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, number, card):
        card._obj.value = number.value + 1
        return 0

    def nvmlDeviceGetMemoryInfo(self, card, memory):
        memory._obj.total, memory._obj.free = 141 * GIB, 100 * GIB
        return 0

    def nvmlDeviceGetUUID(self, card, text, length):
        text.value = self.uuids[card.value - 1]
        return 0

    def nvmlDeviceGetName(self, card, text, length):
        text.value = self.names[card.value - 1]
        return 0


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Sets what NVML and torch answer; returns how often torch was asked."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in cards.CUDA_SETTINGS:
        monkeypatch.delenv(name, raising=False)

    def set_answers(*gpus, problem="", library=None):
        library = library or StandInNvml()
        monkeypatch.setattr(
            nvml, "load_library", lambda *names: library if "libnvidia" in names[0] else object()
        )
        answer = json.dumps({"cards": gpus, "problem": problem})
        counted = f"open({str(tmp_path / 'asked')!r}, 'a').write('x'); print({answer!r})"
        monkeypatch.setattr(cards, "PROBE", (sys.executable, "-c", counted))

    set_answers.count = lambda: len((tmp_path / "asked").read_text())
    return set_answers


def test_driver_is_read_with_its_gpus_and_closed_again(machine):
    library = StandInNvml()
    machine(library=library)
    first, second = nvml.read_driver().cards
    assert first == nvml.DriverCard("GPU-a", "NVIDIA H200", 141 * GIB, 100 * GIB)
    assert second.uuid == "GPU-b"
    assert library.open == 0


def test_driver_that_refuses_says_why(machine):
    """After an update of the driver without a restart, for one."""
    machine(library=StandInNvml(status=18))
    assert nvml.read_driver().problem == "NVML: Driver/library version mismatch"


def test_driver_without_a_function_is_no_crash(machine, monkeypatch):
    monkeypatch.delattr(StandInNvml, "nvmlDeviceGetUUID")
    machine(library=StandInNvml())
    assert "nvmlDeviceGetUUID" in nvml.read_driver().problem


def test_library_of_the_system_is_loaded_and_a_missing_one_is_none():
    assert isinstance(nvml.load_library("libmissing.so.1", "libc.so.6"), ctypes.CDLL)
    assert nvml.load_library("libmissing.so.1") is None


def test_gpus_have_names_that_depend_on_no_order_and_their_free_memory(machine):
    machine(H200, T4)
    expected = (Card("GPU-a", "NVIDIA H200", 100 * GIB), Card("GPU-b", "Tesla T4", 100 * GIB))
    assert find_cards() == Cards(expected)


def test_numbers_of_a_scheduler_become_names_and_parts_of_a_gpu_keep_theirs(machine, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4, MIG-7/1/0")
    machine(H200, T4)
    assert [card.device for card in find_cards().cards] == ["GPU-a", "MIG-7/1/0"]


@pytest.mark.parametrize("visible", ["", "-1", "-1,0", "NoDevFiles", " , "])
def test_hidden_gpus_are_no_gpus(machine, monkeypatch, visible):
    machine(H200)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert find_cards() == Cards(problem=f'CUDA_VISIBLE_DEVICES="{visible}" hides every GPU')


def test_machine_without_a_driver_is_known_without_asking_torch(machine, monkeypatch):
    machine(H200)
    monkeypatch.setattr(nvml, "load_library", lambda *names: None)
    assert find_cards() == Cards(problem="no NVIDIA driver is installed")
    with pytest.raises(FileNotFoundError):
        machine.count()


def test_old_driver_is_named_with_the_reason_of_torch(machine):
    machine(problem=OLD, library=StandInNvml(version=b"470.57"))
    assert find_cards() == Cards(problem=f"driver 470.57: {OLD}")


def test_gpu_without_kernels_is_left_out_and_the_other_is_used(machine):
    machine(T4 | {"problem": "CUDA error: no kernel image is available"}, H200)
    answer = find_cards()
    assert [card.device for card in answer.cards] == ["GPU-a"]
    assert answer.problem == ("torch cannot use Tesla T4: CUDA error: no kernel image is available")


def test_container_without_nvml_has_gpus_with_all_their_memory(machine, monkeypatch):
    machine(H200)
    monkeypatch.setattr(
        nvml, "load_library", lambda *names: None if "libnvidia" in names[0] else object()
    )
    assert find_cards() == Cards((Card("GPU-a", "NVIDIA H200", 140 * GIB),))


def test_torch_is_asked_once_until_something_changes(machine, monkeypatch):
    machine(H200)
    assert find_cards() == find_cards()
    assert machine.count() == 1
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    find_cards()
    machine(problem=OLD, library=StandInNvml(version=b"470.57"))
    assert find_cards().cards == ()
    assert machine.count() == 3


def test_full_gpu_is_asked_again(machine):
    machine(H200 | {"problem": "CUDA out of memory. Tried to allocate 2 MiB"})
    assert find_cards().cards == ()
    machine(H200)
    assert len(find_cards().cards) == 1


def test_damaged_answer_is_asked_for_again(machine, tmp_path):
    machine(H200)
    find_cards()
    (file,) = tmp_path.glob("ganbench-gpus-*/*.json")
    file.write_text('{"cards": [')
    assert len(find_cards().cards) == 1
    assert machine.count() == 2


def test_torch_that_ends_without_an_answer_is_a_reason(machine, monkeypatch):
    machine()
    monkeypatch.setattr(cards, "PROBE", (sys.executable, "-c", "raise SystemExit('Bus error')"))
    assert find_cards() == Cards(problem="driver 580.65: asking torch for GPUs failed: Bus error")


def test_jobs_with_an_environment_of_their_own_use_the_gpus_of_the_driver(machine, monkeypatch):
    machine()
    failing = "raise SystemExit(\"ModuleNotFoundError: No module named 'torch'\")"
    monkeypatch.setattr(cards, "PROBE", (sys.executable, "-c", failing))
    assert [card.device for card in find_cards().cards] == ["GPU-a", "GPU-b"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert find_cards() == Cards((Card("1", "GPU", 100 * GIB),))


@pytest.fixture
def plan(monkeypatch):
    """A plan for GPUs with so many GiB free, with MPS installed or not."""

    def make_plan(*memory, gpu_slots="auto", cores=16, program="/usr/bin/mps", device="GPU-"):
        gpus = [
            Card(f"{device}{number}", "NVIDIA H200", int(free * GIB))
            for number, free in enumerate(memory)
        ]
        found = Cards(tuple(gpus), "" if memory else "no NVIDIA driver is installed")
        monkeypatch.setattr(gpu_plan, "find_cards", lambda: found)
        monkeypatch.setattr(gpu_plan.shutil, "which", lambda name: program)
        monkeypatch.setattr(gpu_plan, "has_site_mps", lambda: False)
        return gpu_plan.plan_gpus(gpu_slots, cores)

    return make_plan


def test_cores_memory_and_what_is_useful_limit_the_jobs_of_a_gpu(plan):
    assert plan(140, cores=8).describe() == "1 × NVIDIA H200, 8 jobs share it under MPS"
    assert plan(140, cores=64).slots == 16
    assert plan(8, cores=16).slots == 3
    assert plan(1, cores=16).slots == 1
    assert plan(140, cores=1).slots == 1


def test_gpus_share_the_cores_and_the_fullest_one_decides(plan):
    text = "2 × NVIDIA H200, 8 jobs share each under MPS"
    assert plan(140, 140).describe() == text
    assert plan(140, 6.5).slots == 3


def test_without_mps_one_job_has_the_gpu_and_a_given_number_is_kept(plan):
    missing = "nvidia-cuda-mps-control is not installed, so there is no MPS"
    alone = plan(140, program=None)
    assert (alone.slots, alone.uses_mps) == (1, False)
    assert alone.describe() == f"1 × NVIDIA H200, one job at a time ({missing})"
    given = plan(140, program=None, gpu_slots=4)
    assert given.describe() == f"1 × NVIDIA H200, 4 jobs share it in time slices ({missing})"


def test_given_number_is_used_under_mps_whatever_cores_and_memory(plan):
    given = plan(1, gpu_slots=20, cores=2)
    assert (given.slots, given.slots_without_mps, given.uses_mps) == (20, 20, True)
    assert not plan(140, gpu_slots=1).uses_mps


def test_parts_of_a_gpu_are_not_shared(plan):
    part = plan(20, device="MIG-")
    assert part.slots == 1
    assert "MPS is started for whole GPUs with a UUID, found MIG-0" in part.describe()


def test_machine_without_a_gpu_says_why(plan):
    assert plan().describe() == "CPU: no NVIDIA driver is installed"


def test_job_that_asks_for_a_gpu_gets_the_plan_and_others_none(plan):
    made = plan(140, 140)
    execution = {"gpus": dataclasses.asdict(made)}
    job = SimpleNamespace(resources={"gpu": 1}, config={"execution": execution})
    assert find_gpu_plan(job) == made
    for resources in ({"gpu": 0}, {}):
        job.resources = resources
        assert find_gpu_plan(job) is None


def test_probe_computes_on_each_gpu_and_reports_those_that_cannot(monkeypatch):
    cuda, ones = torch.cuda, torch.ones
    answers = {"cuda:0": lambda: ones(8), "cuda:1": raise_old_card, "cuda:2": lambda: ones(7)}
    monkeypatch.setattr(cuda, "init", lambda: None)
    monkeypatch.setattr(cuda, "device_count", lambda: 3)
    facts = SimpleNamespace(name="A", total_memory=GIB, uuid="1-2")
    monkeypatch.setattr(cuda, "get_device_properties", lambda number: facts)
    monkeypatch.setattr(torch, "ones", lambda length, device: answers[device]())
    answer = torch_probe.probe_gpus()
    assert answer["cards"][0] == {"name": "A", "uuid": "GPU-1-2", "memory": GIB, "problem": ""}
    assert answer["cards"][1]["problem"] == "CUDA error: no kernel image is available"
    assert answer["cards"][2]["problem"] == "8 × 2 is 14.0 there"


def raise_old_card():
    raise RuntimeError("CUDA error: no kernel image is available\nCompile with …")


def test_probe_reports_why_cuda_does_not_start(monkeypatch):
    def refuse():
        raise RuntimeError(OLD)

    monkeypatch.setattr(torch.cuda, "init", refuse)
    assert torch_probe.probe_gpus() == {"cards": [], "problem": OLD}


def test_programs_run_in_processes_that_keep_no_pipe_and_no_terminal(tmp_path):
    """A daemon that a program leaves behind must not keep its caller waiting."""
    answer = run_program(["sh", "-c", "sleep 20 & cat; ps -o sid= -p $$"], dict(os.environ), "hi ")
    assert answer.succeeded
    words = answer.output.split()
    assert words[0] == "hi"
    assert int(words[1]) != os.getsid(0)
    slow = run_program(["sleep", "60"], dict(os.environ), seconds=0.1)
    assert (slow.succeeded, slow.reason) == (False, "sleep gave no answer within 0.1 s")

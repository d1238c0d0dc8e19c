"""A job's GPU opens while torch is imported. The driver here is a stand-in."""

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from ganbench.evaluation import warm_up
from ganbench.evaluation.warm_up import warming_up
from ganbench.jobs import job as jobs
from ganbench.jobs.gpus.gpu_plan import GpuPlan
from ganbench.jobs.gpus.gpu_start import DRIVER, open_gpu

CALLS = ["cuInit", "cuDeviceGet", "cuDevicePrimaryCtxRetain"]
GPU = torch.device("cuda")


class Driver:
    """Answers as CUDA's driver does: 0, or the code of an error from the call `failing` on."""

    def __init__(self, failing: str = "") -> None:
        self.failing, self.calls = failing, []
        self.visible = os.environ.get("CUDA_VISIBLE_DEVICES")

    def __getattr__(self, name: str):
        def call(*arguments: object) -> int:
            self.calls.append(name)
            if name == "cuDeviceGet":
                assert arguments[1] == 0
                arguments[0]._obj.value = 7
            if name == "cuDevicePrimaryCtxRetain":
                assert arguments[1].value == 7
            return 100 if name == self.failing else 0

        return call


def open_and_wait(driver: Driver) -> list[str]:
    names = []

    def load(name: str) -> Driver:
        names.append(name)
        return driver

    open_gpu(load).join()
    assert names == [DRIVER]
    return driver.calls


def test_context_that_torch_uses_is_opened(monkeypatch):
    monkeypatch.delenv("CUDA_MODULE_LOADING", raising=False)
    assert open_and_wait(Driver()) == CALLS
    assert os.environ["CUDA_MODULE_LOADING"] == "LAZY"


@pytest.mark.parametrize("failing", CALLS)
def test_nothing_more_is_asked_of_a_driver_that_fails(failing):
    assert open_and_wait(Driver(failing)) == CALLS[: CALLS.index(failing) + 1]


def test_machine_without_a_driver_goes_on(monkeypatch):
    failures = []
    monkeypatch.setattr(threading, "excepthook", failures.append)

    def load(name: str) -> ctypes.CDLL:
        raise OSError(f"{name}: cannot open shared object file")

    open_gpu(load).join()
    assert failures == []


@pytest.mark.parametrize("gpu", [None, "GPU-1"], ids=["no GPU", "GPU"])
def test_job_opens_the_gpu_that_it_holds_before_its_work(gpu, tmp_path, monkeypatch):
    events = []

    @contextmanager
    def hold_gpu(plan: GpuPlan, log: object) -> Iterator[str | None]:
        events.append("held")
        yield gpu
        events.append("released")

    monkeypatch.setattr(jobs.slots, "hold_gpu", hold_gpu)
    monkeypatch.setattr(jobs, "open_gpu", lambda: events.append("opened"))
    with jobs.job(str(tmp_path / "job.log"), plan=GpuPlan()):
        events.append("works")
    assert events == ["held", *(["opened"] if gpu else []), "works", "released"]


def test_job_that_asks_for_no_gpu_opens_none(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "open_gpu", lambda: pytest.fail("opens a GPU"))
    with jobs.job(str(tmp_path / "job.log")) as log:
        assert log.write("works") == 5


def test_libraries_are_loaded_while_files_are_read(monkeypatch):
    begun, files_read = threading.Event(), threading.Event()

    def use_libraries(device: torch.device) -> None:
        begun.set()
        assert files_read.wait(10)

    monkeypatch.setattr(warm_up, "use_libraries", use_libraries)
    with warming_up(GPU):
        assert begun.wait(10)
        files_read.set()


def test_failure_of_a_library_is_raised(monkeypatch):
    def fail(device: torch.device) -> None:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(warm_up, "use_libraries", fail)
    with pytest.raises(RuntimeError, match="out of memory"), warming_up(GPU):
        Path()


def test_cpu_has_nothing_to_load(monkeypatch):
    monkeypatch.setattr(warm_up, "use_libraries", lambda device: pytest.fail("loads libraries"))
    with warming_up(torch.device("cpu")):
        Path()


def test_what_is_computed_to_load_libraries_can_be_computed():
    warm_up.use_libraries(torch.device("cpu"))

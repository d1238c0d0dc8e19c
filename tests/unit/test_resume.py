"""A run that was cut short goes on to the same bits as one that was not."""

import io
import json
import math
import os
import re
import signal
import time
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from ganbench.jobs.progress import Progress
from ganbench.study import resolve as study
from ganbench.training import checkpoint, interrupts, loop
from ganbench.training.checkpoint import Checkpoints, RunInterrupted
from ganbench.training.loop import play, start_run, train
from ganbench.training.memory import MemoryExhausted
from ganbench.training.records import RunFiles
from project import tiny_study

PIXELS = torch.randint(0, 256, (60, 1, 8, 8), generator=torch.Generator().manual_seed(0)).byte()
SETTINGS = {
    "adam": {},
    "momentum": {"optimizer": {"name": "sgd", "lr": 0.01, "momentum": 0.9}},
    "clipped": {
        "optimizer": {"name": "rmsprop", "lr": 0.001},
        "discriminator_steps": 3,
        "regularizers": {"weight_clip": {"limit": 0.01}},
    },
    "batch norm": {"network": {"discriminator_norm": "batch"}},
    "spectral norm, lazy r1": {"regularizers": {"spectral_norm": {}, "r1": {"every": 4}}},
    "noise of a penalty": {"regularizers": {"gradient_penalty": {}}},
    "averaged": {"ema": 0.9},
    "bf16": {"precision": "bf16", "channels_last": True},
    "watched": {"stop": {"metric": "duality_gap", "patience": 4}, "snapshots": 8},
    "networks of Miyato et al.": {"regularizers": {"spectral_norm": {}}},
}


def resolved(**settings):
    regularizers = settings.pop("regularizers", {})
    variants = {"v": {"objective": "non_saturating", "regularizers": regularizers}}
    given = tiny_study(variants=variants)
    given["training"] = {**given["training"], **settings}
    given["training"]["network"] = {"width": 4, **settings.get("network", {"name": "dcgan"})}
    return deepcopy(study.resolve(given, "tiny")["runs"]["digits"]["v"])


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """A step of a busy machine may take seconds: the alarm would end these tests."""
    monkeypatch.setattr(interrupts, "GRACE", 600)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def end_at(monkeypatch):
    """Has this process ask itself to end during a step, as a scheduler would."""
    played = []

    def at(wanted, number=signal.SIGTERM):
        played[:] = played or [loop.adversarial_step]

        def step_then_signal(game, step):
            losses = played[0](game, step)
            if step == wanted:
                os.kill(os.getpid(), number)
            return losses

        monkeypatch.setattr(loop, "adversarial_step", step_then_signal)

    return at


class Folder:
    """Where one run trains, as often as it takes."""

    def __init__(self, path, parameters, images=PIXELS):
        path.mkdir()
        np.savez(path / "data.npz", train=images.numpy())
        self.path, self.parameters, self.log = path, parameters, io.StringIO()

    def train(self, *, interval=None, code="", **changes):
        names = ("snapshots.pt", "history.csv", "samples.png", "run.json")
        train(
            parameters={**self.parameters, **changes},
            dataset="digits",
            variant="v",
            seed=0,
            data_file=self.path / "data.npz",
            outputs=RunFiles(*(self.path / name for name in names)),
            log=self.log,
            log_interval=60.0,
            checkpoint_folder=self.path / "checkpoints",
            checkpoint_interval=interval,
            code=code,
        )

    def checkpoints(self):
        return sorted((self.path / "checkpoints").glob("*.checkpoint"), key=lambda f: len(f.name))

    def results(self):
        history = pd.read_csv(self.path / "history.csv").drop(columns="seconds")
        run = json.loads((self.path / "run.json").read_text())
        kept = {key: run[key] for key in ("status", "step", "reason", "generator_sha256")}
        files = [(self.path / name).read_bytes() for name in ("snapshots.pt", "samples.png")]
        return history.to_csv(), kept, files


def assert_equal(one, other, path="state"):
    assert type(one) is type(other), path
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other), path
    elif isinstance(one, dict):
        assert list(one) == list(other), path
        for key in one:
            if key != "seconds":
                assert_equal(one[key], other[key], f"{path}.{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), path
        for number, pair in enumerate(zip(one, other, strict=True)):
            assert_equal(*pair, f"{path}[{number}]")
    else:
        assert one == other, path


@pytest.mark.parametrize("name", SETTINGS)
def test_every_tensor_is_equal_after_k_steps_a_stop_and_k_more(tmp_path, end_at, name):
    parameters = resolved(steps=24, history_interval=5, **deepcopy(SETTINGS[name]))
    images = PIXELS
    if name == "networks of Miyato et al.":  # which are for larger images
        parameters["network"]["name"] = "sngan_resnet"
        images = torch.nn.functional.interpolate(PIXELS.float(), size=32).byte()
    log = io.StringIO()

    def played():
        run = start_run(parameters, "digits", 0, images)
        checkpoints = Checkpoints(tmp_path / "checkpoints", None, log)
        with checkpoints.of({}):
            checkpoints.resume(run)
            resumed_after = run.step
            play(run, parameters, Progress("", 24, log, 60.0), checkpoints)
        states = run.state()
        for row in states["record"]["history"]:
            row[4] = 0.0  # seconds
        return resumed_after, states

    begun, straight = played()
    assert begun == 0
    end_at(12)
    with pytest.raises(RunInterrupted, match="SIGTERM: the run ended after step 12; its state is"):
        played()
    begun, resumed = played()
    assert begun == 12
    assert_equal(straight, resumed)


def test_loss_that_was_not_finite_before_the_stop_is_not_forgotten(tmp_path, monkeypatch, end_at):
    """Step 21 has a loss of no number, 22 is stopped at, and history first looks at 24."""
    run = Folder(tmp_path / "run", resolved(steps=40, history_interval=24))
    played = loop.adversarial_step

    def bad(game, step):
        losses = played(game, step)
        return replace(losses, generator=losses.generator * math.nan) if step == 21 else losses

    monkeypatch.setattr(loop, "adversarial_step", bad)
    end_at(22)
    with pytest.raises(RunInterrupted):
        run.train()
    end_at(None)
    run.train()
    _, found, _ = run.results()
    assert (found["status"], found["step"]) == ("diverged", 21)
    assert found["reason"] == "non-finite generator loss"


def test_run_that_was_stopped_again_and_again_leaves_the_same_files(tmp_path, monkeypatch, end_at):
    parameters = resolved(ema=0.9, history_interval=7)
    straight, stopped = (Folder(tmp_path / name, parameters) for name in ("straight", "stopped"))
    straight.train()
    for step in (1, 20, 21, 39):  # the first step, a snapshot, one after it, one before the end
        end_at(step)
        with pytest.raises(RunInterrupted):
            stopped.train(interval=6)
    monkeypatch.undo()
    stopped.train(interval=1000)
    assert stopped.results() == straight.results()
    assert re.findall(r"goes on after step (\d+)", stopped.log.getvalue()) == [
        "1",
        "20",
        "21",
        "39",
    ]
    assert not (stopped.path / "checkpoints").exists()
    seconds = pd.read_csv(stopped.path / "history.csv").seconds
    assert seconds.is_monotonic_increasing


@pytest.mark.parametrize("interval", [None, 1, 7])
def test_the_interval_of_checkpoints_changes_no_bit(tmp_path, monkeypatch, interval):
    if interval is None:
        monkeypatch.setattr(checkpoint, "PAUSE", 0.0)
    parameters = resolved()
    plain, saving = (Folder(tmp_path / name, parameters) for name in ("plain", "saving"))
    plain.train(interval=1000)
    saving.train(interval=interval)
    assert saving.results() == plain.results()


def test_damaged_state_is_passed_over_for_the_one_before_and_then_for_the_start(tmp_path, end_at):
    straight = Folder(tmp_path / "straight", resolved())
    straight.train()
    for damaged, begins in ((0, 25), (1, 20), (2, None)):
        run = Folder(tmp_path / f"damaged {damaged}", resolved())
        end_at(25)
        with pytest.raises(RunInterrupted):
            run.train(interval=10)
        found = run.checkpoints()
        assert len(found) == 2
        for number, file in enumerate(found[:damaged]):
            content = bytearray(file.read_bytes())
            if number:
                file.write_bytes(content[: len(content) // 2])
            else:
                content[len(content) // 2] ^= 1
                file.write_bytes(content)
        end_at(None)
        run.train()
        assert run.results() == straight.results()
        log = run.log.getvalue()
        assert log.count("is damaged and passed over") == damaged
        assert re.findall(r"goes on after step (\d+)", log) == ([str(begins)] if begins else [])


@pytest.mark.parametrize("changed", ["parameters", "data", "code", "library", "processor"])
def test_nothing_that_decides_the_bits_may_change_between_stop_and_start(
    tmp_path, monkeypatch, end_at, changed
):
    run = Folder(tmp_path / "run", resolved())
    end_at(25)
    with pytest.raises(RunInterrupted):
        run.train()
    end_at(None)
    given = {"parameters": {"batch_size": 17}, "code": {"code": "another"}}.get(changed, {})
    if changed == "data":
        np.savez(run.path / "data.npz", train=PIXELS.flip(0).numpy())
    if changed == "library":
        monkeypatch.setattr(loop.provenance, "versions", lambda: {"torch": "another"})
    if changed == "processor":
        monkeypatch.setattr(loop.provenance, "machine", lambda: {"processor": "another"})
    run.train(**given)
    assert "goes on" not in run.log.getvalue()
    assert not (run.path / "checkpoints").exists()  # nor is the old state kept for ever


def test_state_that_cannot_be_saved_is_said_and_the_run_goes_on(tmp_path, monkeypatch, end_at):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    straight, run = (Folder(tmp_path / name, resolved()) for name in ("straight", "run"))
    straight.train()
    monkeypatch.setattr(checkpoint.os, "fsync", full)
    end_at(25)
    with pytest.raises(RunInterrupted, match=r"^SIGTERM: the run ended after step 25$"):
        run.train(interval=10)
    assert run.log.getvalue().count("could not be saved: [Errno 28] No space left on device") == 3
    assert list((run.path / "checkpoints").iterdir()) == [run.path / "checkpoints/lock"]
    monkeypatch.undo()
    run.train()
    assert run.results() == straight.results()


def test_ctrl_c_saves_too_and_handlers_are_put_back(tmp_path, end_at):
    run = Folder(tmp_path / "run", resolved())
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    end_at(3, signal.SIGINT)
    with pytest.raises(RunInterrupted, match="SIGINT: the run ended after step 3; its state"):
        run.train()
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before
    assert signal.alarm(0) == 0


def test_step_that_takes_longer_than_the_grace_is_cut_short(tmp_path, monkeypatch):
    """A signal during a long step: the process is gone when the time is up, saved or not."""
    monkeypatch.setattr(interrupts, "GRACE", 1)
    child = os.fork()
    if child == 0:
        with interrupts.Interrupts(io.StringIO()) as signals:
            signals.patient = True
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(30)
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGALRM


class TestMemory:
    """Memory that is exhausted at a step, once or always."""

    @pytest.fixture
    def exhausted(self, monkeypatch):
        played = loop.adversarial_step

        def at(wanted, times, error):
            left = [times]

            def step(game, number):
                if number == wanted and left[0]:
                    left[0] -= 1
                    raise error
                return played(game, number)

            monkeypatch.setattr(loop, "adversarial_step", step)

        return at

    @pytest.mark.parametrize(
        "error",
        [
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 TB"),
        ],
    )
    def test_once_is_tried_again_to_the_same_bits(self, tmp_path, exhausted, error):
        straight, run = (Folder(tmp_path / name, resolved()) for name in ("straight", "run"))
        straight.train()
        exhausted(25, 1, error)
        run.train(interval=10)
        assert run.results() == straight.results()
        assert "trying once more" in run.log.getvalue()
        assert "goes on after step 20" in run.log.getvalue()

    def test_twice_is_an_error_with_batch_size_and_no_divergence(self, tmp_path, exhausted):
        run = Folder(tmp_path / "run", resolved())
        exhausted(25, 2, torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."))
        with pytest.raises(MemoryExhausted, match=r"training\.batch_size 16: CUDA out of memory"):
            run.train()
        assert not (run.path / "run.json").exists()

    def test_another_error_is_not_taken_for_it(self, tmp_path, exhausted):
        run = Folder(tmp_path / "run", resolved())
        exhausted(25, 1, RuntimeError("something else"))
        with pytest.raises(RuntimeError, match="something else"):
            run.train()


def test_signal_before_the_first_step_ends_the_run_at_once(tmp_path, monkeypatch):
    def begun(*_):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)

    run = Folder(tmp_path / "run", resolved())
    monkeypatch.setattr(loop, "start_run", begun)
    started = time.monotonic()
    with pytest.raises(RunInterrupted, match="SIGTERM: the run ended before its next step"):
        run.train()
    assert time.monotonic() - started < 25
    monkeypatch.undo()
    run.train()
    assert "goes on" not in run.log.getvalue()

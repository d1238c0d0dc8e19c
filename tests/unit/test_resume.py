"""An interrupted run resumes and ends with the same bits as one that was not interrupted."""

import io
import math
import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from ganbench.duality_gap import AdversaryBudget
from ganbench.jobs.progress import Progress
from ganbench.training import checkpoint, loop, stopping
from ganbench.training import run as module
from ganbench.training.checkpoint import Checkpoints, RunInterrupted
from ganbench.training.loop import play, start_run
from training_example import (
    PIXELS,
    SETTINGS,
    RunFolder,
    resolve_run,
    resolve_setting,
    signal_during,
)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def assert_equal(one: object, other: object, path: str = "state") -> None:
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


@pytest.mark.promise("resume-exact")
@pytest.mark.parametrize("name", SETTINGS)
def test_every_tensor_is_equal_after_k_steps_a_stop_and_k_more(tmp_path, monkeypatch, name):
    monkeypatch.setattr(
        stopping, "STOPPING_BUDGET", AdversaryBudget(steps=3, batch_size=8, samples=20)
    )
    parameters, images = resolve_setting(name, steps=24, history_interval=5)
    log = io.StringIO()

    def resume_and_play() -> tuple[int, dict]:
        """The step after which the run resumed, and its state at the end."""
        run = start_run(parameters, "digits", 0, images)
        checkpoints = Checkpoints(tmp_path / "checkpoints", None, log)
        with checkpoints.open({}):
            checkpoints.resume(run)
            resumed_after = run.step
            play(run, parameters, Progress("", 24, log, 60.0), checkpoints)
        state = run.state()
        for row in state["record"]["history"]:
            row[4] = 0.0  # seconds
        return resumed_after, state

    resumed_after, uninterrupted = resume_and_play()
    assert resumed_after == 0
    with (
        signal_during(12),
        pytest.raises(RunInterrupted, match="after step 12; its state is saved"),
    ):
        resume_and_play()
    resumed_after, resumed = resume_and_play()
    assert resumed_after == 12
    assert_equal(uninterrupted, resumed)


@pytest.mark.promise("resume-exact")
def test_best_value_of_early_stopping_and_the_patience_used_up_are_restored():
    parameters, images = resolve_setting("early stopping")
    run, resumed = (start_run(parameters, "digits", 0, images) for _ in range(2))
    run.stopping.best, run.stopping.best_step, run.stopping.waited = 0.5, 30, 2
    resumed.restore(run.state())
    stopping_state = resumed.stopping
    assert (stopping_state.best, stopping_state.best_step, stopping_state.waited) == (0.5, 30, 2)


@pytest.mark.promise("resume-exact")
def test_run_that_was_stopped_several_times_leaves_the_same_files(tmp_path):
    parameters = resolve_run(ema=0.9, history_interval=7)
    straight, stopped = (RunFolder(tmp_path / name, parameters) for name in ("straight", "stopped"))
    straight.train()
    stops = (1, 20, 21, 39)  # the first step, a snapshot, one after it, one before the end
    for step in stops:
        with signal_during(step), pytest.raises(RunInterrupted):
            stopped.train(interval=6)
    stopped.train(interval=1000)
    assert stopped.results() == straight.results()
    resumed_after = re.findall(r"resumed after step (\d+)", stopped.log.getvalue())
    assert resumed_after == [str(step) for step in stops]
    assert not (stopped.path / "checkpoints").exists()
    assert pd.read_csv(stopped.path / "history.csv").seconds.is_monotonic_increasing


@pytest.mark.promise("divergence-survives-stop")
def test_non_finite_loss_before_a_stop_is_not_forgotten(tmp_path, monkeypatch):
    """The loss is NaN at step 21, the run stops at 22, and the history first checks at 24."""
    folder = RunFolder(tmp_path, resolve_run(steps=40, history_interval=24))
    original = module.adversarial_step

    def step_with_nan(game, step):
        losses = original(game, step)
        return replace(losses, generator=losses.generator * math.nan) if step == 21 else losses

    monkeypatch.setattr(module, "adversarial_step", step_with_nan)
    with signal_during(22), pytest.raises(RunInterrupted):
        folder.train()
    folder.train()
    run = folder.run()
    assert (run["status"], run["step"]) == ("diverged", 21)
    assert run["reason"] == "non-finite generator loss"


@pytest.mark.promise("checkpoint-interval")
@pytest.mark.parametrize("interval", [None, 1, 7])
def test_checkpoint_interval_changes_no_bit(tmp_path, monkeypatch, interval):
    if interval is None:
        monkeypatch.setattr(checkpoint, "SHORTEST_PAUSE", 0.0)
    plain, saving = (RunFolder(tmp_path / name, resolve_run()) for name in ("plain", "saving"))
    plain.train(interval=1000)
    saving.train(interval=interval)
    assert saving.results() == plain.results()


@pytest.mark.promise("damaged-state")
def test_damaged_checkpoint_is_skipped_for_the_previous_and_then_for_the_start(tmp_path):
    parameters = resolve_run()
    straight = RunFolder(tmp_path / "straight", parameters)
    straight.train()
    for damaged, resumed_after in ((0, ["25"]), (1, ["20"]), (2, [])):
        folder = RunFolder(tmp_path / f"damaged {damaged}", parameters)
        with signal_during(25), pytest.raises(RunInterrupted):
            folder.train(interval=10)
        newest, previous = (bytearray(file.read_bytes()) for file in folder.checkpoints())
        newest[len(newest) // 2] ^= 1
        broken = [newest, previous[: len(previous) // 2]]
        for file, content in list(zip(folder.checkpoints(), broken, strict=True))[:damaged]:
            file.write_bytes(content)
        folder.train()
        assert folder.results() == straight.results()
        log = folder.log.getvalue()
        assert len(re.findall(r"skipped .*checkpoint, which is damaged", log)) == damaged
        assert re.findall(r"resumed after step (\d+)", log) == resumed_after


@pytest.mark.promise("foreign-state")
@pytest.mark.parametrize("changed", ["parameters", "data", "code", "library", "processor"])
def test_run_does_not_resume_if_anything_that_decides_its_bits_changed(
    tmp_path, monkeypatch, changed
):
    folder = RunFolder(tmp_path, resolve_run())
    with signal_during(25), pytest.raises(RunInterrupted):
        folder.train()
    changes = {"parameters": {"batch_size": 17}, "code": {"code": "another"}}.get(changed, {})
    if changed == "data":
        np.savez(folder.path / "data.npz", train=PIXELS.flip(0).numpy())
    if changed == "library":
        monkeypatch.setattr(loop.provenance, "list_versions", lambda: {"torch": "another"})
    if changed == "processor":
        cpuinfo = tmp_path / "cpuinfo"
        text = loop.provenance.CPUINFO.read_text(encoding="utf-8")
        cpuinfo.write_text(text.replace(" avx", " no"), encoding="utf-8")
        monkeypatch.setattr(loop.provenance, "CPUINFO", cpuinfo)
    folder.train(**changes)
    assert "resumed" not in folder.log.getvalue()
    assert not (folder.path / "checkpoints").exists()  # the old checkpoint is removed too


@pytest.mark.promise("state-not-saved")
def test_state_that_cannot_be_saved_is_reported_and_the_run_goes_on(tmp_path):
    def fail(_descriptor):
        raise OSError(28, "No space left on device")

    straight, folder = (RunFolder(tmp_path / name, resolve_run()) for name in ("straight", "full"))
    straight.train()
    with pytest.MonkeyPatch.context() as full_disk:
        full_disk.setattr(checkpoint.os, "fsync", fail)
        with signal_during(25), pytest.raises(RunInterrupted, match=r"stopped after step 25$"):
            folder.train(interval=10)
    failures = re.findall(
        r"could not save the state after step (\d+): .* No space left", folder.log.getvalue()
    )
    assert failures == ["10", "20", "25"]
    assert list((folder.path / "checkpoints").iterdir()) == [folder.path / "checkpoints/lock"]
    folder.train()
    assert folder.results() == straight.results()


@pytest.mark.parametrize("left", ["", ".nfs0001"])
def test_run_ends_where_a_file_stays_in_the_folder_of_its_checkpoints(tmp_path, left):
    """NFS renames a file that is open when it is removed, and removes it when it is closed."""
    folder = tmp_path / "state"
    with Checkpoints(folder, None, io.StringIO()).open({"run": 1}):
        if left:
            (folder / left).touch()
    assert folder.exists() == bool(left)
    assert not (folder / "lock").exists()

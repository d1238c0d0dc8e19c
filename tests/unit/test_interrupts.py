"""SIGTERM and Ctrl-C end a run soon, with its state saved if there is any."""

import io
import os
import signal
import time

import pytest
from ganbench.training import interrupts, loop
from ganbench.training.interrupts import RunInterrupted
from training_example import RunFolder, resolve_run, signal_during

pytestmark = pytest.mark.promise("signals-save")


def test_ctrl_c_saves_the_state_and_signal_handlers_are_restored(tmp_path):
    folder = RunFolder(tmp_path, resolve_run())
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with (
        signal_during(3, signal.SIGINT),
        pytest.raises(RunInterrupted, match="SIGINT: the run stopped after step 3; its state is"),
    ):
        folder.train()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert signal.alarm(0) == 0


def test_step_that_takes_longer_than_the_grace_is_cut_short(monkeypatch):
    """A signal during a long step: the process ends when the time is up, saved or not."""
    monkeypatch.setattr(interrupts, "GRACE", 1)
    child = os.fork()
    if child == 0:
        with interrupts.Interrupts(io.StringIO()) as received:
            received.patient = True
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(30)
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGALRM


def test_signal_before_the_first_step_ends_the_run_at_once(tmp_path, monkeypatch):
    def signal_then_sleep(*_):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)

    folder = RunFolder(tmp_path, resolve_run())
    monkeypatch.setattr(loop, "start_run", signal_then_sleep)
    started = time.monotonic()
    with pytest.raises(RunInterrupted, match="SIGTERM: the run stopped before its next step"):
        folder.train()
    assert time.monotonic() - started < 25
    monkeypatch.undo()
    folder.train()
    assert "resumed" not in folder.log.getvalue()

"""One process trains a run: a later one sends SIGTERM to the process that still trains it."""

import io
import os
import signal
import time

import pytest
from ganbench.jobs import locks

pytestmark = pytest.mark.promise("one-process-per-run")


def test_former_holder_is_sent_sigterm(tmp_path):
    file, ready = tmp_path / "lock", tmp_path / "ready"
    child = os.fork()
    if child == 0:
        locks.take_over(file, io.StringIO())
        ready.touch()
        signal.sigwait([signal.SIGTERM])
        os._exit(7)
    while not ready.exists():
        time.sleep(0.01)
    log = io.StringIO()
    os.close(locks.take_over(file, log))
    _, status = os.waitpid(child, 0)
    assert f"process {child} is still running this job; sent it SIGTERM" in log.getvalue()
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 7


@pytest.mark.promise("one-process-per-run")
def test_process_that_does_not_hold_the_lock_is_sent_no_signal(tmp_path):
    """The file holds its number, but another process has the lock."""
    file = tmp_path / "lock"
    descriptor = locks.take(file)
    os.pwrite(descriptor, f"{os.uname().nodename} {os.getppid()}\n".encode(), 0)
    with pytest.raises(locks.HeldError, match=r"lock: another process .* within 0 s"):
        locks.take_over(file, io.StringIO(), patience=0.2)
    os.close(descriptor)


def test_holder_that_has_just_ended_is_no_error(tmp_path, monkeypatch):
    file = tmp_path / "lock"
    first = locks.take(file)

    def find_holder(_file):
        os.close(first)
        return 2**22 + 1  # a number that no process has

    monkeypatch.setattr(locks, "_find_holder", find_holder)
    monkeypatch.setattr(locks.time, "sleep", lambda _seconds: None)
    os.close(locks.take_over(file, io.StringIO()))


def test_lock_on_a_file_that_was_removed_meanwhile_is_not_taken(tmp_path, monkeypatch):
    file = tmp_path / "lock"
    first = locks.take(file)
    assert locks.take(file) is None
    flock = locks.fcntl.flock

    def finish_first(descriptor, operation):
        """The holder releases the lock and removes the file, just before we lock it."""
        os.close(first)
        file.unlink()
        flock(descriptor, operation)

    monkeypatch.setattr(locks.fcntl, "flock", finish_first)
    assert locks.take(file) is None
    monkeypatch.undo()
    os.close(locks.take(file))

"""One process trains a run; the one that comes later asks it to leave."""

import io
import os
import signal

import pytest
from ganbench.jobs import locks


def test_former_holder_is_asked_to_leave(tmp_path):
    file, ready = tmp_path / "lock", tmp_path / "ready"
    child = os.fork()
    if child == 0:
        locks.take_over(file, io.StringIO())
        ready.touch()
        signal.sigwait([signal.SIGTERM])
        os._exit(7)
    while not ready.exists():
        signal.sigtimedwait([], 0.01)
    log = io.StringIO()
    os.close(locks.take_over(file, log))
    _, status = os.waitpid(child, 0)
    assert f"process {child} still does this job" in log.getvalue()
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 7


def test_process_that_does_not_have_it_is_left_alone(tmp_path):
    """Its number is in the file, but it was another's: nobody is sent a signal."""
    file = tmp_path / "lock"
    held = locks.take(file)
    os.pwrite(held, f"{os.uname().nodename} {os.getppid()}\n".encode(), 0)
    with pytest.raises(locks.HeldError, match=r"lock: another process .* within 0 s"):
        locks.take_over(file, io.StringIO(), patience=0.3)
    os.close(held)


def test_lock_on_a_file_that_was_removed_meanwhile_is_none(tmp_path, monkeypatch):
    file = tmp_path / "lock"
    first = locks.take(file)
    assert locks.take(file) is None
    locked = locks.fcntl.flock

    def removed_before(descriptor, operation):
        os.close(first)  # the one who held it is done,
        file.unlink()  # and has tidied up
        locked(descriptor, operation)

    monkeypatch.setattr(locks.fcntl, "flock", removed_before)
    assert locks.take(file) is None
    monkeypatch.undo()
    os.close(locks.take(file))

"""What tests share: one finished study, and in continuous integration no skipped test.

Where the variable CI is set, a skipped test fails the session.
"""

import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from project import copy_checkout, snakemake, tiny_study


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which the tiny study has run. To change it, copy it with its times.

    Processes of pytest-xdist share it: the first one runs the study, the others wait.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    checkout, done = shared / "finished/checkout", shared / "finished.done"
    with (shared / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            copy_checkout(checkout)
            run = snakemake(checkout, "--cores", "2", study=tiny_study())
            assert run.returncode == 0, run.stdout + run.stderr
            done.touch()
    return checkout


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests download or share stays out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _settings_of_a_process() -> Iterator[None]:
    """Training zeroes denormal numbers and allows TF32 for its process, which tests share."""
    yield
    if torch := sys.modules.get("torch"):
        torch.set_flush_denormal(False)
        torch.backends.cuda.matmul.allow_tf32 = False


def _count_skipped(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", ())) if reporter else 0


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Changes the exit status from success to failure where a test was skipped."""
    if (
        os.environ.get("CI")
        and _count_skipped(session.config)
        and session.exitstatus == pytest.ExitCode.OK
    ):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says so above the closing line."""
    if os.environ.get("CI") and (count := _count_skipped(terminalreporter.config)):
        terminalreporter.line(f"CI is set: {count} skipped counts as failed", red=True, bold=True)

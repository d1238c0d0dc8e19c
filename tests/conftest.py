"""What tests share: one finished study, and in continuous integration no skipped test.

Where the variable CI is set, a skipped test fails the session.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from project import copy_checkout, snakemake, tiny_study


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which the tiny study has run. To change it, copy it with its times."""
    checkout = copy_checkout(tmp_path_factory.mktemp("finished") / "checkout")
    done = snakemake(checkout, "--cores", "2", study=tiny_study())
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout


@pytest.fixture(autouse=True)
def _denormal_numbers() -> Iterator[None]:
    """Training sets them to zero for its whole process, which for tests is everybody's."""
    yield
    if torch := sys.modules.get("torch"):
        torch.set_flush_denormal(False)


def _skipped(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", ())) if reporter else 0


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Changes the exit status from success to failure where a test was skipped."""
    if (
        os.environ.get("CI")
        and _skipped(session.config)
        and session.exitstatus == pytest.ExitCode.OK
    ):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says so above the closing line."""
    if os.environ.get("CI") and (count := _skipped(terminalreporter.config)):
        terminalreporter.line(f"CI is set: {count} skipped counts as failed", red=True, bold=True)

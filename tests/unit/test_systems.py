"""Systems and versions that cannot run a study are refused at the start, in words."""

import io
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from ganbench.jobs import fingerprint, locks, provenance, systems
from ganbench.jobs.systems import (
    SystemNotSupported,
    check_system,
    check_torch,
    count_usable_cores,
)
from project import ROOT

LIBRARY = ROOT / "workflow/scripts"
ON_WINDOWS = """
import sys
sys.platform = "win32"
sys.modules["fcntl"] = None
"""


def run_on_windows(code: str) -> subprocess.CompletedProcess:
    """Runs Python code where Windows lacks a module."""
    return subprocess.run(
        [sys.executable, "-c", ON_WINDOWS + code],
        env={**os.environ, "PYTHONPATH": str(LIBRARY)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["win32", "cygwin"])
def test_windows_is_refused_with_the_way_out(monkeypatch, name):
    monkeypatch.setattr(sys, "platform", name)
    with pytest.raises(SystemNotSupported, match=f"found the system {name}, expected .* WSL2"):
        check_system()


@pytest.mark.parametrize("name", ["linux", "darwin"])
def test_linux_and_macos_are_accepted(monkeypatch, name):
    monkeypatch.setattr(sys, "platform", name)
    check_system()


def test_library_is_refused_on_windows_before_anything_fails():
    done = run_on_windows("import ganbench\nganbench.train")
    assert "SystemNotSupported: found the system win32" in done.stderr
    assert "ModuleNotFoundError" not in done.stderr


def test_command_line_is_refused_on_windows_in_one_message():
    code = "from ganbench.commands.arguments import main\nsys.exit(main(['watch', 'results/x']))"
    done = run_on_windows(code)
    assert done.returncode == 1
    assert done.stderr.startswith("found the system win32")
    assert "Traceback" not in done.stderr


def test_rules_check_the_system_before_they_import_what_it_lacks():
    lines = (ROOT / "workflow/rules/common.smk").read_text(encoding="utf-8").splitlines()
    before = lines[
        : lines.index("    check_system()  # before imports that end with a traceback there")
    ]
    imports = [line for line in before if line.startswith("from ganbench")]
    assert len(imports) == 2
    assert run_on_windows("\n".join(imports)).returncode == 0


@pytest.mark.parametrize("version", ["2.10.1+cpu", "2.9", "1.13.1", "2.1.0a0+git5f4"])
def test_old_torch_is_refused_with_its_version(monkeypatch, version):
    monkeypatch.setattr(metadata, "version", lambda _: version)
    with pytest.raises(SystemNotSupported) as error:
        check_torch()
    assert str(error.value).startswith(f"found torch {version}, expected 2.11 or later")


@pytest.mark.parametrize("version", ["2.11.0", "2.11.0a0+git5f4", "2.15.0+cu130", "3.0", "10.2rc1"])
def test_torch_that_is_new_enough_is_accepted(monkeypatch, version):
    monkeypatch.setattr(metadata, "version", lambda _: version)
    check_torch()


def test_no_torch_is_accepted_because_jobs_may_have_their_own(monkeypatch):
    def find(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", find)
    check_torch()


def test_cores_are_counted_where_the_system_knows_no_affinity(monkeypatch):
    assert count_usable_cores() == len(os.sched_getaffinity(0))
    monkeypatch.delattr(os, "sched_getaffinity")
    assert count_usable_cores() == os.cpu_count()
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert count_usable_cores() == 1


def test_only_one_file_asks_which_cores_may_be_used():
    files = [*LIBRARY.rglob("*.py"), *(ROOT / "workflow/rules").glob("*.smk")]
    asking = [file for file in files if "sched_getaffinity(" in file.read_text(encoding="utf-8")]
    assert asking == [Path(systems.__file__)]


def test_two_macs_with_other_chips_have_other_fingerprints(monkeypatch, tmp_path):
    """macOS has no /proc/cpuinfo; without a processor's name all Macs would be the same."""
    monkeypatch.setattr(provenance, "CPUINFO", tmp_path / "none")
    digests = set()
    for chip in ("T8103", "T6041"):
        monkeypatch.setattr(
            fingerprint.platform, "version", lambda chip=chip: f"Darwin RELEASE_ARM64_{chip}"
        )
        taken = fingerprint.take_fingerprint(1, "cpu")
        assert chip in taken["processor"]
        digests.add(taken["digest"])
    assert len(digests) == 2


def test_without_proc_no_process_is_signalled_and_the_holder_is_waited_for(monkeypatch, tmp_path):
    monkeypatch.setattr(locks, "PROCESSES", tmp_path / "none")
    monkeypatch.setattr(locks.os, "kill", lambda *_: pytest.fail("sent a signal"))
    file = tmp_path / "lock"
    holder = locks.take_over(file, io.StringIO())
    with pytest.raises(locks.HeldError, match="stop it or wait for it"):
        locks.take_over(file, io.StringIO(), patience=0)
    os.close(holder)

"""Faults that tests inject into a finished study, and what a person then sees."""

import ctypes
import os
import shutil
import stat
import sys
from pathlib import Path

import pytest
from ganbench.jobs.job import job

CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER = 1, 2, 3
PR_CAPBSET_DROP = 24
RUN = "runs/digits/minimax/seed0"


def copied(study: Path, folder: Path) -> Path:
    """A copy of a finished study to damage, its times kept: Snakemake finds nothing to do in it."""
    return shutil.copytree(study, folder / "checkout", copy_function=shutil.copy2)


def flip_bit(path: Path, byte: int = -20) -> None:
    """Damages a file as a disk or a cable does: its size and its times stay what they were."""
    times = path.stat()
    content = bytearray(path.read_bytes())
    content[byte] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def full_disk(path: Path) -> None:
    """Makes the next write of `path` by this process fail as on a full disk.

    What is written goes to the kernel's device for that, by the temporary name that it has first.
    """
    device = Path("/dev/full")
    assert stat.S_ISCHR(device.stat().st_mode), "this machine has no /dev/full"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_name(f".{path.name}.{os.getpid()}.partial").symlink_to(device)


def as_others() -> None:
    """For a child before it starts: takes from root what lets it write where it may not.

    Everybody else has none of these privileges; raises OSError where root cannot give them up.
    """
    if os.geteuid():
        return
    kernel = ctypes.CDLL(None, use_errno=True)
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER):
        if kernel.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "root cannot give up its privileges")


def failed_job(work, capfd: pytest.CaptureFixture, folder: Path, inputs=()) -> tuple[str, str]:
    """What a job whose work fails tells: on standard error, and in its log."""
    folder.mkdir(exist_ok=True, parents=True)
    with pytest.raises(SystemExit) as left, job(str(folder / "log"), inputs) as log:
        work(log)
    assert left.value.code == 1
    said = capfd.readouterr().err
    print(said, file=sys.stderr)
    log = folder / "log"
    return said, log.read_text(encoding="utf-8") if log.is_file() else ""


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }

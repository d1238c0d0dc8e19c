"""Jobs share one MPS: the first starts it, and it ends after the last, however that ended."""

import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from ganbench.jobs.gpus import mps
from ganbench.jobs.node_folder import make_node_folder
from mps_example import StandIn, wait_for

SCRIPTS = Path(mps.__file__).parents[3]
DEVICES = ("GPU-1", "GPU-2")
JOB = """
import os, sys
from ganbench.jobs.gpus import mps
mps.CLIENT = ("true",)
mps.SITE_FOLDER = mps.Path("/nowhere")
with mps.use_mps(("GPU-1", "GPU-2"), sys.stderr) as is_shared:
    print(is_shared, os.environ.get("CUDA_MPS_PIPE_DIRECTORY"), flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """The stand-in on PATH, and no MPS of this machine's. Its path is short enough for sockets."""
    base = Path(tempfile.mkdtemp(dir="/tmp"))
    program = StandIn(base / "mps")
    for name, value in program.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(mps, "CLIENT", ("true",))
    monkeypatch.setattr(mps, "SITE_FOLDER", tmp_path / "site")
    for name in ("CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY", "SLURM_JOB_ID"):
        monkeypatch.delenv(name, raising=False)
    yield program
    program.end()
    shutil.rmtree(base)


@pytest.fixture
def start(stand_in):
    """Starts jobs that stay under MPS until they are given a line; all are killed at the end."""
    jobs = []

    def start_job() -> subprocess.Popen:
        job = subprocess.Popen(
            [sys.executable, "-c", JOB],
            env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        jobs.append(job)
        return job

    yield start_job
    for job in jobs:
        job.kill()
        job.communicate()


def find_keeper(stand_in: StandIn) -> int | None:
    """The process that waits to end MPS."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"ganbench.jobs.gpus.mps_keeper" in words and str(stand_in.folder).encode() in words[-2]:
            return int(file.parent.name)
    return None


def test_eight_jobs_at_once_start_one_mps_that_ends_after_the_last(stand_in, start):
    (stand_in.folder / "slow").touch()
    jobs = [start() for _ in range(8)]
    answers = [job.stdout.readline().split() for job in jobs]
    pipe = str(mps.find_folder(DEVICES) / "pipe")
    assert answers == [["True", pipe]] * 8
    for job in jobs[:7]:
        job.communicate("\n")
    assert stand_in.calls() == ["start"]
    jobs[7].communicate("\n")
    wait_for(lambda: stand_in.calls() == ["start", "quit"])
    wait_for(lambda: find_keeper(stand_in) is None)


def test_mps_ends_after_jobs_that_were_all_killed(stand_in, start):
    jobs = [start() for _ in range(2)]
    for job in jobs:
        job.stdout.readline()
    for job in jobs:
        job.send_signal(signal.SIGKILL)
    wait_for(lambda: stand_in.calls() == ["start", "quit"])


def test_mps_left_behind_with_its_keeper_killed_is_used_and_ended_by_the_next_job(stand_in, start):
    first = start()
    first.stdout.readline()
    wait_for(lambda: find_keeper(stand_in))
    os.kill(find_keeper(stand_in), signal.SIGKILL)
    first.kill()
    first.wait()
    assert stand_in.calls() == ["start"]
    with mps.use_mps(DEVICES, io.StringIO()) as is_shared:
        assert is_shared
        assert stand_in.calls() == ["start"]
    wait_for(lambda: stand_in.calls() == ["start", "quit"])


def test_killed_mps_is_started_again_by_the_next_job(stand_in, start):
    assert start().stdout.readline().startswith("True")
    os.kill(stand_in.process(), signal.SIGKILL)
    wait_for(lambda: not mps.answers({**os.environ, **mps.make_settings(mps.find_folder(DEVICES))}))
    assert start().stdout.readline().startswith("True")
    assert stand_in.calls() == ["start", "start"]


def test_mps_gets_the_gpus_of_the_jobs_alone(stand_in):
    memberships = [mps.join(devices) for devices in (DEVICES, ("GPU-3",))]
    assert stand_in.devices() == ["GPU-1,GPU-2", "GPU-3"]
    for membership in memberships:
        os.close(membership.lock)
    wait_for(lambda: stand_in.calls().count("quit") == 2)


def test_environment_is_as_before_after_the_job(stand_in, monkeypatch):
    monkeypatch.setenv("CUDA_MPS_LOG_DIRECTORY", "/var/log/site")
    with mps.use_mps(DEVICES, io.StringIO()):
        assert os.environ["CUDA_MPS_LOG_DIRECTORY"] != "/var/log/site"
    assert "CUDA_MPS_PIPE_DIRECTORY" not in os.environ
    assert os.environ["CUDA_MPS_LOG_DIRECTORY"] == "/var/log/site"


def assert_goes_on_without_mps(reason: str) -> None:
    log = io.StringIO()
    with mps.use_mps(DEVICES, log) as is_shared:
        assert not is_shared
        assert "CUDA_MPS_PIPE_DIRECTORY" not in os.environ
    assert log.getvalue().startswith("without MPS: ")
    assert reason in log.getvalue()
    assert log.getvalue().count("\n") == 1


def test_refusal_to_start_is_one_line_in_the_log(stand_in):
    stand_in.refuse("An instance of this daemon is already running")
    assert_goes_on_without_mps("did not start: An instance of this daemon is already running")
    assert stand_in.calls() == []


def test_mps_under_which_nothing_computes_is_ended_and_is_one_line(stand_in, monkeypatch):
    client = ("sh", "-c", "echo 'CUDA error: MPS server is not ready' >&2; exit 1")
    monkeypatch.setattr(mps, "CLIENT", client)
    assert_goes_on_without_mps("no program can compute under it: CUDA error: MPS server is not")
    assert stand_in.calls() == ["start", "quit"]


def test_missing_program_is_one_line_in_the_log(stand_in):
    (stand_in.folder / mps.CONTROL).unlink()
    assert_goes_on_without_mps("nvidia-cuda-mps-control: No such file or directory")


def test_program_without_permission_is_one_line_in_the_log(stand_in):
    (stand_in.folder / mps.CONTROL).chmod(0o644)
    assert_goes_on_without_mps("nvidia-cuda-mps-control: Permission denied")


def test_file_that_cannot_be_opened_is_one_line_in_the_log(stand_in):
    (mps.find_folder(DEVICES) / "holders").mkdir()
    assert_goes_on_without_mps("holders: Is a directory")


def test_folder_that_others_can_write_to_is_not_used(stand_in):
    mps.find_folder(DEVICES).chmod(0o777)
    assert_goes_on_without_mps("expected a folder that only this user can write to")
    assert stand_in.calls() == []


def test_link_in_place_of_the_folder_is_not_followed(stand_in, tmp_path):
    folder = make_node_folder("mps")
    folder.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Exception, match="expected a folder that only this user can write to"):
        make_node_folder("mps")


def test_mps_of_the_site_is_used_and_not_ended(stand_in, tmp_path, monkeypatch):
    environment = stand_in.start(tmp_path / "site-of-this-user")
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", environment["CUDA_MPS_PIPE_DIRECTORY"])
    log = io.StringIO()
    with mps.use_mps(DEVICES, log) as is_shared:
        assert is_shared
    assert log.getvalue() == ""
    assert stand_in.calls() == ["start"]
    assert list(stand_in.temporary.iterdir()) == []
    mps.send("quit", environment)


def test_mps_of_another_user_is_used_though_it_does_not_answer(stand_in, tmp_path, monkeypatch):
    """Root's MPS computes for everybody, and answers root alone."""
    environment = stand_in.start(tmp_path / "root")
    monkeypatch.setattr(mps, "SITE_FOLDER", tmp_path / "root/pipe")
    monkeypatch.setattr(mps, "answers", lambda environment: False)
    assert mps.has_site_mps()
    mps.send("quit", environment)
    assert not mps.has_site_mps()


def test_number_of_another_program_is_no_mps(stand_in, tmp_path):
    """The kernel gives numbers of dead processes away again."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / f"{mps.CONTROL}.pid").write_text(f"{os.getpid()}\n")
    assert not mps.has_site_mps()


def test_variable_of_an_mps_that_has_ended_does_not_keep_jobs_from_their_own(
    stand_in, tmp_path, monkeypatch
):
    (tmp_path / "ended").mkdir()
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", str(tmp_path / "ended"))
    with mps.use_mps(DEVICES, io.StringIO()) as is_shared:
        assert is_shared
        assert os.environ["CUDA_MPS_PIPE_DIRECTORY"] == str(mps.find_folder(DEVICES) / "pipe")
    assert os.environ["CUDA_MPS_PIPE_DIRECTORY"] == str(tmp_path / "ended")
    wait_for(lambda: stand_in.calls() == ["start", "quit"])


def test_path_too_long_for_a_socket_is_replaced_by_a_short_one(stand_in, tmp_path, monkeypatch):
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    monkeypatch.setenv("SLURM_JOB_ID", "test")
    folder = mps.find_folder(DEVICES)
    assert folder.parent == Path("/tmp")
    assert len(os.fsencode(folder / "pipe/control_privileged")) <= mps.LONGEST_SOCKET
    folder.rmdir()

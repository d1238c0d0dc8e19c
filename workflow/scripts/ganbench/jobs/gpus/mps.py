"""NVIDIA's MPS, by which jobs compute on one GPU at the same time instead of taking turns.

An MPS that the site runs is used. Otherwise jobs share one of their own, an ordinary user's process
that changes no setting of the GPU. Each job, and Snakemake while it runs, holds a shared lock on
`holders`. The first one starts MPS, and with it a keeper, which waits for the exclusive lock: the
kernel grants it when the last holder has ended, however that ended, and the keeper ends MPS.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO

from ganbench.jobs import locks
from ganbench.jobs.errors import ActionableError
from ganbench.jobs.gpus.cards import PROBE
from ganbench.jobs.node_folder import make_node_folder
from ganbench.jobs.programs import Answer, python_module, run_program, start_detached

CONTROL = "nvidia-cuda-mps-control"
"""NVIDIA's program that starts, asks and ends MPS; it comes with the driver."""

CLIENT = PROBE
"""The command that computes on the GPUs as a first client of MPS, to see whether it works."""

SITE_FOLDER = Path("/tmp/nvidia-mps")
"""Where MPS listens if CUDA_MPS_PIPE_DIRECTORY does not say otherwise."""

LONGEST_SOCKET = 107
"""Bytes of the longest path of a Unix socket."""


class MpsRefusedError(ActionableError):
    """MPS did not start, or a program could not compute under it."""


class Membership(NamedTuple):
    """A share in MPS: an open lock, and what a program's environment needs to compute under it."""

    lock: int
    environment: dict[str, str]


def find_folder(devices: Sequence[str]) -> Path:
    """The folder of the MPS of this user for these GPUs on this machine.

    In a short folder where the temporary folder's path is too long for a socket.
    """
    name = f"mps-{hashlib.sha256(','.join(sorted(devices)).encode()).hexdigest()[:8]}"
    folder = make_node_folder(name)
    longest = folder / "pipe" / "control_privileged"
    if len(os.fsencode(longest)) > LONGEST_SOCKET:
        return make_node_folder(name, Path("/tmp"))
    return folder


def make_settings(folder: Path) -> dict[str, str]:
    """The variables by which CUDA and NVIDIA's programs find the MPS of a folder."""
    return {
        "CUDA_MPS_PIPE_DIRECTORY": str(folder / "pipe"),
        "CUDA_MPS_LOG_DIRECTORY": str(folder / "log"),
    }


def has_site_mps() -> bool:
    """Whether an MPS that someone else runs serves programs started in this environment."""
    folder = Path(os.environ.get("CUDA_MPS_PIPE_DIRECTORY") or SITE_FOLDER)
    return folder.is_dir() and (_is_alive(folder) or answers(os.environ))


def answers(environment: Mapping[str, str]) -> bool:
    """Whether an MPS answers in this environment."""
    answer = send("get_server_list", environment)
    return answer.succeeded and "cannot find" not in (answer.output + answer.errors).lower()


def send(command: str, environment: Mapping[str, str]) -> Answer:
    """The answer of an MPS to a command of `nvidia-cuda-mps-control`."""
    return run_program([CONTROL], environment, text=f"{command}\n", seconds=20)


def _is_alive(folder: Path) -> bool:
    """Whether the process that wrote its number there is still NVIDIA's program.

    Another user's MPS, such as root's, computes for everybody but answers its owner alone.
    """
    try:
        process = int((folder / f"{CONTROL}.pid").read_text(encoding="ascii"))
        name = Path(f"/proc/{process}/comm").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return False
    return bool(name) and CONTROL.startswith(name)


@contextmanager
def use_mps(devices: Sequence[str], log: TextIO) -> Iterator[bool]:
    """Lets this process compute on `devices` under MPS; yields whether it does.

    Where MPS does not work, one line in `log` says why.
    """
    if has_site_mps():
        yield True
        return
    try:
        membership = join(devices)
    except ActionableError as error:
        print(f"without MPS: {error}", file=log)
        yield False
        return
    former = {name: os.environ.get(name) for name in membership.environment}
    os.environ.update(membership.environment)
    try:
        yield True
    finally:
        for name, value in former.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
        os.close(membership.lock)


def join(devices: Sequence[str]) -> Membership:
    """Takes a share in this user's MPS for these GPUs, and starts it if it does not run.

    It ends when the last share's lock is closed. Raises an ActionableError if it does not work.
    """
    folder = find_folder(devices)
    environment = make_settings(folder)
    lock = None
    try:
        lock = _open_lock(folder / "holders", fcntl.LOCK_SH)
        start = _open_lock(folder / "start", fcntl.LOCK_EX)
        try:
            _start(folder, devices, {**os.environ, **environment})
        finally:
            os.close(start)
    except (ActionableError, OSError) as error:
        if lock is not None:
            os.close(lock)
        if isinstance(error, ActionableError):
            raise
        raise MpsRefusedError(f"{error.filename or folder}: {error.strerror}") from None
    return Membership(lock, environment)


def _open_lock(file: Path, kind: int) -> int:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, kind)
    return descriptor


def _start(folder: Path, devices: Sequence[str], environment: dict[str, str]) -> None:
    """Starts MPS and its keeper, each if it does not run; an MPS that was left behind is used."""
    if not answers(environment):
        environment = {**environment, "CUDA_VISIBLE_DEVICES": ",".join(devices)}
        for name in ("pipe", "log"):  # what a killed MPS left there
            shutil.rmtree(folder / name, ignore_errors=True)
            (folder / name).mkdir(mode=0o700)
        daemon = run_program([CONTROL, "-d"], environment)
        if not daemon.succeeded:
            raise MpsRefusedError(f"{CONTROL} did not start: {daemon.reason}")
        client = run_program(CLIENT, environment, seconds=120)
        if not client.succeeded:
            send("quit", environment)
            raise MpsRefusedError(f"no program can compute under it: {client.reason}")
    keeper = locks.take(folder / "keeper")
    if keeper is not None:  # nobody holds it
        os.close(keeper)
        start_detached(python_module("ganbench.jobs.gpus.mps_keeper", str(folder)), os.environ)

"""A real Slurm on this machine, for as long as a test needs it: one node, two pretended GPUs.

Needs the right to make device files (root), and Debian's packages slurm-wlm, slurm-client, munge.
"""

import os
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "sinfo")
NULL_DEVICE = os.makedev(1, 3)
"""What stands in for a GPU: Slurm wants a device file, and nothing opens it."""


def missing() -> str:
    """Why no Slurm can be started here, or ''."""
    absent = [name for name in PROGRAMS if not shutil.which(name, path=_path())]
    if absent:
        return f"Slurm is not installed: no {', '.join(absent)}"
    return "" if os.getuid() == 0 else "starting slurmd needs root"


@dataclass(frozen=True)
class Cluster:
    """A running Slurm; `environment` is what its clients need.

    Of its jobs only those with a number above `after` are seen.
    """

    folder: Path
    environment: dict[str, str]
    after: int = 0

    def run(self, *command: str) -> str:
        """The output of one of Slurm's commands."""
        done = subprocess.run(
            command,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout.strip()

    def jobs(self) -> list[list[str]]:
        """(number, state, name) of every job that Slurm still remembers."""
        lines = self.run("squeue", "--all", "--noheader", "--states=all", "--format=%i|%T|%k")
        rows = [line.split("|") for line in lines.splitlines()]
        return [row for row in rows if int(row[0]) > self.after]

    def details(self, number: str) -> dict[str, str]:
        """What `scontrol` shows of one job: TimeLimit, NumCPUs, Restarts, …"""
        shown = self.run("scontrol", "--oneliner", "show", "job", number)
        return dict(part.split("=", 1) for part in shown.split() if "=" in part)

    def asked(self, number: str) -> tuple[int, int, str]:
        """The GPUs, cores and memory that one job asked for."""
        details = self.details(number)
        gpus = details.get("TresPerJob", "gres:gpu:0").removeprefix("gres:gpu:")
        return int(gpus), int(details["NumCPUs"]), details["MinMemoryNode"]

    def node_state(self) -> str:
        """As `sinfo` shows it: idle, mixed, drained, …"""
        return self.run("sinfo", "--noheader", "--partition=main", "--format=%T")

    def set_node(self, state: str) -> None:
        """As an administrator does: drain, resume, …"""
        host = self.run("sinfo", "--noheader", "--partition=main", "--format=%n")
        self.run("scontrol", "update", f"nodename={host}", f"state={state}", "reason=test")


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Starts Slurm with everything it writes below `folder`, and stops it afterwards."""
    folder.mkdir(parents=True)
    environment = _configure(folder)
    try:
        _start(folder, environment)
        yield Cluster(folder, environment)
    finally:
        for name in ("slurmd", "slurmctld", "munged"):
            _stop(folder / f"{name}.pid")


def _path() -> str:
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"


def _configure(folder: Path) -> dict[str, str]:
    host = socket.gethostname().split(".")[0]
    controller, node = _free_port(), _free_port()
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir()
    for number in (0, 1):
        os.mknod(folder / f"nvidia{number}", 0o666 | stat.S_IFCHR, NULL_DEVICE)
    (folder / "gres.conf").write_text(
        f"AutoDetect=off\nName=gpu File={folder}/nvidia[0-1]\n", encoding="ascii"
    )
    (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n", encoding="ascii")
    (folder / "slurm.conf").write_text(
        f"""\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdSpoolDir={folder}/spool
StateSaveLocation={folder}/state
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MinJobAge=3600
KillWait=5
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SchedulerParameters=sched_interval=2,batch_sched_delay=0,sched_min_interval=0
OverTimeLimit=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
MpiDefault=none
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=16000 Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes={host} MaxTime=INFINITE State=UP PriorityTier=10
""",
        encoding="ascii",
    )
    # inside a job Snakemake's plugin drops SLURM_CONF, and so loses a Slurm that is not the
    # machine's own: this srun stands first on PATH and puts it back
    shim = folder / "bin/srun"
    srun = shutil.which("srun", path=_path())
    shim.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {srun} "$@"\n')
    shim.chmod(0o755)
    return {"SLURM_CONF": f"{folder}/slurm.conf", "PATH": f"{folder}/bin:{_path()}"}


def _start(folder: Path, environment: dict[str, str]) -> None:
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    environment = {**os.environ, **environment}
    munged = [
        "munged", "--force", f"--key-file={key}", f"--socket={folder}/munge.socket",
        f"--pid-file={folder}/munged.pid", f"--log-file={folder}/munged.log",
        f"--seed-file={folder}/munged.seed",
    ]  # fmt: skip
    for command in (munged, ["slurmctld", "-f", f"{folder}/slurm.conf"]):
        subprocess.run(command, env=environment, check=True, timeout=60)
    subprocess.run(["slurmd", "-f", f"{folder}/slurm.conf"], env=environment, check=True)
    running = Cluster(folder, environment)
    for _ in range(120):
        try:
            if running.node_state() == "idle":
                return
        except subprocess.CalledProcessError:
            pass  # the controller does not answer yet
        time.sleep(0.25)
    logs = [(folder / f"{name}.log").read_text() for name in ("slurmctld", "slurmd")]
    raise RuntimeError("Slurm did not come up\n" + "\n".join(logs))


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _stop(pid_file: Path) -> None:
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text())
    for sent in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, sent)
        except ProcessLookupError:
            return
        for _ in range(40):
            if not Path(f"/proc/{pid}").exists():
                return
            time.sleep(0.1)

"""A stand-in for NVIDIA's `nvidia-cuda-mps-control`, which starts, answers, ends and no more.

It writes a line to `calls` in its folder for each start and each end. With a file `refusal` there,
it refuses to start with that text; with a file `slow`, it takes two seconds.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PROGRAM = """#!/bin/sh
here="${0%/*}"
pid="$CUDA_MPS_PIPE_DIRECTORY/nvidia-cuda-mps-control.pid"
if [ "$1" = -d ]; then
    if [ -f "$here/refusal" ]; then cat "$here/refusal" >&2; exit 1; fi
    [ -f "$here/slow" ] && sleep 2
    "$here/nvidia-cuda-mps-control.sleep" 300 &
    echo $! >"$pid"
    echo "start $CUDA_VISIBLE_DEVICES" >>"$here/calls"
    exit 0
fi
read -r command
if ! kill -0 "$(cat "$pid" 2>/dev/null)" 2>/dev/null; then
    echo "Cannot find MPS control daemon process"
    exit 1
fi
if [ "$command" = quit ]; then
    kill "$(cat "$pid")"
    rm "$pid"
    echo quit >>"$here/calls"
fi
"""


class StandIn:
    """The stand-in in `folder`, which belongs on PATH."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.temporary = folder, folder / "tmp"
        self.temporary.mkdir()
        program = folder / "nvidia-cuda-mps-control"
        program.write_text(PROGRAM)
        program.chmod(0o755)
        (folder / f"{program.name}.sleep").symlink_to("/bin/sleep")

    def environment(self) -> dict[str, str]:
        """Variables that put the stand-in on PATH, and folders of the workflow beside it."""
        return {"PATH": f"{self.folder}:{os.environ['PATH']}", "TMPDIR": str(self.temporary)}

    def refuse(self, reason: str) -> None:
        (self.folder / "refusal").write_text(f"{reason}\n")

    def calls(self) -> list[str]:
        file = self.folder / "calls"
        return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []

    def devices(self) -> list[str]:
        """CUDA_VISIBLE_DEVICES at each start."""
        lines = (self.folder / "calls").read_text().splitlines()
        return [line.split()[1] for line in lines if line.startswith("start ")]

    def process(self) -> int:
        """The number of the one that runs."""
        (file,) = self.temporary.glob("*/pipe/*.pid")
        return int(file.read_text())

    def end(self) -> None:
        """Ends all that still run."""
        for file in self.folder.parent.glob("**/*.pid"):
            with suppress(ProcessLookupError):
                os.kill(int(file.read_text()), signal.SIGKILL)

    def start(self, folder: Path) -> dict[str, str]:
        """Starts one in `folder` as a site does; returns the environment of its users."""
        (folder / "pipe").mkdir(parents=True)
        environment = {**os.environ, **self.environment()}
        environment["CUDA_MPS_PIPE_DIRECTORY"] = str(folder / "pipe")
        subprocess.run(["nvidia-cuda-mps-control", "-d"], env=environment, check=True)
        return environment


def wait_for(condition: Callable[[], object], seconds: float = 30) -> None:
    """Waits until `condition` is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)

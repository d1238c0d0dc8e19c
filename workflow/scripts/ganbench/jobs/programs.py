"""Starts other programs: the one place of the workflow that does.

git says whether the checkout has uncommitted changes. A machine with an NVIDIA GPU needs two more:
NVIDIA's control program of MPS, which has no library, and Python itself, because torch and CUDA
would stay in the memory of the process that asks them about a GPU. All are started by a list of
arguments, never by a shell.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

SCRIPTS = Path(__file__).parents[2]
"""The folder from which `ganbench` is imported."""


class Answer(NamedTuple):
    """What a program left: whether it succeeded, and the two texts that it wrote."""

    succeeded: bool
    output: str
    errors: str

    @property
    def reason(self) -> str:
        """The last line that the program wrote, which says why it failed."""
        lines = [line.strip() for line in f"{self.output}\n{self.errors}".splitlines()]
        return next((line for line in reversed(lines) if line), "it said nothing")


def python_module(name: str, *arguments: str) -> list[str]:
    """The command that runs a module of this library in another Python."""
    return [sys.executable, "-P", "-m", name, *arguments]


def run_program(
    command: Sequence[str], environment: Mapping[str, str], text: str = "", seconds: float = 30
) -> Answer:
    """Runs a program to its end with `text` on its standard input.

    A program that cannot be started or takes longer than `seconds` has not succeeded. Its output
    goes to files: a daemon that it leaves behind would keep a pipe open.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            done = subprocess.run(
                command,
                input=text.encode(),
                stdout=output,
                stderr=errors,
                env=_add_library(environment),
                cwd="/",
                timeout=seconds,
                check=False,
                start_new_session=True,  # Ctrl-C in a terminal ends the workflow, not a daemon
            )
        except OSError as error:
            return Answer(False, "", f"{command[0]}: {error.strerror}")
        except subprocess.TimeoutExpired:
            return Answer(False, "", f"{command[0]} gave no answer within {seconds:g} s")
        for file in (output, errors):
            file.seek(0)
        texts = [file.read().decode(errors="replace") for file in (output, errors)]
    return Answer(done.returncode == 0, *texts)


def start_detached(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Starts a program that outlives this process and shares no file with it."""
    subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=_add_library(environment),
        cwd="/",
        start_new_session=True,
    )


def _add_library(environment: Mapping[str, str]) -> dict[str, str]:
    paths = [str(SCRIPTS), *filter(None, [environment.get("PYTHONPATH")])]
    return {**environment, "PYTHONPATH": os.pathsep.join(paths)}

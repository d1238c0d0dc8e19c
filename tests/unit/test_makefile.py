"""The commands of the Makefile: what they say where something is missing."""

import os
import shutil
import subprocess
import sys

import pytest
from project import ROOT


@pytest.fixture
def make(tmp_path):
    """Runs make in a checkout whose environment is the one of the tests."""
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "envs", tmp_path / "envs")
    for folder in ("workflow", "config"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / ".venv/.installed").touch()

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        unset = {"MAKEFLAGS", "MAKELEVEL", "STUDY", "RESULTS", "RUN", "PLUGINS"}
        environment = {key: value for key, value in os.environ.items() if key not in unset}
        return subprocess.run(
            ["make", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize("command", ["plan-seeds", "bundle", "watch"])
def test_study_that_is_not_there_is_named_and_nothing_else_runs(make, command):
    done = make(command, "STUDY=config/nope.yaml")
    assert done.returncode != 0
    assert "config/nope.yaml: the file cannot be read" in done.stderr
    assert "study.json" not in done.stderr


def test_folder_of_results_needs_no_study(make):
    done = make("watch", "RESULTS=results/none", "STUDY=config/nope.yaml")
    assert "results/none: found neither declared.json nor study.json" in done.stderr
    assert "nope" not in done.stderr


def test_generator_asks_for_a_run(make):
    done = make("generator")
    assert done.returncode != 0
    assert "RUN=results/my_study/runs/digits/minimax/seed0" in done.stdout


def test_plugins_reach_the_commands_that_take_them(make):
    for command in (["generator", "RUN=run"], ["bundle"], ["plan-seeds", "MARGIN=5 %"]):
        assert "--plugins my_parts.py" in make("-n", *command, "PLUGINS=my_parts.py").stdout


def test_help_has_two_columns(make):
    lines = make("help").stdout.splitlines()
    widths = {len(line) - len(line[18:].lstrip()) for line in lines}
    assert widths == {20}

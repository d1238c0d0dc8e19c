"""A person's account and settings change no figure and end no command."""

import os
import subprocess
import sys

import pytest
from ganbench.jobs.surroundings import name_user
from project import ROOT, TINY

DRAW = """
import hashlib
import ganbench.jobs.job  # as in every script
from ganbench.report.figures.drawing import finish, open_figure
with open_figure() as (figure, (axes,)):
    axes.plot([1, 2, 3], [1, 4, 9])
    axes.set_title("the title", loc="left")
    drawing = finish(figure, "name", "title", "caption", {0: "minimax"})
print(hashlib.sha256((drawing.svg + str(drawing.inline)).encode() + drawing.pdf).hexdigest())
"""

NO_PASSWD = """
import pwd, runpy, sys
def find_nobody(number):
    raise KeyError(f"getpwuid(): uid not found: {number}")
pwd.getpwuid = find_nobody
sys.argv[0] = "snakemake"
runpy.run_module("snakemake", run_name="__main__")
"""
"""Snakemake as a user without an entry in /etc/passwd starts it, which only root could be here."""

NAMES = ("LOGNAME", "USER", "LNAME", "USERNAME")


def run(code: str, *arguments: str, folder, **environment: str):
    kept = {name: value for name, value in os.environ.items() if name not in NAMES}
    kept |= {"PYTHONPATH": str(ROOT / "workflow/scripts")}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=kept | environment,
    )


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return run(DRAW, folder=tmp_path_factory.mktemp("plain")).stdout


SETTINGS = """
text.usetex: True
savefig.bbox: tight
font.size: 20
lines.linewidth: 7
svg.fonttype: path
"""


@pytest.mark.promise("own-settings")
@pytest.mark.parametrize("place", ["working folder", "home", "MATPLOTLIBRC"])
def test_matplotlib_settings_of_a_person_change_no_byte_of_a_figure(tmp_path, drawn, place):
    folder = tmp_path / ".config/matplotlib" if place == "home" else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "matplotlibrc").write_text(SETTINGS)
    environment = {
        "working folder": {},
        "home": {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / ".config")},
        "MATPLOTLIBRC": {"MATPLOTLIBRC": str(tmp_path / "matplotlibrc")},
    }[place]
    elsewhere = tmp_path if place == "working folder" else ROOT
    done = run(DRAW, folder=elsewhere, **environment)
    assert len(drawn) == 65
    assert done.stdout == drawn, done.stderr


@pytest.mark.promise("own-settings")
@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "tkagg", "no"])
def test_backend_of_a_notebook_or_a_window_changes_no_byte_of_a_figure(tmp_path, drawn, backend):
    done = run(DRAW, folder=tmp_path, MPLBACKEND=backend)
    assert done.stdout == drawn, done.stderr


@pytest.mark.promise("own-settings")
def test_user_without_an_entry_of_its_own_can_plan_a_study(tmp_path):
    command = ["-n", "--snakefile", str(ROOT / "Snakefile"), "--configfile", str(TINY)]
    done = run(NO_PASSWD, *command, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Would run 13 jobs:" in done.stdout


def test_user_with_a_name_keeps_it(monkeypatch):
    monkeypatch.setenv("LOGNAME", "ada")
    name_user()
    assert os.environ["LOGNAME"] == "ada"

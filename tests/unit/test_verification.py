"""`ganbench verify` does what `results/published/verify.py` does, in a checkout."""

import sys

import pytest
from ganbench.commands import arguments, verification
from ganbench.commands.bundle_check import load_verifier
from project import ROOT

STAND_IN = """
import argparse
def repeat_study(options: argparse.Namespace) -> int:
    print(vars(options))
    return 7
"""


@pytest.mark.parametrize(
    "given", [[], ["precision", "--variants", "a", "b", "--seeds", "3", "--cores", "2"]]
)
def test_command_chooses_the_runs_that_the_script_would(given, monkeypatch):
    script = load_verifier()
    monkeypatch.setattr(sys, "argv", ["verify.py", *given])
    asked = arguments._make_parser().parse_args(["verify", *given])
    of_script = script._read_arguments()
    assert asked.what == of_script.study
    for name in ("variants", "seeds", "cores"):
        assert getattr(asked, name) == getattr(of_script, name)


def test_its_status_is_that_of_the_repetition(monkeypatch, tmp_path, capsys):
    folder = tmp_path / "results/published"
    folder.mkdir(parents=True)
    (folder / "verify.py").write_text(STAND_IN, encoding="utf-8")
    monkeypatch.setattr(verification, "CHECKOUT", tmp_path)
    assert arguments.main(["verify", "precision", "--seeds", "1", "2"]) == 7
    assert "'seeds': [1, 2]" in capsys.readouterr().out


def test_unknown_study_is_refused_by_the_script_itself(capsys):
    assert arguments.main(["verify", "nothing"]) == 1
    assert "published are fashion_mnist" in capsys.readouterr().out


def test_installed_library_says_that_it_needs_a_checkout(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(verification, "CHECKOUT", tmp_path)
    assert arguments.main(["verify"]) == 1
    assert "lies in a checkout of ganbench" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", ["check", "watch", "plan-seeds", "score", "export", "bundle", "verify"]
)
def test_every_command_is_told_of_in_the_guides(command):
    guides = [ROOT / "docs/using.md", ROOT / "docs/library.md"]
    text = " ".join(file.read_text(encoding="utf-8") for file in guides)
    assert f"`ganbench {command}" in text or f"ganbench {command} " in text

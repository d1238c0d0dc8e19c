"""What real commands print, in a terminal and elsewhere; a report survives a failed one."""

import fcntl
import html
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios

import pytest
from project import snakemake, tiny_study

REPORT = "results/tiny/report.html"
SCORES = "results/tiny/runs/digits/minimax/seed0/scores.csv"


@pytest.fixture
def checkout(finished_study, tmp_path):
    return shutil.copytree(finished_study, tmp_path / "checkout", copy_function=shutil.copy2)


def run_in_terminal(checkout, *arguments) -> str:
    """What a terminal of 80 columns and 24 lines receives."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    command = [sys.executable, "-m", "snakemake", *arguments, "--configfile", "study.yaml"]
    environment = {**os.environ, "TERM": "xterm"}
    output = b""
    with subprocess.Popen(
        command, cwd=checkout, stdout=follower, stderr=follower, env=environment
    ) as process:
        os.close(follower)
        while True:
            try:
                output += os.read(leader, 4096)
            except OSError:  # the last process has closed the terminal
                break
    os.close(leader)
    assert process.returncode == 0, output.decode()
    return output.decode().replace("\r\n", "\n")


def show_screen(text: str) -> list[str]:
    """The lines that stand on the terminal in the end."""
    lines = [""]
    for part in re.split(r"(\x1b\[\d*[A-Za-z]|\n)", text):
        if part == "\n":
            lines.append("")
        elif moved := re.fullmatch(r"\x1b\[(\d+)A", part):
            lines = [*lines[: -1 - int(moved[1])], ""]
        elif not part.startswith("\x1b"):
            lines[-1] += part
    return lines


def test_a_terminal_of_80_columns_keeps_one_line_a_job(checkout):
    text = run_in_terminal(checkout, "theory", "--forcerun", "theory", "--cores", "2")
    assert "\x1b[3A\x1b[J" in text, "a board of both jobs and their total was written over"
    profile, device, *lines = show_screen(text)
    assert profile.startswith("Using workflow specific profile")
    assert device.startswith("device: auto → ")
    assert max(map(len, lines)) <= 80
    shown = "\n".join(lines)
    assert re.search(r"^Study tiny: 2 jobs. About \d+ s on 2 cores \(from earlier jobs", shown)
    assert sorted(re.findall(r"^done:  (.*) in \d+ s$", shown, re.M)) == [
        "theory minimax",
        "theory non_saturating",
    ]
    assert re.search(r"^All 2 jobs are done after \d+ s.\nResults: results/tiny/\n", shown, re.M)
    assert "\x1b[" not in shown


def test_without_a_terminal_lines_are_plain_and_the_log_file_complete(checkout):
    done = snakemake(checkout, "theory", "--forcerun", "theory", "--cores", "1", study=tiny_study())
    assert done.returncode == 0
    assert "\x1b" not in done.stderr
    lines = done.stderr.splitlines()[2:]
    assert len(lines) == 1 + 2 * 2 + 2, "the study, two lines a job, and how it ended"
    assert max(map(len, lines[1:])) <= 80
    (*_, log) = sorted((checkout / ".snakemake/log").iterdir())
    assert "    output: results/tiny/theory/minimax.json" in log.read_text()


@pytest.mark.parametrize("flag", ["--verbose", "--printshellcmds"])
def test_one_flag_brings_snakemakes_own_messages_back(checkout, flag):
    done = snakemake(checkout, "-n", "--forcerun", "theory", flag, study=tiny_study())
    assert "    reason: Forced execution" in done.stdout + done.stderr
    assert "Would run" not in done.stdout + done.stderr


def test_quiet_is_quiet_and_a_failure_still_loud(checkout):
    arguments = ("theory", "--forcerun", "theory", "--cores", "1", "--quiet")
    done = snakemake(checkout, *arguments, study=tiny_study())
    assert len((done.stdout + done.stderr).splitlines()) == 1, "the profile, which comes first"
    (checkout / SCORES).write_text("damaged")
    done = snakemake(checkout, "--cores", "1", "--quiet", study=tiny_study())
    assert done.returncode != 0
    assert f"{SCORES} is not what this study wrote there" in done.stderr


def test_finished_study_prints_the_verdict_of_its_page(checkout):
    done = snakemake(checkout, "--cores", "1", study=tiny_study())
    lines = done.stderr.splitlines()
    page = (checkout / REPORT).read_text()
    answer, certainty = (
        html.unescape(re.search(f'<p class="{part}">(.*)</p>', page)[1].replace("<wbr>", ""))
        for part in ("headline", "sure")
    )
    assert lines[-2] == f"Report: {REPORT}"
    assert lines[-1].startswith(f"Verdict: {answer} {certainty[:40]}")


def test_results_of_another_working_directory_are_named_as_they_are_found(checkout, tmp_path):
    target = "results/tiny/theory/minimax.json"
    done = snakemake(
        checkout, "--cores", "1", "--directory", str(tmp_path), target, study=tiny_study()
    )
    assert (tmp_path / target).is_file(), done.stderr
    assert done.stderr.splitlines()[-1].rstrip("/") == f"Results: {tmp_path}/results/tiny"


def test_dry_run_ends_with_an_estimate(checkout):
    done = snakemake(checkout, "-n", "--forcerun", "train", study=tiny_study())
    device, *lines = done.stdout.splitlines()
    assert device.startswith("device: auto → ")
    assert lines[0] == "Would run 9 jobs:"
    assert "  train digits / minimax / seeds 0 and 1            asked for" in done.stdout
    assert re.fullmatch(
        r"About \d+ \w+ on \d+ cores? \(from earlier jobs on this machine\), "
        r"up to [\d.]+ [GM]B of memory, \d+ MB of disk\.",
        lines[-2],
    )
    assert lines[-1].startswith("Declaration ")


CHANGES = {
    "another title": {"title": "Another title"},
    "a grid of the same runs": {
        "variants": None,
        "grid": {"objective": ["minimax", "non_saturating"]},
    },
}
"""Changes of the study with which the former report is not what it asks for, and its runs are."""


@pytest.mark.promise("former-report")
@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_failed_report_leaves_the_former_one_in_place(checkout, tmp_path, changes):
    """The report's job fails because its environment is broken: it cannot import seaborn."""
    study = tiny_study(**changes)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/seaborn.py").write_text("raise ImportError('broken')")
    files = [path for path in (checkout / "results/tiny").glob("*.*") if path.is_file()]
    before = {path: path.read_bytes() for path in files}
    figures = sorted((checkout / "results/tiny/figures").iterdir())
    environment = {"PYTHONPATH": str(tmp_path / "broken")}
    done = snakemake(checkout, "--cores", "1", study=study, **environment)
    assert done.returncode != 0
    assert f"{REPORT} is still the former report. The next start makes it again." in done.stderr
    assert {path: path.read_bytes() for path in files} == before
    assert sorted((checkout / "results/tiny/figures").iterdir()) == figures
    assert not list((checkout / ".snakemake/former_report").iterdir())
    assert "  report  " in snakemake(checkout, "-n", study=study).stdout

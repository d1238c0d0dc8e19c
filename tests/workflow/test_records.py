"""Results tell what they are of: copied, touched, renamed or deleted, they never lie."""

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from project import planned, snakemake, tiny_study

RUN = "results/tiny/runs/digits/minimax/seed0"
SCORING = {"extractor", "evaluate", "report"}


@pytest.fixture
def copy(finished_study, tmp_path):
    """The finished study as `cp -r` copies it: with new times, and without .snakemake."""
    ignore = shutil.ignore_patterns(".snakemake")
    return shutil.copytree(
        finished_study, tmp_path / "copy", copy_function=shutil.copy, ignore=ignore
    )


@pytest.mark.promise("results-move")
def test_copy_without_times_and_hidden_files_plans_nothing(copy):
    for file in copy.glob("results/**/.*"):
        file.unlink()
    assert planned(copy, study=tiny_study()) == {}


@pytest.mark.promise("kill-study")
def test_run_that_ended_before_snakemake_noted_it_is_kept(copy):
    """Ctrl-C between the last file of a job and Snakemake's own note leaves its mark there."""
    marks = copy / ".snakemake/incomplete"
    marks.mkdir(parents=True)
    for run in (RUN, RUN.replace("seed0", "seed1")):
        for name in ("snapshots.pt", "train.record.json"):
            (marks / base64.b64encode(f"{run}/{name}".encode()).decode()).touch()
    assert planned(copy, study=tiny_study()) == {}
    (copy / RUN / "train.record.json").unlink()
    assert "train/digits/minimax/0" in planned(copy, study=tiny_study())


@pytest.mark.promise("changed-study-noticed")
def test_touched_results_of_another_study_are_made_again(copy):
    changed = tiny_study(evaluation={"extractor": "classifier", "samples": 150})
    touched = snakemake(copy, "--touch", "--cores", "1", study=changed)
    assert touched.returncode == 0, touched.stdout + touched.stderr
    jobs = planned(copy, "--rerun-triggers", "mtime", study=changed)
    assert {job.split("/")[0] for job in jobs} == SCORING


@pytest.mark.stress
@pytest.mark.promise("changed-study-noticed")
def test_results_of_another_study_are_not_reported_though_nothing_else_may_run(copy):
    changed = tiny_study(evaluation={"extractor": "classifier", "samples": 150})
    arguments = ("--allowed-rules", "report", "all", "--cores", "1")
    done = snakemake(copy, "report", *arguments, study=changed)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "were made with samples: 200, and the study has samples: 150" in said


@pytest.mark.promise("damaged-refused")
def test_all_damaged_results_are_refused_in_one_message_before_any_job(copy):
    names = [f"{RUN}/history.csv", f"{RUN}/scores.csv", "results/tiny/summary.csv"]
    for name in names:
        with (copy / name).open("a") as file:
            file.write("\n")
    done = snakemake(copy, "--cores", "1", study=tiny_study(title="Another title"))
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "2 files are not what this study wrote there" in said, "the tables are made again"
    assert said.count("run the same snakemake command again") == 1
    assert all(name in said.split("again: rm ")[1] for name in names[:2])


def test_results_without_records_are_told_in_one_message_and_made_again(copy):
    for record in copy.rglob("*.record.json"):
        record.unlink()
    done = snakemake(copy, "--dry-run", study=tiny_study())
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert said.count("without a record of what they are of") == 1
    assert "13 jobs left results" in said
    assert "To keep the results of another folder" in said


def test_deleting_all_output_leaves_nothing_behind(copy):
    (copy / "results/tiny/scores.csv").write_text("damaged")
    (copy / "results/tiny/checkpoints/digits_minimax_seed0").mkdir(parents=True, exist_ok=True)
    done = snakemake(copy, "--delete-all-output", study=tiny_study())
    assert done.returncode == 0, done.stdout + done.stderr
    assert list((copy / "results").rglob("*")) == []


@pytest.mark.promise("renamed-not-retrained")
def test_renamed_variant_is_neither_trained_nor_scored_again(copy):
    renamed = {"renamed": {"objective": "minimax"}, "non_saturating": {}}
    new = copy / RUN.replace("minimax", "renamed")
    scores = new.relative_to(copy) / "scores.csv"
    done = snakemake(copy, str(scores), "--cores", "1", study=tiny_study(variants=renamed))
    assert done.returncode == 0, done.stdout + done.stderr
    for stage in ("train", "evaluate"):
        (log,) = copy.glob(f"results/tiny/logs/{stage}/digits_renamed_seed0.log")
        assert f"taken over from {RUN}" in log.read_text()
    old = (copy / RUN / "scores.csv").read_text()
    assert (copy / scores).read_text() == old.replace("digits,minimax,", "digits,renamed,")
    runs = [json.loads((folder / "run.json").read_text()) for folder in (copy / RUN, new)]
    assert runs[1] == {**runs[0], "variant": "renamed"}


GENERATED = ["theory", pytest.param("", marks=pytest.mark.stress)]


@pytest.mark.parametrize("rule", GENERATED)
def test_unit_tests_that_snakemake_generates_pass(copy, rule):
    done = snakemake(copy, "--generate-unit-tests", study=tiny_study())
    assert done.returncode == 0, done.stdout + done.stderr
    tests = copy / ".tests/unit"
    written = {file.stem.removeprefix("test_") for file in tests.glob("test_*.py")}
    assert written == {"prepare", "extractor", "train", "evaluate", "theory", "report"}
    chosen = tests / f"test_{rule}.py" if rule else tests
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(chosen)]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # they start `python`
    done = subprocess.run(
        command,
        cwd=copy,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]

"""What a change of study or code re-runs, read from dry-runs over a finished tiny study."""

import json
import os
import re
import shutil
import subprocess
from copy import deepcopy

import pytest
from project import ROOT, planned, snakemake, tiny_study

RUN_RULES = ("train", "evaluate")


@pytest.fixture
def checkout(finished_study, tmp_path):
    """A copy of the finished tiny study, which Snakemake has no notes of."""
    ignore = shutil.ignore_patterns(".snakemake")
    return shutil.copytree(finished_study, tmp_path / "checkout", ignore=ignore)


def runs_of(variant: str, seeds=(0, 1)) -> dict[str, int]:
    return {f"{rule}/digits/{variant}/{seed}": 1 for rule in RUN_RULES for seed in seeds}


def test_finished_study_has_nothing_to_do(checkout):
    assert planned(checkout, study=tiny_study()) == {}


def test_fresh_study_plans_every_job_once(checkout):
    shutil.rmtree(checkout / "results")
    expected = {"prepare/digits": 1, "extractor/digits/classifier": 1, "report": 1}
    expected |= {"theory/minimax": 1, "theory/non_saturating": 1}
    assert planned(checkout, study=tiny_study()) == (
        expected | runs_of("minimax") | runs_of("non_saturating")
    )


def test_added_variant_schedules_its_own_jobs_and_the_report(checkout):
    variants = tiny_study()["variants"]
    slow = {"objective": "non_saturating", "training": {"optimizer": {"lr": "5e-5"}}}
    study = tiny_study(variants=variants | {"slow": slow})
    assert planned(checkout, study=study) == runs_of("slow") | {"report": 1}


def test_own_objective_is_derived_trained_and_reported(checkout):
    variants = tiny_study()["variants"]
    mine = {
        "discriminator": "softplus(-r) + softplus(f)",
        "generator": "0.5 * softplus(-f) - 0.5 * softplus(f)",
    }
    study = tiny_study(variants=variants | {"mine": {}}, objectives={"mine": mine})
    assert planned(checkout, study=study) == runs_of("mine") | {"theory/mine": 1, "report": 1}


def test_changed_learning_rate_reruns_that_variant_and_the_report(checkout):
    study = tiny_study()
    study["variants"]["minimax"] = {"training": {"optimizer": {"lr": 1e-3}}}
    assert planned(checkout, study=study) == runs_of("minimax") | {"report": 1}


def test_added_seed_trains_that_seed_alone(checkout):
    added = runs_of("minimax", [2]) | runs_of("non_saturating", [2])
    assert planned(checkout, study=tiny_study(seeds=3)) == added | {"report": 1}


def test_new_title_remakes_the_report_alone(checkout):
    assert planned(checkout, study=tiny_study(title="Another title")) == {"report": 1}


def test_changed_sample_count_scores_again_but_trains_nothing(checkout):
    evaluation = {**tiny_study()["evaluation"], "samples": 300}
    jobs = planned(checkout, study=tiny_study(evaluation=evaluation))
    assert {job.split("/")[0] for job in jobs} == {"extractor", "evaluate", "report"}


def test_another_extractor_scores_again_but_prepares_and_trains_nothing(checkout):
    jobs = planned(checkout, study=tiny_study(evaluation={"samples": 200}))
    assert {job.split("/")[0] for job in jobs} == {"extractor", "evaluate", "report"}


def test_removed_variant_is_removed_from_the_report(checkout):
    study = tiny_study(variants={"non_saturating": {}})
    assert planned(checkout, study=study) == {"report": 1}
    done = snakemake(checkout, "--cores", "1", study=study)
    assert done.returncode == 0, done.stderr
    assert (checkout / "results/tiny/runs/digits/minimax/seed0/scores.csv").exists()
    for table in ("scores.csv", "summary.csv", "comparisons.csv"):
        assert "minimax" not in (checkout / "results/tiny" / table).read_text()
    page = (checkout / "results/tiny/report.html").read_text()
    assert "</span>non_saturating</th>" in page
    assert "</span>minimax</th>" not in page


@pytest.mark.promise("nothing-rerun")
def test_options_of_execution_rerun_nothing(checkout):
    options = ("log_interval=1", "checkpoint_interval=7", "gpu_slots=2")
    assert planned(checkout, "--cores", "8", "--config", *options, study=tiny_study()) == {}


def git(checkout, *arguments: str) -> str:
    named = ("-c", "user.name=A", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    command = ["git", *named, *arguments]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True).stdout


@pytest.mark.promise("nothing-rerun")
def test_commit_reruns_nothing_and_names_the_runs_that_follow(checkout):
    run = "results/tiny/runs/digits/minimax/seed0/run.json"
    version = json.loads((checkout / run).read_text())["software"]["version"]
    git(checkout, "init", "--quiet")
    git(checkout, "add", "Snakefile", "pyproject.toml", "workflow")
    git(checkout, "commit", "--quiet", "--message", "first")
    commit = git(checkout, "rev-parse", "HEAD").strip()
    assert planned(checkout, study=tiny_study()) == {}
    for clean in (True, False):
        (checkout / run).unlink()
        done = snakemake(checkout, "--cores", "1", run, study=tiny_study())
        assert done.returncode == 0, done.stderr
        software = json.loads((checkout / run).read_text())["software"]
        assert software.pop("repository") is None  # it has no remote
        assert software == {"version": version, "commit": commit, "clean": clean}
        with (checkout / "Snakefile").open("a") as file:
            file.write("# a change that is not committed\n")


def test_reordered_keys_rerun_nothing(checkout):
    study = tiny_study()
    training = dict(reversed(study["training"].items()))
    assert planned(checkout, study=dict(reversed((study | {"training": training}).items()))) == {}


@pytest.mark.promise("nothing-rerun")
def test_numbers_in_another_notation_rerun_nothing(checkout):
    study = tiny_study()
    study["training"]["optimizer"]["lr"] = "0.002"
    study["training"]["steps"] = "4e1"
    study["seeds"] = [0, 1]
    assert planned(checkout, study=study) == {}


def test_touched_files_rerun_nothing(checkout):
    for file in (
        "workflow/scripts/train.py",
        "workflow/scripts/ganbench/training/step.py",
        "workflow/scripts/ganbench/catalogue/objectives.yaml",
        "workflow/scripts/ganbench/catalogue/metrics.yaml",
        "config/config.yaml",
        "results/tiny/datasets/digits/card.json",
        "results/tiny/runs/digits/minimax/seed0/snapshots.pt",
    ):
        os.utime(checkout / file)
    assert planned(checkout, study=tiny_study()) == {}


def test_edited_code_reruns_its_stage_and_a_restored_file_nothing(checkout):
    for file, rules in {
        "training/step.py": {"train", "evaluate", "report"},
        "evaluation/feature_metrics.py": {"extractor", "evaluate", "report"},
        "evidence/verdict.py": {"report"},
        "catalogue/metrics.yaml": {"report"},
    }.items():
        path = checkout / "workflow/scripts/ganbench" / file
        original = path.read_text()
        path.write_text(original + "\n# edited\n")
        jobs = planned(checkout, study=tiny_study())
        assert {job.split("/")[0] for job in jobs} == rules, file
        path.write_text(original)
    assert planned(checkout, study=tiny_study()) == {}


def test_until_stops_at_the_named_rule(checkout):
    shutil.rmtree(checkout / "results")
    jobs = planned(checkout, "--until", "train", study=tiny_study())
    assert {job.split("/")[0] for job in jobs} == {"prepare", "train"}


def test_cpu_runs_do_not_queue_for_a_gpu(checkout):
    shutil.rmtree(checkout / "results")
    study = deepcopy(tiny_study())
    study["training"]["device"] = "cpu"
    done = snakemake(checkout, "--dry-run", "-p", study=study)
    assert "gpu=0" in done.stdout
    assert "gpu=1" not in done.stdout
    study["training"]["device"] = "cuda"
    assert "gpu=1" in snakemake(checkout, "--dry-run", "-p", study=study).stdout


def requested(tmp_path, study: dict, rule: str, what: str) -> dict[str, str]:
    """What the jobs of `rule` request in a fresh study, by dataset/variant."""
    options = ("--dry-run", "-p", "--cores", "4", "--snakefile", str(ROOT / "Snakefile"))
    done = snakemake(tmp_path, *options, study=study)
    assert done.returncode == 0, done.stdout + done.stderr
    requests = {}
    for block in re.split(r"\n(?=\[)", done.stdout + done.stderr):
        if re.search(rf"^rule {rule}:", block, re.M):
            run = re.search(r"dataset=(\w+), variant=(\w+)", block)
            request = re.search(rf"\b{what}[=:] ?(\w+)", block)
            requests["/".join(run.groups())] = request[1] if request else ""
    return requests


def test_runs_request_their_own_threads_and_device(tmp_path):
    study = tiny_study(seeds=1)
    study["variants"]["minimax"] = {"training": {"threads": 2}}
    threads = requested(tmp_path, study, "train", "threads")
    assert threads == {"digits/minimax": "2", "digits/non_saturating": ""}  # one is not printed
    study["variants"]["minimax"] = {"training": {"device": "cuda"}}
    study["variants"]["non_saturating"] = {"training": {"device": "cpu"}}
    asked = requested(tmp_path, study, "train", "gpu")
    assert asked == {"digits/minimax": "1", "digits/non_saturating": "0"}


def test_larger_dataset_requests_more_memory(tmp_path):
    """What holds for all runs is planned once, but only that."""
    study = tiny_study(seeds=1, variants={"minimax": {}})
    study["datasets"] = {
        **study["datasets"],
        "large": {"kind": "fashion_mnist"},
    }
    training = requested(tmp_path, study, "train", "mem_mb")
    scoring = requested(tmp_path, study, "evaluate", "mem_mb")
    for memory in (training, scoring):
        assert int(memory["large/minimax"]) > int(memory["digits/minimax"])


KILL_FIRST_ATTEMPT = """
import os, pathlib, signal, sys
mark = pathlib.Path("killed")
if sys.orig_argv[-1].endswith("theory.py") and not mark.exists():
    mark.touch()
    os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when memory is exhausted
"""


def test_job_killed_for_its_memory_asks_for_more_when_it_is_tried_again(checkout):
    """Each rule's memory is counted the same way, which test_repository.py holds."""
    shutil.rmtree(checkout / "results/tiny/theory")
    (checkout / "shim").mkdir()
    (checkout / "shim/sitecustomize.py").write_text(KILL_FIRST_ATTEMPT, encoding="utf-8")
    arguments = ("--cores", "1", "--retries", "1", "--printshellcmds")
    file = "results/tiny/theory/minimax.json"
    done = snakemake(checkout, *arguments, file, study=tiny_study(), PYTHONPATH="shim")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (checkout / "killed").exists()
    asked = re.findall(r"\bmem_mb=(\d+)", done.stdout + done.stderr)
    assert asked == ["1000", "2000"]

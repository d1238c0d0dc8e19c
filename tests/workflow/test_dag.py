"""What a change of study or code re-runs, read from dry-runs over a finished tiny study."""

import os
import re
import shutil
from copy import deepcopy

import pytest
from project import ROOT, planned, snakemake, tiny_study

RUN_RULES = ("train", "evaluate")


@pytest.fixture
def checkout(finished_study, tmp_path):
    """A copy of the finished tiny study, its modification times kept."""
    return shutil.copytree(finished_study, tmp_path / "checkout", copy_function=shutil.copy2)


def runs_of(variant: str, seeds=(0, 1)) -> dict[str, int]:
    return {f"{rule}/digits/{variant}/{seed}": 1 for rule in RUN_RULES for seed in seeds}


def test_finished_study_has_nothing_to_do(checkout):
    assert planned(checkout, study=tiny_study()) == {}


def test_fresh_study_plans_every_stage_once_per_its_unit(checkout):
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


def test_added_objective_of_its_own_is_derived_trained_and_reported(checkout):
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


def test_other_sample_count_scores_again_but_trains_nothing(checkout):
    jobs = planned(checkout, study=tiny_study(evaluation={"samples": 300}))
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


@pytest.mark.parametrize(
    "arguments",
    [
        ("--cores", "1"),
        ("--cores", "8"),
        ("--config", "log_interval=1", "checkpoint_interval=7", "gpu_slots=2"),
    ],
)
def test_what_changes_no_result_reruns_nothing(checkout, arguments):
    assert planned(checkout, *arguments, study=tiny_study()) == {}


def test_reordered_keys_rerun_nothing_but_the_report_when_order_shows(checkout):
    study = tiny_study()
    training = dict(reversed(study["training"].items()))
    assert planned(checkout, study=dict(reversed((study | {"training": training}).items()))) == {}


def test_numbers_written_otherwise_rerun_nothing(checkout):
    study = tiny_study()
    study["training"]["optimizer"]["lr"] = "0.002"
    study["training"]["steps"] = "4e1"
    study["seeds"] = [0, 1]
    assert planned(checkout, study=study) == {}


@pytest.mark.parametrize(
    "file",
    [
        "workflow/scripts/ganbench/training/step.py",
        "workflow/scripts/ganbench/objectives.yaml",
        "config/config.yaml",
        "results/tiny/datasets/digits/card.json",
        "results/tiny/runs/digits/minimax/seed0/snapshots.pt",
    ],
)
def test_touched_file_reruns_nothing(checkout, file):
    os.utime(checkout / file)
    assert planned(checkout, study=tiny_study()) == {}


@pytest.mark.parametrize(
    ("file", "rules"),
    [
        ("training/step.py", {"train", "evaluate", "report"}),
        ("evaluation/feature_metrics.py", {"extractor", "evaluate", "report"}),
        ("report/page.py", {"report"}),
        ("evidence/verdicts.py", {"report"}),
    ],
)
def test_edited_code_reruns_its_stage_and_a_restored_file_nothing(checkout, file, rules):
    path = checkout / "workflow/scripts/ganbench" / file
    original = path.read_text()
    path.write_text(original + "\n# edited\n")
    jobs = planned(checkout, study=tiny_study())
    assert {job.split("/")[0] for job in jobs} == rules
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
    done = snakemake(checkout, "--dry-run", study=study)
    assert "gpu=0" in done.stdout
    assert "gpu=1" not in done.stdout
    study["training"]["device"] = "cuda"
    assert "gpu=1" in snakemake(checkout, "--dry-run", study=study).stdout


def asked_for(tmp_path, study: dict, rule: str, what: str) -> dict[str, str]:
    """What a fresh study's jobs of `rule` ask for, by dataset/variant, as a dry-run prints it."""
    given = ("--dry-run", "--cores", "4", "--snakefile", str(ROOT / "Snakefile"))
    done = snakemake(tmp_path, *given, study=study)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {}
    for block in re.split(r"\n(?=\[)", done.stdout + done.stderr):
        if re.search(rf"^rule {rule}:", block, re.M):
            run = re.search(r"dataset=(\w+), variant=(\w+)", block)
            said = re.search(rf"\b{what}[=:] ?(\w+)", block)
            found["/".join(run.groups())] = said[1] if said else ""
    return found


def test_runs_that_differ_in_threads_or_device_ask_for_their_own(tmp_path):
    study = tiny_study(seeds=1)
    study["variants"]["minimax"] = {"training": {"threads": 2}}
    threads = asked_for(tmp_path, study, "train", "threads")
    assert threads == {"digits/minimax": "2", "digits/non_saturating": ""}  # one is not printed
    study["variants"]["minimax"] = {"training": {"device": "cuda"}}
    study["variants"]["non_saturating"] = {"training": {"device": "cpu"}}
    asked = asked_for(tmp_path, study, "train", "gpu")
    assert asked == {"digits/minimax": "1", "digits/non_saturating": "0"}


def test_datasets_of_other_sizes_ask_for_their_own_memory(tmp_path):
    """What holds for all runs is planned once, but only that."""
    study = tiny_study(seeds=1, variants={"minimax": {}})
    study["datasets"] = {
        **study["datasets"],
        "large": {"kind": "fashion_mnist"},
    }
    training = asked_for(tmp_path, study, "train", "mem_mb")
    scoring = asked_for(tmp_path, study, "evaluate", "mem_mb")
    for memory in (training, scoring):
        assert int(memory["large/minimax"]) > int(memory["digits/minimax"])

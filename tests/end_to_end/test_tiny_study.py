"""A whole study, really run: what it writes, and that a report is written the same again."""

import json
import shutil
import zipfile

import numpy as np
import pandas as pd
import pytest
import torch
from ganbench.catalogue.metrics import METRICS
from project import copy_checkout, snakemake, tiny_study

FACTS = ("scores.csv", "summary.csv", "comparisons.csv")
RUNS = [(variant, seed) for variant in ("minimax", "non_saturating") for seed in (0, 1)]


@pytest.fixture(scope="module")
def results(finished_study):
    return finished_study / "results/tiny"


def test_every_run_leaves_its_files(results):
    for variant, seed in RUNS:
        folder = results / f"runs/digits/{variant}/seed{seed}"
        run = json.loads((folder / "run.json").read_text())
        assert (run["variant"], run["seed"]) == (variant, seed)
        assert (run["status"], run["step"]) == ("completed", 40)
        assert torch.load(folder / "snapshots.pt", weights_only=True)["steps"] == [20, 40]
        assert len(pd.read_csv(folder / "history.csv")) == 4
        assert set(pd.read_csv(folder / "scores.csv").step) == {20, 40}


def test_tables_hold_every_score_and_one_row_per_variant_and_metric(results):
    scores, summary, comparisons = (pd.read_csv(results / name) for name in FACTS)
    kinds = [metric for metric in METRICS.values() if metric.of in ("images", "training")]
    kinds = [metric for metric in kinds if not metric.name.startswith("stacked_")]
    against_train = {"memorisation", "copies"}  # and against no other images
    measures = sum(
        2 if metric.has_reference and metric.name not in against_train else 1 for metric in kinds
    )
    assert len(scores) == 4 * 2 * measures  # runs, snapshots, metrics against their references
    assert len(summary) == 2 * measures
    assert (summary.n == 2).all()
    assert (summary.failed == 0).all()
    assert set(comparisons.variant) == {"non_saturating"}
    assert set(comparisons.baseline) == {"minimax"}
    last = scores[(scores.step == 40) & (scores.metric == "FD-classifier")]
    last = last[last.reference == "held_out"].pivot(index="seed", columns="variant", values="value")
    row = comparisons.query("metric == 'FD-classifier' and reference == 'held_out'").iloc[0]
    centres = np.exp(np.log(last).mean())  # FD is compared on a log scale
    assert row.difference == pytest.approx(centres.non_saturating - centres.minimax)
    assert row.ratio == pytest.approx(centres.non_saturating / centres.minimax)


def test_resolved_study_lies_beside_the_report(results):
    study = json.loads((results / "study.json").read_text())
    assert study["seeds"] == [0, 1]
    assert study["runs"]["digits"]["minimax"]["optimizer"]["betas"] == [0.5, 0.999]


def test_every_run_ends_with_weights_of_its_own(results):
    ends = {
        (variant, seed): json.loads(
            (results / f"runs/digits/{variant}/seed{seed}/run.json").read_text()
        )["generator_sha256"]
        for variant, seed in RUNS
    }
    assert len(set(ends.values())) == len(RUNS)


@pytest.mark.promise("same-report")
def test_page_rebuilt_from_one_set_of_results_is_the_same(finished_study, tmp_path):
    checkout = shutil.copytree(finished_study, tmp_path / "c", copy_function=shutil.copy2)
    before = (checkout / "results/tiny/report.html").read_bytes()
    done = snakemake(checkout, "--cores", "1", "--forcerun", "report", study=tiny_study())
    assert done.returncode == 0, done.stderr
    assert (checkout / "results/tiny/report.html").read_bytes() == before


def test_snakemakes_own_report_is_written(finished_study, tmp_path):
    checkout = shutil.copytree(finished_study, tmp_path / "c", copy_function=shutil.copy2)
    done = snakemake(checkout, "--report", "out.zip", study=tiny_study())
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(checkout / "out.zip") as archive:
        assert any(name.endswith("report.html") for name in archive.namelist())


def test_keep_going_finishes_the_other_runs_when_one_job_fails(tmp_path):
    study = tiny_study(seeds=1, training=tiny_study()["training"] | {"steps": 4, "snapshots": 1})
    study["variants"] = {"non_saturating": {}, "minimax": {"training": {"device": "cuda"}}}
    if torch.cuda.is_available():
        study["variants"]["minimax"]["training"] = {"network": {"width": 10**9}}
    checkout = copy_checkout(tmp_path / "checkout")
    done = snakemake(checkout, "--cores", "2", "--keep-going", study=study)
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "torch finds no CUDA device" in output or "memory" in output
    runs = checkout / "results/tiny/runs/digits"
    assert (runs / "non_saturating/seed0/scores.csv").exists()
    assert not (runs / "minimax/seed0/run.json").exists()
    assert not (checkout / "results/tiny/report.html").exists()

"""A whole study, really run: what it writes, and that it writes the same again."""

import json
import shutil
import zipfile

import pandas as pd
import pytest
import torch
from project import TINY, copy_checkout, snakemake, tiny_study

FACTS = ("scores.csv", "summary.csv", "comparisons.csv")
RUNS = [(variant, seed) for variant in ("minimax", "non_saturating") for seed in (0, 1)]


@pytest.fixture(scope="module")
def results(finished_study):
    return finished_study / "results/tiny"


@pytest.fixture(scope="module")
def again(tmp_path_factory):
    """The same study once more, in another place and process, one job at a time."""
    elsewhere = tmp_path_factory.mktemp("again") / "else where"
    elsewhere.mkdir()
    checkout = copy_checkout(elsewhere.parent / "checkout")
    done = snakemake(
        checkout, "--cores", "1", "--directory", str(elsewhere), "--configfile", str(TINY)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (checkout / "results").exists()
    return elsewhere / "results/tiny"


@pytest.mark.parametrize(("variant", "seed"), RUNS)
def test_every_run_leaves_its_files(results, variant, seed):
    folder = results / f"runs/digits/{variant}/seed{seed}"
    run = json.loads((folder / "run.json").read_text())
    assert (run["variant"], run["seed"], run["status"], run["step"]) == (
        variant,
        seed,
        "completed",
        40,
    )
    assert torch.load(folder / "snapshots.pt", weights_only=True)["steps"] == [20, 40]
    assert len(pd.read_csv(folder / "history.csv")) == 4
    assert set(pd.read_csv(folder / "scores.csv").step) == {20, 40}


def test_tables_hold_every_score_and_one_row_per_variant_and_metric(results):
    scores, summary, comparisons = (pd.read_csv(results / name) for name in FACTS)
    assert len(scores) == 4 * 2 * 14  # runs, snapshots, metrics against their references
    assert len(summary) == 2 * 14
    assert (summary.n == 2).all()
    assert (summary.failed == 0).all()
    assert set(comparisons.variant) == {"non_saturating"}
    assert set(comparisons.baseline) == {"minimax"}
    last = scores[(scores.step == 40) & (scores.metric == "FD-classifier")]
    last = last[last.reference == "held_out"].pivot(index="seed", columns="variant", values="value")
    row = comparisons.query("metric == 'FD-classifier' and reference == 'held_out'").iloc[0]
    assert row.difference == pytest.approx((last.non_saturating - last.minimax).mean())


def test_resolved_study_lies_beside_the_report(results):
    study = json.loads((results / "study.json").read_text())
    assert study["seeds"] == [0, 1]
    assert study["runs"]["digits"]["minimax"]["optimizer"]["betas"] == [0.5, 0.999]


def test_matched_seeds_share_initial_and_different_ends(results):
    ends = {
        (variant, seed): json.loads(
            (results / f"runs/digits/{variant}/seed{seed}/run.json").read_text()
        )["generator_sha256"]
        for variant, seed in RUNS
    }
    assert len(set(ends.values())) == len(RUNS)


def test_other_process_place_and_cores_give_the_same_bytes(results, again):
    for name in FACTS:
        assert (results / name).read_bytes() == (again / name).read_bytes(), name
    for variant, seed in RUNS:
        for name in ("snapshots.pt", "samples.png", "scores.csv"):
            file = f"runs/digits/{variant}/seed{seed}/{name}"
            assert (results / file).read_bytes() == (again / file).read_bytes(), file


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
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "torch finds no CUDA device here" in said or "memory" in said
    runs = checkout / "results/tiny/runs/digits"
    assert (runs / "non_saturating/seed0/scores.csv").exists()
    assert not (runs / "minimax/seed0/run.json").exists()
    assert not (checkout / "results/tiny/report.html").exists()

"""A study with a sweep: its settings are trained, scored and shown as a tuning budget only."""

import pandas as pd
import pytest
import yaml
from project import copy_checkout, planned, snakemake, tiny_study


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return copy_checkout(tmp_path_factory.mktemp("sweep") / "checkout")


def study(settings):
    rates = {"low": 1e-4, "high": 1e-2, "scale": "log"}
    return tiny_study(
        seeds=1,
        training=tiny_study()["training"] | {"steps": 4},
        variants={"minimax": {}},
        evaluation={"samples": 100},
        sweep={"settings": settings, "training": {"optimizer.lr": rates}},
    )


def test_settings_are_trained_and_shown_as_a_tuning_budget_only(checkout):
    done = snakemake(checkout, "--cores", "2", study=study(2))
    assert done.returncode == 0, done.stdout + done.stderr
    results = checkout / "results/tiny"
    assert len(list(results.glob("runs/digits/*/*/scores.csv"))) == 3
    tuning = pd.read_csv(results / "tuning.csv")
    assert tuning.settings.tolist() == [0, 1, 2]
    assert set(tuning.variant) == {"minimax"}
    assert tuning.value.notna().all()
    assert set(pd.read_csv(results / "summary.csv").variant) == {"minimax"}
    assert set(pd.read_csv(results / "scores.csv").variant) == {"minimax"}
    assert (results / "figures/tuning-digits.svg").exists()
    page = (results / "report.html").read_text()
    assert "Score against tuning budget" in page
    winner = pd.read_csv(results / "winners.csv").iloc[0]
    assert winner.setting in ("minimax", "minimax_s1", "minimax_s2")
    assert winner.value <= winner.untuned
    pasted = yaml.safe_load(winner.yaml)
    assert page.count("YAML of the best settings on digits") == 1
    assert set(pasted) == {"minimax"}


def test_added_setting_runs_alone_with_the_report(checkout):
    assert not planned(checkout, study=study(2))
    assert set(planned(checkout, study=study(3))) == {
        "train/digits/minimax_s3/0",
        "evaluate/digits/minimax_s3/0",
        "report",
    }

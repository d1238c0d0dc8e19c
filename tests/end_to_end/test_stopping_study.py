"""A study of which some variants stop by a metric of their images, measured while they train."""

import json

import pytest
from project import copy_checkout, planned, snakemake, tiny_study


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The study, and the checkout in which it ran."""
    checkout = copy_checkout(tmp_path_factory.mktemp("stopping") / "checkout")
    stops = {
        "watched": {"metric": "FD", "patience": 9},
        "stopped": {"metric": "recall", "patience": 1},  # so early there is none, so none improves
    }
    variants = {
        name: {"objective": "minimax", "training": {"stop": stop}} for name, stop in stops.items()
    }
    study = tiny_study(seeds=1, variants={"whole": {"objective": "minimax"}, **variants})
    study["training"] |= {"snapshots": 4}
    done = snakemake(checkout, "--cores", "2", study=study)
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout, study


def read_run(checkout, variant, name="run.json"):
    return json.loads((checkout / f"results/tiny/runs/digits/{variant}/seed0/{name}").read_text())


def test_run_ends_at_the_snapshot_that_does_not_improve(study):
    run = read_run(study[0], "stopped")
    assert (run["status"], run["step"], run["best_step"]) == ("completed", 20, 10)
    assert run["reason"] == "recall has not improved over 1 snapshots (best 0 at step 10, now 0)"


def test_run_that_is_scored_while_it_trains_has_the_same_bits(study):
    runs = [read_run(study[0], name) for name in ("whole", "watched")]
    assert runs[0]["generator_sha256"] == runs[1]["generator_sha256"]
    assert runs[0]["best_step"] is None
    assert runs[1]["best_step"] in (10, 20, 30, 40)


def test_only_runs_that_are_scored_wait_for_the_extractor(study):
    reads_features = {
        name: any(
            "features.npz" in file
            for file in read_run(study[0], name, "train.record.json")["inputs"]
        )
        for name in ("whole", "watched", "stopped")
    }
    assert reads_features == {"whole": False, "watched": True, "stopped": True}


def test_an_edit_of_scoring_trains_only_these_runs_again(study):
    checkout, given = study
    assert not planned(checkout, study=given)
    scoring = checkout / "workflow/scripts/ganbench/evaluation/stopping_score.py"
    text = scoring.read_text()
    scoring.write_text(text + "\n# another\n")
    again = planned(checkout, study=given)
    scoring.write_text(text)
    assert {job for job in again if job.startswith("train")} == {
        "train/digits/stopped/0",
        "train/digits/watched/0",
    }

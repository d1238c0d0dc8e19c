"""What follows `snakemake` on the command line: names of rules, --until, folders that are there."""

import json
import os
import shutil

import pytest
from project import copy_checkout, planned, snakemake

STUDY = {
    "study": "mixed",
    "datasets": {"digits": {}, "spiral": {}},
    "variants": {"minimax": {}},
    "seeds": 1,
}
PREPARED = {"prepare/digits": 1, "prepare/spiral": 1}
TRAINED = PREPARED | {"train/digits/minimax/0": 1, "train/spiral/minimax/0": 1}
SCORED_POINTS = {
    "prepare/spiral": 1,
    "train/spiral/minimax/0": 1,
    "evaluate_density/spiral/minimax/0": 1,
}
EXTRACTED = {"prepare/digits": 1, "extractor/digits/digits": 1}  # digits-v1, as far as a word goes
SCORED = TRAINED | EXTRACTED | SCORED_POINTS | {"evaluate/digits/minimax/0": 1}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return copy_checkout(tmp_path_factory.mktemp("targets") / "checkout")


@pytest.mark.parametrize(
    ("arguments", "jobs"),
    [
        (["train"], TRAINED),
        (
            ["theory", "density_floor", "extractor"],
            EXTRACTED | {"density_floor/spiral": 1, "theory/minimax": 1},
        ),
        (["--until", "evaluate"], SCORED),
        (["evaluate"], SCORED),
        (["--omit-from", "extractor"], TRAINED | SCORED_POINTS | {"theory/minimax": 1}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_name_of_a_rule_stands_for_all_its_jobs(checkout, arguments, jobs):
    assert planned(checkout, *arguments, study=STUDY) == jobs


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "'trian' is neither a rule nor a file"),
        (["density_floor"], "density_floor: this study has no data for this rule"),
    ],
)
def test_target_that_is_not_there_is_refused_in_one_message(checkout, arguments, message):
    study = STUDY | {"study": "digits_only", "datasets": {"digits": {}}}
    done = snakemake(checkout, "--dry-run", *arguments, study=study)
    assert done.returncode != 0
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.fixture
def photos(tmp_path):
    """A folder of images with two classes whose names Snakemake cannot take."""
    for name in (b"{cat}", b"caf\xe9", b"dog"):
        os.mkdir(os.path.join(os.fsencode(tmp_path), name))
    return tmp_path


def study_of(source):
    photos = {"kind": "image_folder", "source": str(source), "resolution": 8}
    return STUDY | {"study": "photos", "datasets": {"photos": photos}}


def test_folders_with_braces_or_without_utf8_are_planned(checkout, photos):
    assert planned(checkout, "prepare", study=study_of(photos)) == {"prepare/photos": 1}


def test_missing_source_is_found_while_planning(checkout):
    done = snakemake(checkout, "--dry-run", study=study_of("~/gone"))
    assert done.returncode != 0
    message = "datasets.photos.source: there is no folder ~/gone, which is "
    assert message in done.stdout + done.stderr


def test_odd_names_and_spellings_reach_the_job(checkout):
    """One real run of three lines: the data set is called 1, the variant null."""
    study = (
        "study: 2024\ndatasets: {1: {kind: mixture_1d}}\nvariants: {null: {objective: minimax}}\n"
        "seeds: [0e0]\ntraining: {steps: 2e1, snapshots: 1}\ncheckpoint_interval: 1e1\n"
        'gpu_slots: 2e0\nlog_interval: "5"\n'
    )
    done = snakemake(checkout, "train", "--cores", "1", study=study)
    assert done.returncode == 0, done.stdout + done.stderr
    file = checkout / "results/2024/runs/1/null/seed0/run.json"
    run = json.loads(file.read_text(encoding="utf-8"))
    assert (run["dataset"], run["variant"], run["status"]) == ("1", "null", "completed")
    assert run["parameters"]["network"]["name"] == "mlp"
    shutil.rmtree(checkout / "results")

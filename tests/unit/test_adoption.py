"""A renamed variant takes over what its former name trained and scored, and nothing else does."""

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from ganbench.jobs import files
from ganbench.jobs.records.adoption import adopt_results
from ganbench.jobs.records.recording import RecordedJob
from records_example import write_record

RUNS = Path("results/s/runs/digits")
NAMES = ("snapshots.pt", "scores.csv", "run.json")
PARAMETERS = {"code": "c", "parameters": "{}"}
SCORES = "dataset,variant,seed,value\ndigits,{},0,0.10\ndigits,{},0,\n"


def make_run(variant: str, **changes: object) -> Path:
    """A finished run, with a record that `changes` make differ."""
    folder = RUNS / variant / "seed0"
    files.write_text(folder / "snapshots.pt", "weights")
    files.write_text(folder / "scores.csv", SCORES.format(variant, variant))
    files.write_json(folder / "run.json", {"dataset": "digits", "variant": variant, "ä": 1.50})
    arguments = {"rule": "train", "parameters": PARAMETERS, "inputs": (Path("data.npz"),)}
    write_record(folder / "train.record.json", NAMES, **{**arguments, **changes})
    return folder


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("data.npz").write_text("data")


def adopt(variant: str, *variants: str) -> RecordedJob | None:
    """The job of `variant` in a study with `variants`, if it took over results."""
    folder = RUNS / variant / "seed0"
    snakemake = SimpleNamespace(
        config={"execution": {"variants": [variant, *variants]}},
        wildcards=SimpleNamespace(variant=variant),
    )
    job = RecordedJob(
        log=io.StringIO(),
        file=folder / "train.record.json",
        rule="train",
        parameters=PARAMETERS,
        inputs={"data.npz": files.provenance.sha256(b"data")},
        outputs=tuple(folder / name for name in NAMES),
    )
    return job if adopt_results(job, snakemake) else None


def test_renamed_run_has_the_bytes_of_one_that_was_trained_under_the_new_name():
    old, job = make_run("old"), adopt("new", "other")
    adopted = {name: (RUNS / "new/seed0" / name).read_bytes() for name in NAMES}
    assert job.taken_from == old.as_posix()
    assert f"taken over from {old}" in job.log.getvalue()
    trained = make_run("new")
    assert adopted == {name: (trained / name).read_bytes() for name in NAMES}
    assert json.loads(adopted["run.json"])["variant"] == "new"


def test_variant_of_the_study_keeps_its_results_to_itself():
    make_run("twin")
    assert adopt("new", "twin") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"parameters": {**PARAMETERS, "code": "d"}},
        {"parameters": {**PARAMETERS, "parameters": '{"lr":1}'}},
        {"rule": "evaluate"},
        {"inputs": ()},
    ],
)
def test_run_that_differs_is_not_taken_over(changes):
    make_run("old", **changes)
    assert adopt("new") is None


def test_run_on_other_data_is_not_taken_over():
    make_run("old")
    Path("data.npz").write_text("data")
    make_run("older")
    Path("data.npz").write_text("other")
    make_run("oldest")
    assert adopt("new", "old", "older") is None


@pytest.mark.parametrize("name", [*NAMES, "train.record.json"])
@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"damaged")])
def test_damaged_run_is_not_taken_over(name, damage):
    damage(make_run("old") / name)
    assert adopt("new") is None
    assert not (RUNS / "new").exists()

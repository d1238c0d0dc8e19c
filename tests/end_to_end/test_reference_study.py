"""A study that names a published one: its own variant alone is trained, and compared with all."""

import json
import random
import shutil
import zipfile

import pandas as pd
import pytest
from ganbench.catalogue import plugins
from ganbench.catalogue.columns import load_tables
from ganbench.commands import repetition
from ganbench.commands.bundle import bundle_study
from ganbench.commands.bundle_check import BundleError, _repeat, check_bundle, unpack
from ganbench.jobs.provenance import sha256
from ganbench.study.resolve import resolve
from ganbench.study.unresolve import unresolve, unresolve_runs
from project import copy_checkout, planned, snakemake, tiny_study
from test_published_results import program


@pytest.fixture(scope="module")
def published(finished_study, tmp_path_factory):
    """The tiny study as it is published from results without snapshots."""
    results = tmp_path_factory.mktemp("published") / "results"
    ignore = shutil.ignore_patterns("snapshots.pt", "data.npz", "network.pt", "features.npz")
    shutil.copytree(finished_study / "results/tiny", results, ignore=ignore)
    folder = results.with_name("tiny")
    program("publish").publish_study(results, folder)
    return folder


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return copy_checkout(tmp_path_factory.mktemp("reference") / "checkout")


@pytest.fixture(scope="module")
def bundle(finished_study, tmp_path_factory):
    archive = tmp_path_factory.mktemp("bundle") / "tiny.zip"
    bundle_study(finished_study / "results/tiny", archive)
    return archive


def second_study(published, **changes):
    study = tiny_study(study="second", variants={"hinge": {}}, reference=[str(published)])
    return study | changes


def test_own_variant_alone_is_trained_and_compared_with_all_published_ones(checkout, published):
    study = second_study(published)
    jobs = planned(checkout, study=study)
    assert {job for job in jobs if job.startswith("train")} == {
        "train/digits/hinge/0",
        "train/digits/hinge/1",
    }
    assert jobs["reference/tiny"] == 1
    done = snakemake(checkout, "--cores", "2", study=study)
    assert done.returncode == 0, done.stdout + done.stderr
    results = checkout / "results/second"
    table = pd.read_csv(results / "comparisons.csv")
    declared = table[table["role"] == "declared"]
    assert list(declared["baseline"]) == ["tiny/minimax", "tiny/non_saturating"]
    assert set(declared["n_pairs"]) == {2}  # one machine, one lock
    assert declared["verdict"].notna().all()
    ours, theirs = (
        pd.read_csv(file) for file in (results / "scores.csv", published / "scores.csv")
    )
    copied = ours[ours["variant"] == "tiny/minimax"]["value"].to_list()
    assert copied == theirs[theirs["variant"] == "minimax"]["value"].to_list()
    assert not planned(checkout, study=study)  # finished
    shutil.copytree(published, checkout / "tiny")
    assert planned(checkout, study=second_study("tiny")) == {"report": 1}  # which names the place
    with (checkout / "tiny/scores.csv").open("a") as scores:
        scores.write("\n")
    assert planned(checkout, study=second_study("tiny")) == {"reference/tiny": 1, "report": 1}


@pytest.mark.usefixtures("checkout")
def test_altered_reference_and_other_samples_are_refused_before_any_run(checkout, published):
    study = second_study(published, evaluation={"extractor": "classifier", "samples": 150})
    done = snakemake(checkout, "--cores", "2", study=study)
    assert done.returncode == 1
    assert "evaluation.samples on digits: 150 here, 200 in the reference" in done.stderr
    altered = shutil.copytree(published, checkout / "altered")
    scores = altered / "scores.csv"
    scores.write_text(scores.read_text().replace(",0,held_out", ",0,train", 1))
    study = second_study(altered, study="third")
    done = snakemake(checkout, "--cores", "2", "--until", "train", study=study)
    assert done.returncode == 1
    assert "scores.csv is not what was written there" in done.stdout + done.stderr
    assert not list(checkout.glob("results/third/runs/*/*/*/run.json"))


def test_bundle_has_the_same_bytes_each_time_and_describes_every_column(
    bundle, finished_study, tmp_path
):
    again = tmp_path / "again.zip"
    line = bundle_study(finished_study / "results/tiny", again)
    assert again.read_bytes() == bundle.read_bytes()
    assert "with 4 generators as safetensors" in line
    folder = tmp_path / "unpacked"
    unpack(bundle, folder)
    package = json.loads((folder / "datapackage.json").read_text())
    tables = [resource for resource in package["resources"] if resource.get("type") == "table"]
    kinds = {resource["path"].rpartition("/")[2].removesuffix(".csv") for resource in tables}
    assert kinds >= {"scores", "summary", "comparisons", "history", "nearest", "floor"}
    for resource in tables:
        fields = resource["schema"]["fields"]
        header = (folder / resource["path"]).read_text().splitlines()[0]
        assert [field["name"] for field in fields] == header.split(",")
        assert all(field.get("description") for field in fields), resource["path"]
        for field in fields:
            values = pd.read_csv(folder / resource["path"])[field["name"]]
            is_number = pd.api.types.is_numeric_dtype(values)
            assert is_number or field["type"] == "string" or values.isna().all(), field
    paths = {resource["path"] for resource in package["resources"]}
    files = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert files - paths == {"datapackage.json"}


def test_bundle_without_snapshots_has_no_weights_and_says_so(published, finished_study, tmp_path):
    results = tmp_path / "results"
    ignore = shutil.ignore_patterns("snapshots.pt")
    shutil.copytree(finished_study / "results/tiny", results, ignore=ignore)
    assert "there are no snapshots.pt" in bundle_study(results, tmp_path / "light.zip")
    assert "hold" in check_bundle(tmp_path / "light.zip", runs=0, scores=0, seed=0)


def rewrite(bundle, target, change):
    """A copy of a bundle in which `change` gets the name and bytes of each file, or drops it."""
    with zipfile.ZipFile(bundle) as before, zipfile.ZipFile(target, "w") as after:
        for name in before.namelist():
            content = change(name, before.read(name))
            if content is not None:
                after.writestr(name, content)
    return target


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda name, text: text + b"\n" if name == "scores.csv" else text, "scores.csv was alt"),
        (lambda name, text: None if name == "summary.csv" else text, "summary.csv is missing"),
        (lambda name, text: None if name == "manifest-sha256.txt" else text, "there is no manif"),
        (lambda name, text: b"x" if name == "manifest-sha256.txt" else text, "is damaged"),
    ],
)
def test_altered_bundle_is_refused_with_the_name_of_the_file(bundle, tmp_path, change, problem):
    with pytest.raises(BundleError, match=problem):
        unpack(rewrite(bundle, tmp_path / "bad.zip", change), tmp_path / "unpacked")


def test_altered_file_with_a_new_manifest_contradicts_its_record(bundle, tmp_path):
    with zipfile.ZipFile(bundle) as archive:
        before = sha256(archive.read("scores.csv"))
        after = sha256(archive.read("scores.csv") + b"\n")

    def change(name, text):
        if name == "scores.csv":
            return text + b"\n"
        return text.replace(before.encode(), after.encode()) if name.startswith("mani") else text

    with pytest.raises(BundleError, match=r"scores\.csv is not what its job wrote"):
        unpack(rewrite(bundle, tmp_path / "bad.zip", change), tmp_path / "unpacked")


def test_study_of_a_bundle_resolves_to_the_same_runs(bundle, tmp_path):
    unpack(bundle, tmp_path / "unpacked")
    study = json.loads((tmp_path / "unpacked/study.json").read_text())
    for written in (unresolve(study), unresolve_runs(study, tmp_path)):
        assert resolve(written, "again.yaml")["runs"] == study["runs"]


def test_runs_and_scores_of_a_bundle_come_out_again(bundle, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(repetition, "FOLDER", tmp_path / "verify")
    monkeypatch.chdir(tmp_path)
    line = check_bundle(bundle, runs=1, scores=1, seed=0, cores="2")
    assert line == f"{bundle}: all checks hold"
    said = capfd.readouterr().out
    assert "the same bits" in said
    assert "1 of 1 runs hold" in said
    assert "holds  scores of digits" in said


def test_bundle_of_a_study_with_plugins_is_repeated_with_the_same_plugins_alone(
    bundle, tmp_path, monkeypatch
):
    def change(name, content):
        if name != "study.json":
            return content
        study = json.loads(content)
        parts = {"metric": {"mean": {"file": "mine.py", "sha256": "0" * 64}}}
        return json.dumps(study | {"plugins": "mine.py", "parts": parts}).encode()

    monkeypatch.setattr(repetition, "FOLDER", tmp_path / "verify")
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder)
    file = folder / "study.json"
    file.write_bytes(change("study.json", file.read_bytes()))
    for text, problem in (
        (None, "there is no file .*mine.py.*never executed from elsewhere"),
        ("import ganbench\n" + METRIC, "the plugins in the working directory are not those"),
    ):
        if text:
            (tmp_path / "mine.py").write_text(text)
        with pytest.raises(BundleError, match=problem):
            _repeat(folder, 1, 0, random.Random(0), "1")
    plugins.forget_plugins()


METRIC = """
@ganbench.metric("mean", better="lower", definition="d")
def mean(generated, real):
    return 0.0
"""


def test_bundle_is_a_reference(bundle, published):
    for source in (bundle, published):
        resolved = resolve(second_study(source), "second.yaml")
        assert resolved["references"]["tiny"]["variants"] == {
            "digits": ["tiny/minimax", "tiny/non_saturating"]
        }


def test_published_folder_names_every_column(published):
    package = json.loads((published / "datapackage.json").read_text())
    paths = {resource["path"] for resource in package["resources"]}
    assert {"scores.csv", "runs.json", "datasets/digits/prepare.record.json"} <= paths
    assert not any(path.endswith((".pt", ".npz")) for path in paths)
    assert load_tables().keys() >= {"scores", "summary"}

"""What people type beside a study: paths, names of rules, a folder to write to."""

import subprocess
import sys
from pathlib import Path

import pytest
from ganbench.study import paths
from ganbench.study.command_line import check_names, complete_stages
from ganbench.study.resolve import resolve, select_execution
from ganbench.study.schema import StudyError
from project import ROOT

RULES = ["all", "prepare", "train", "evaluate", "evaluate_density"]


def study_of_folder(source: str, weights: str = "") -> dict:
    photos = {"kind": "image_folder", "source": source, "resolution": 8}
    study = {"study": "s", "datasets": {"photos": photos}, "variants": {"minimax": {}}}
    evaluation = {"extractor": "vgg16", "weights": weights}
    return resolve(study | {"evaluation": evaluation}, "s.yaml")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data/vgg.pt").touch()
    return tmp_path


@pytest.mark.parametrize("written", ["~/data", "$DATA", "${DATA}", "$HOME/data"])
def test_home_and_variables_in_paths_are_replaced(home, written):
    expected = str(home / "data")
    execution = select_execution(study_of_folder(written, f"{written}/vgg.pt"))
    assert execution["sources"] == {"photos": expected}
    assert execution["weights"] == f"{expected}/vgg.pt"


def test_resolved_study_keeps_paths_as_they_are_written(home):
    study = study_of_folder("~/data", "$DATA/vgg.pt")
    assert study["datasets"]["photos"]["source"] == "~/data"
    assert study["evaluation"]["weights"] == "$DATA/vgg.pt"


def test_folder_and_weights_that_are_there_are_accepted(home):
    study = study_of_folder("~/data", "$DATA/vgg.pt")
    paths.check_sources(study, study["datasets"])
    paths.check_weights(study)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("nowhere", "there is no folder nowhere; put it there or correct the key"),
        ("~/photos", "there is no folder ~/photos, which is "),
        (
            "$NO_SUCH/photos",
            "there is no folder $NO_SUCH/photos, where the environment has no such variable",
        ),
        ("~/data/vgg.pt", "there is no folder ~/data/vgg.pt, which is "),
    ],
)
def test_source_that_is_no_folder_is_named(home, monkeypatch, written, words):
    monkeypatch.delenv("NO_SUCH", raising=False)
    study = study_of_folder(written)
    with pytest.raises(StudyError) as error:
        paths.check_sources(study, ["photos"])
    assert f"datasets.photos.source: {words}" in str(error.value)
    paths.check_sources(study, [])


def test_weights_that_are_no_file_are_named(home):
    with pytest.raises(StudyError, match=r"evaluation.weights: there is no file ~/data, which is"):
        paths.check_weights(study_of_folder("~/data", "~/data"))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("trian", "; did you mean 'train'?"),
        ("evalute", "; did you mean 'evaluate'?"),
        ("x", "result"),
    ],
)
def test_mistyped_name_is_refused_with_the_rules(name, hint):
    with pytest.raises(StudyError) as error:
        check_names(["train", name], RULES)
    assert str(error.value).startswith(
        f"{name!r} is neither a rule nor a file, expected one of all"
    )
    assert str(error.value).endswith(hint)


def test_rules_paths_and_files_that_exist_are_accepted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("kept.csv").touch()
    check_names([*RULES, "results/s/report.html", "kept.csv"], RULES)


def test_stage_stands_for_its_rules_of_images_and_points():
    stages = {"evaluate": ["evaluate_density"]}
    assert complete_stages(["evaluate"], stages) == {"evaluate", "evaluate_density"}
    assert complete_stages(["train", "evaluate_density"], stages) == {"train", "evaluate_density"}


def run_check(file: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "workflow/schemas/check_study.py", file],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_check_prints_the_name_of_a_study():
    done = run_check("config/config.yaml")
    assert (done.returncode, done.stdout) == (0, "goodfellow2014\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "the file cannot be read: No such file or directory"),
        (b"study: caf\xe9", "line 1 is not UTF-8"),
        (b"study: s", "missing the key 'datasets'"),
    ],
)
def test_check_refuses_a_file_with_one_line(tmp_path, content, message):
    if content is not None:
        (tmp_path / "s.yaml").write_bytes(content)
    done = run_check(str(tmp_path / "s.yaml"))
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1

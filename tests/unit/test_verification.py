"""`ganbench verify`: what is refused before anything runs, and where the command is described."""

import json
import shutil

import pytest
import yaml
from ganbench.commands import arguments, published_check, repetition
from ganbench.jobs.errors import ActionableError
from project import ROOT, tiny_study


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with the published default study, its shipped file, and nothing else."""
    for module in (published_check, repetition):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(repetition, "FOLDER", tmp_path / "results/verify")
    (tmp_path / "config").mkdir()
    shutil.copy(ROOT / "config/config.yaml", tmp_path / "config")
    folder = tmp_path / "results/published/goodfellow2014"
    folder.mkdir(parents=True)
    for name in published_check.NEEDED:
        shutil.copy(ROOT / "results/published/goodfellow2014" / name, folder)
    return tmp_path


@pytest.fixture
def trained(monkeypatch):
    """The calls of `repeat_runs`, which train nothing."""
    calls = []
    monkeypatch.setattr(repetition, "repeat_runs", lambda *call: calls.append(call) or 0)
    return calls


def test_first_seed_of_the_first_two_variants_is_repeated_unless_others_are_named(
    checkout, trained
):
    assert arguments.main(["verify"]) == 0
    assert trained[0][2] == [
        (dataset, variant, 10)
        for dataset in ("digits", "mixture_1d")
        for variant in ("sgd_minimax", "sgd_non_saturating")
    ]
    given = ["--variants", "adam_minimax", "--seeds", "11", "12", "--cores", "2"]
    assert arguments.main(["verify", "goodfellow2014", *given]) == 0
    assert {run[1:] for run in trained[1][2]} == {("adam_minimax", 11), ("adam_minimax", 12)}
    assert trained[1][3] == "2"


def test_failed_repetitions_are_the_status(checkout, monkeypatch):
    monkeypatch.setattr(repetition, "repeat_runs", lambda *_: 3)
    assert arguments.main(["verify"]) == 1


def test_file_in_config_that_is_no_study_is_passed_over(checkout, trained):
    (checkout / "config/a_common.yaml").write_text("training: {steps: 1}\n")
    assert arguments.main(["verify"]) == 0
    assert trained


def refuse(*given: str) -> str:
    with pytest.raises(ActionableError) as error:
        published_check.verify_study(*given or ("goodfellow2014",), None, None, "1")
    return str(error.value)


@pytest.mark.parametrize("others", [True, False])
def test_study_that_was_never_published_is_refused(checkout, others):
    if not others:
        shutil.rmtree(checkout / "results/published/goodfellow2014")
    said = refuse("new")
    assert "new: there is no study.json and no runs.json and no scores.csv" in said
    assert ("published are goodfellow2014" if others else "nothing is published yet") in said
    assert "python results/published/publish.py new" in said


def test_study_that_was_changed_since_is_refused(checkout):
    file = checkout / "config/config.yaml"
    changed = yaml.safe_load(file.read_text()) | {"seeds": 3}
    file.write_text(yaml.safe_dump(changed))
    assert "not the published study any more; it differs in seeds" in refuse()
    file.unlink()
    assert "there is no such study, though its results are published" in refuse()


def test_installed_library_says_that_it_needs_a_checkout(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(published_check, "ROOT", tmp_path)
    assert arguments.main(["verify"]) == 1
    assert "lies in a checkout of ganbench" in capsys.readouterr().err


def test_second_repetition_waits_for_the_first_and_each_begins_with_an_empty_folder(checkout):
    with repetition.empty_folder():
        (checkout / "results/verify").mkdir()
        (checkout / "results/verify/former").touch()
        with pytest.raises(ActionableError, match="another repetition is running"):
            repetition.empty_folder().__enter__()
    with repetition.empty_folder():
        assert not (checkout / "results/verify").exists()


def test_paths_of_a_study_are_those_of_the_working_directory(tmp_path, monkeypatch):
    """The workflow runs in another one."""
    monkeypatch.chdir(tmp_path)
    study = json.loads((ROOT / "results/published/goodfellow2014/study.json").read_text())
    study["datasets"]["digits"]["source"] = "photos"
    study["evaluation"]["weights"] = "weights.safetensors"
    study["plugins"] = "parts.py"
    repetition.write_study(study, tmp_path / "again.yaml")
    written = yaml.safe_load((tmp_path / "again.yaml").read_text())
    assert written["datasets"]["digits"]["source"] == str(tmp_path / "photos")
    assert written["datasets"]["mixture_1d"]["source"] == ""
    assert written["evaluation"]["weights"] == str(tmp_path / "weights.safetensors")
    assert written["plugins"] == [str(tmp_path / "parts.py")]


def test_workflow_that_fails_is_one_message(checkout, tmp_path, capfd):
    file = tmp_path / "wrong.yaml"
    file.write_text(yaml.safe_dump(tiny_study(variants={"minimax": {"objective": "none"}})))
    with pytest.raises(ActionableError, match="could not be repeated: Snakemake says why"):
        repetition._run_workflow(file, "results/tiny", [], tmp_path / "out", "1")
    capfd.readouterr()


@pytest.mark.parametrize(
    "command", ["check", "watch", "plan-seeds", "score", "export", "bundle", "verify"]
)
def test_every_command_is_told_of_in_the_guides(command):
    guides = [ROOT / "docs/using.md", ROOT / "docs/library.md"]
    text = " ".join(file.read_text(encoding="utf-8") for file in guides)
    assert f"`ganbench {command}" in text or f"ganbench {command} " in text

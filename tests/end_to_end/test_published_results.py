"""Published results: what is copied, what is still this study, and what `make verify` finds."""

import importlib.util
import io
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from ganbench.commands import published_check, repetition
from ganbench.study import resolve as studies
from ganbench.study.written import load_study
from project import ROOT

FOLDER = ROOT / "results/published"
PUBLISHED = sorted(file.parent for file in FOLDER.glob("*/study.json"))
RUN = ("digits", "minimax", 1)


def program(name: str):
    """publish.py or retabulate.py, as a module."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def published(finished_study, tmp_path, monkeypatch):
    """The tiny study as it would be published."""
    publish = program("publish")
    monkeypatch.setattr(publish, "PUBLISHED", tmp_path)
    publish.main("tiny", finished_study / "results/tiny")
    return tmp_path / "tiny"


@pytest.fixture
def repeated(finished_study, tmp_path):
    """A repetition of it, to be changed at will."""
    return shutil.copytree(finished_study / "results/tiny", tmp_path / "repeated")


def verified(published, repeated, capsys) -> tuple[int, str]:
    failed = repetition.compare_runs(published, repeated, [RUN])
    return failed, capsys.readouterr().out


def move_first_snapshot(folder, factor: float) -> None:
    """Changes the scores of a run's first snapshot, and none at its end."""
    file = folder / "runs/digits/minimax/seed1/scores.csv"
    scores = pd.read_csv(file)
    first = scores.step == scores.step.min()
    file.write_text(
        scores.assign(value=scores.value * np.where(first, factor, 1)).to_csv(index=False)
    )


@pytest.mark.parametrize(("of_twin", "holds"), [(1.0, False), (2.0, True)])
def test_snapshot_on_another_processor_holds_as_far_as_twins_drift(
    published, repeated, tmp_path, capsys, of_twin, holds
):
    """The final score is in the interval of one more seed either way."""
    file = repeated / "runs/digits/minimax/seed1/run.json"
    change(file, generator_sha256="0" * 64, fingerprint=other_fingerprint(file))
    twins = [shutil.copytree(repeated, tmp_path / name) for name in ("twin1", "twin2")]
    move_first_snapshot(repeated, 2.0)
    move_first_snapshot(twins[0], 2.0)
    move_first_snapshot(twins[1], 2.0 * of_twin)
    failed = repetition.compare_runs(published, repeated, [RUN], twins)
    said = capsys.readouterr().out
    assert failed == int(not holds), said
    assert "at step 20 " in said
    assert "standard deviations of seeds away, where rounding explains" in said


def test_twin_has_the_published_study_with_rates_that_differ_by_a_millionth(published, tmp_path):
    study = json.loads((published / "study.json").read_text())
    repetition.write_study(study, tmp_path / "twin.yaml", [RUN], 1 + 1e-6)
    twin = load_study([tmp_path / "twin.yaml"], (), {})
    for variant, factor in (("minimax", 1 + 1e-6), ("non_saturating", 1)):
        run, other = (resolved["runs"]["digits"][variant] for resolved in (study, twin))
        rate = run["optimizer"]["lr"]
        assert other["optimizer"]["lr"] == pytest.approx(rate * factor, rel=1e-9)
        assert other | {"optimizer": run["optimizer"]} == run


def test_run_that_stopped_early_is_judged_by_its_own_last_score(published, repeated, capsys):
    """It ended before the others, and is no run without a score."""
    runs = json.loads((published / "runs.json").read_text())
    runs["digits/minimax/seed1"]["step"] = 20
    (published / "runs.json").write_text(json.dumps(runs))
    for file in (published / "scores.csv", repeated / "runs/digits/minimax/seed1/scores.csv"):
        scores = pd.read_csv(file)
        is_late = (scores.variant == "minimax") & (scores.seed == 1) & (scores.step > 20)
        scores[~is_late].to_csv(file, index=False)
    file = repeated / "runs/digits/minimax/seed1/run.json"
    change(file, step=20, generator_sha256="0" * 64, fingerprint=other_fingerprint(file))
    failed, said = verified(published, repeated, capsys)
    assert failed == 0
    assert "one more seed is expected in" in said


def test_rates_of_both_players_are_scaled_and_nothing_else():
    optimizer = {"generator": {"name": "adam", "lr": 2.0}, "discriminator": {"lr": 4.0, "eps": 1.0}}
    scaled = repetition.scale_rates(optimizer, 0.5)
    assert scaled == {
        "generator": {"name": "adam", "lr": 1.0},
        "discriminator": {"lr": 2.0, "eps": 1.0},
    }


def change(file, **values) -> None:
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, **values}))


def score(repeated, factor: float) -> None:
    file = repeated / "runs/digits/minimax/seed1/scores.csv"
    scores = pd.read_csv(file)
    scores.assign(value=scores.value * factor).to_csv(file, index=False)


def test_report_tables_and_figures_are_published_and_neither_data_nor_weights(published):
    files = {file.relative_to(published).as_posix() for file in published.rglob("*")}
    assert {"report.html", "study.json", "runs.json", "scores.csv", "summary.csv"} <= files
    assert any(name.startswith("figures/") and name.endswith(".svg") for name in files)
    assert not [name for name in files if name.endswith((".npz", ".pt"))]
    pictures = {name.rpartition("/")[2] for name in files if name.endswith(".png")}
    assert pictures == {"samples.png"}  # generated, and no images of the data
    assert len(json.loads((published / "runs.json").read_text())) == 4


def test_the_same_bits_hold(published, repeated, capsys):
    failed, said = verified(published, repeated, capsys)
    assert failed == 0
    assert "holds  digits minimax seed 1: " in said
    assert "the same bits\n1 of 1 runs hold" in said


def test_other_bits_on_the_same_machine_fail_however_good_the_score(published, repeated, capsys):
    change(repeated / "runs/digits/minimax/seed1/run.json", generator_sha256="0" * 64)
    failed, said = verified(published, repeated, capsys)
    assert failed == 1
    assert "FAILS  digits minimax seed 1: " in said
    assert "other bits\n0 of 1 runs hold" in said


@pytest.mark.parametrize(("factor", "holds"), [(1.0, True), (1e6, False)])
def test_on_another_processor_a_score_holds_within_the_interval(
    published, repeated, capsys, factor, holds
):
    file = repeated / "runs/digits/minimax/seed1/run.json"
    change(file, generator_sha256="0" * 64, fingerprint=other_fingerprint(file))
    score(repeated, factor)
    failed, said = verified(published, repeated, capsys)
    assert failed == int(not holds)
    reason = "this machine differs from the published run's in instructions, threads"
    assert f"other bits, judged by the interval: {reason}" in said


def other_fingerprint(file) -> dict:
    """That of a processor of the same name with other instruction sets, and of other threads."""
    fingerprint = json.loads(file.read_text())["fingerprint"]
    return {**fingerprint, "digest": "another", "instructions": ["avx2"], "threads": 64}


def test_run_that_was_published_without_a_fingerprint_is_judged_by_the_interval(
    published, repeated, capsys
):
    runs = json.loads((published / "runs.json").read_text())
    del runs["digits/minimax/seed1"]["fingerprint"]
    (published / "runs.json").write_text(json.dumps(runs))
    change(repeated / "runs/digits/minimax/seed1/run.json", generator_sha256="0" * 64)
    failed, said = verified(published, repeated, capsys)
    assert failed == 0
    assert "judged by the interval: the published run has no fingerprint of its machine" in said


def test_run_that_diverged_as_the_published_one_did_holds(published, repeated, capsys):
    change(repeated / "runs/digits/minimax/seed1/run.json", status="diverged")
    file = repeated / "runs/digits/minimax/seed1/scores.csv"
    pd.read_csv(file).head(0).to_csv(file, index=False)
    assert verified(published, repeated, capsys)[0] == 1
    runs = json.loads((published / "runs.json").read_text())
    runs["digits/minimax/seed1"]["status"] = "diverged"
    (published / "runs.json").write_text(json.dumps(runs))
    assert verified(published, repeated, capsys)[0] == 0


def test_run_that_diverged_after_a_snapshot_is_not_judged_by_that_score(
    published, repeated, capsys
):
    """Its scores are those of the snapshots it reached."""
    folder = repeated / "runs/digits/minimax/seed1"
    file = folder / "run.json"
    change(file, status="diverged", fingerprint=other_fingerprint(file))
    scores = pd.read_csv(folder / "scores.csv")
    scores[scores.step < scores.step.max()].to_csv(folder / "scores.csv", index=False)
    failed, said = verified(published, repeated, capsys)
    assert failed == 1
    assert "diverged, published completed" in said


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda folder: folder.name)
def test_published_study_is_still_the_one_that_is_shipped(folder):
    study = load_study([published_check.find_study_file(folder.name)], (), {})
    published = json.loads((folder / "study.json").read_text())
    assert published_check.find_differences(studies.drop_execution(study), published) == []
    runs = json.loads((folder / "runs.json").read_text())
    assert set(runs) == {
        "/".join(map(str, (d, v, f"seed{s}"))) for d, v, s in studies.list_runs(study)
    }


@pytest.mark.parametrize(
    "folder", program("retabulate").list_folders(), ids=lambda folder: folder.name
)
def test_published_tables_follow_from_the_published_scores(folder):
    for name, table in program("retabulate").make_tables_again(folder).items():
        text = (folder / f"{name}.csv").read_text(encoding="utf-8")
        published = pd.read_csv(io.StringIO(text))
        again = pd.read_csv(io.StringIO(table.to_csv(index=False)))
        pd.testing.assert_frame_equal(again, published, rtol=1e-9)

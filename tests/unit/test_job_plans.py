"""A study is compared with the records of what was made: contents decide, and times do not."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from ganbench.jobs import files
from ganbench.jobs.provenance import canonical_json
from ganbench.jobs.records.job_plans import (
    Judgement,
    PlannedJob,
    is_finished,
    judge_jobs,
    summarise_unrecorded,
)
from records_example import write_record

DATA, SCORES = Path("results/s/data"), Path("results/s/runs")
TRAIN = PlannedJob(
    record=f"{DATA}/prepare.record.json",
    parameters={"kind": "digits"},
    inputs=[],
    ignored=frozenset(),
    outputs=[f"{DATA}/data.npz", f"{DATA}/prepare.record.json"],
)
EVALUATE = PlannedJob(
    record=f"{SCORES}/evaluate.record.json",
    parameters={"samples": 200, "run": canonical_json({"lr": 1, "betas": [0, 1]})},
    inputs=[f"{DATA}/data.npz", "mine.txt", f"{DATA}/prepare.record.json"],
    ignored=frozenset(),
    outputs=[f"{SCORES}/scores.csv", f"{SCORES}/evaluate.record.json"],
)


@pytest.fixture(autouse=True)
def _made(tmp_path, monkeypatch):
    """Both jobs have run."""
    monkeypatch.chdir(tmp_path)
    Path("mine.txt").write_text("mine")
    make_data("data")
    files.write_text(SCORES / "scores.csv", "scores")
    inputs = (DATA / "data.npz", Path("mine.txt"))
    write_record(
        SCORES / "evaluate.record.json",
        ("scores.csv",),
        parameters=EVALUATE.parameters,
        inputs=inputs,
    )


def make_data(content: str) -> None:
    files.write_text(DATA / "data.npz", content)
    write_record(DATA / "prepare.record.json", ("data.npz",), parameters=TRAIN.parameters)


def judge(evaluate: PlannedJob = EVALUATE) -> list[Judgement]:
    return list(judge_jobs([TRAIN, evaluate]))


def test_results_that_the_study_would_make_are_left_alone():
    assert judge() == [Judgement(), Judgement()]


def test_job_is_finished_once_its_record_names_what_lies_beside_it():
    assert is_finished(EVALUATE.record)
    files.write_text(SCORES / "scores.csv", "scorez")
    assert not is_finished(EVALUATE.record)
    (SCORES / "scores.csv").unlink()
    assert not is_finished(EVALUATE.record)
    Path(TRAIN.record).unlink()
    assert not is_finished(TRAIN.record)


def test_times_decide_nothing():
    for seconds, file in enumerate(sorted(Path().rglob("*"), reverse=True)):
        os.utime(file, (seconds, seconds))
    assert judge() == [Judgement(), Judgement()]


def test_changed_parameter_is_named_with_both_values():
    parameters = {"samples": 150, "run": canonical_json({"lr": 2, "betas": [0, 1]})}
    _, judgement = judge(replace(EVALUATE, parameters=parameters))
    assert judgement.before == {"samples: 200", "run.lr: 1"}
    assert judgement.now == {"samples: 150", "run.lr: 2"}


@pytest.mark.parametrize("title", ["[draft] my study", "{mine}"])
def test_text_that_begins_with_a_bracket_is_a_text(title):
    """Of a parameter, and of a part of the study within one."""
    parameters = {"samples": title, "run": canonical_json({"lr": title, "betas": [0, 1]})}
    _, judgement = judge(replace(EVALUATE, parameters=parameters))
    assert judgement.now == {f'samples: "{title}"', f'run.lr: "{title}"'}


@pytest.mark.parametrize("parameters", [{}, {**EVALUATE.parameters, "new": None}])
def test_parameter_that_is_new_or_gone_counts(parameters):
    _, judgement = judge(replace(EVALUATE, parameters=parameters))
    assert judgement.before or judgement.now


def test_input_with_other_contents_is_noticed_by_its_record():
    make_data("other data")
    assert [judgement.inputs_changed for judgement in judge()] == [False, True]


def test_input_made_again_with_the_same_contents_changes_nothing():
    make_data("data")
    assert judge() == [Judgement(), Judgement()]


def test_file_of_no_job_is_judged_by_its_contents():
    Path("mine.txt").write_text("mine")
    assert not judge()[1].inputs_changed
    Path("mine.txt").write_text("edited")
    assert judge()[1].inputs_changed


def test_input_that_is_new_or_gone_is_noticed():
    assert judge(replace(EVALUATE, inputs=EVALUATE.inputs[1:]))[1].inputs_changed
    Path("more.txt").touch()
    assert judge(replace(EVALUATE, inputs=[*EVALUATE.inputs, "more.txt"]))[1].inputs_changed


def test_input_that_must_only_exist_is_not_compared():
    Path("mine.txt").write_text("edited")
    inputs = [file for file in EVALUATE.inputs if file != "mine.txt"]
    ignoring = replace(EVALUATE, inputs=inputs, ignored=frozenset({"mine.txt"}))
    assert judge(ignoring) == [Judgement(), Judgement()]


def test_job_without_all_of_its_inputs_is_not_judged_by_them():
    make_data("other data")
    assert judge(replace(EVALUATE, inputs=None))[1] == Judgement()


def test_missing_file_is_to_be_made():
    (SCORES / "scores.csv").unlink()
    assert judge()[1] == Judgement(missing=(f"{SCORES}/scores.csv",))


def test_input_that_is_to_be_made_is_left_to_snakemake():
    for output in TRAIN.outputs:
        Path(output).unlink()
    assert judge() == [Judgement(missing=tuple(TRAIN.outputs)), Judgement()]


def test_files_without_a_record_are_told_from_files_that_were_never_made():
    Path(EVALUATE.record).unlink()
    assert judge()[1] == Judgement(missing=(EVALUATE.record,), is_unrecorded=True)
    (SCORES / "scores.csv").unlink()
    assert judge()[1] == Judgement(missing=tuple(EVALUATE.outputs))


def make_newer(path: Path) -> None:
    record = Path(EVALUATE.record).stat().st_mtime_ns
    os.utime(path, ns=(record + 1, record + 1))


def test_altered_file_is_a_problem_and_a_touched_one_is_none():
    path = SCORES / "scores.csv"
    make_newer(path)
    assert judge()[1] == Judgement()
    path.write_text("altered")
    assert list(judge()[1].problems) == [path]
    path.write_text("scorez")  # the same size
    make_newer(path)
    assert list(judge()[1].problems) == [path]


def test_damaged_record_and_record_of_another_place_are_problems():
    record = Path(EVALUATE.record)
    other = Path("results/t/runs/evaluate.record.json")
    other.parent.mkdir(parents=True)
    other.write_bytes(record.read_bytes())
    moved = replace(EVALUATE, record=str(other), outputs=[str(other)])
    problem = "it was written as results/s/runs/evaluate.record.json"
    assert judge(moved)[1].problems == {other: problem}
    record.write_bytes(record.read_bytes()[:-9])
    assert judge()[1].problems == {record: "it is damaged"}


def test_files_without_records_are_told_in_one_message_with_the_way_out():
    said = summarise_unrecorded(["results/s/runs/evaluate.record.json", "b"])
    assert said.startswith("2 jobs left results without a record")
    assert "results/s/runs/evaluate.record.json" in said
    assert "made again" in said
    assert "copy them with their records" in said

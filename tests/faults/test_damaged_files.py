"""A result that is missing, damaged or another's is made again or refused: never computed with."""

import json
import shlex
import shutil
import subprocess
from pathlib import Path
from runpy import run_path

import pandas as pd
import pytest
from faulty import RUN, contents, copied, flip_bit
from ganbench.jobs import files
from ganbench.jobs.records.job_records import RecordShelf
from project import ROOT, planned, snakemake, tiny_study
from records_example import write_record
from report_example import make_results, make_study

STUDY = Path("results/tiny")
INPUTS = [
    *("datasets/digits/data.npz", "datasets/digits/card.json", "datasets/digits/examples.png"),
    *(f"extractors/digits/classifier/{name}" for name in ("network.pt", "features.npz")),
    *(f"extractors/digits/classifier/{name}" for name in ("card.json", "floor.csv")),
    *(f"{RUN}/{name}" for name in ("snapshots.pt", "history.csv", "samples.png", "run.json")),
    *(f"{RUN}/{name}" for name in ("scores.csv", "nearest.png", "nearest.csv")),
    "theory/minimax.json",
]
"""Every result that some job reads."""


@pytest.fixture
def checkout(finished_study, tmp_path):
    return copied(finished_study, tmp_path)


@pytest.fixture
def inside(checkout, monkeypatch):
    """The same, worked in, as jobs are."""
    monkeypatch.chdir(checkout)


def from_another_study(path: Path) -> None:
    """The same file, and its record, of a study with another name."""
    other, record = Path("results/other") / path.relative_to(STUDY), record_of(path)
    files.write_text(other, "of another study\n")
    write_record(other.with_name(record.name), (path.name,))
    shutil.copy(other, path)
    shutil.copy(other.with_name(record.name), record)


def without_record(path: Path) -> None:
    """What a copy without the records leaves."""
    record_of(path).unlink()


def record_of(path: Path) -> Path:
    file, _ = RecordShelf().find(path)
    return file


DAMAGES = {
    "a bit flipped": flip_bit,
    "the first bit flipped": lambda path: flip_bit(path, 0),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "empty": lambda path: path.write_bytes(b""),
    "of another study, content alone": lambda path: path.write_text("of another study\n"),
    "of another study, with its record": from_another_study,
    "of unknown origin": without_record,
    "with a damaged record": lambda path: flip_bit(record_of(path), 0),
    "with a record cut short": lambda path: record_of(path).write_bytes(b"\xff"),
    "with an empty record": lambda path: record_of(path).write_bytes(b""),
}


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.promise("damaged-refused")
def test_damaged_input_is_refused_with_the_command_that_repairs_it(damage):
    for name in INPUTS:
        path = STUDY / name
        kept = {file: file.read_bytes() for file in (path, record_of(path))}
        files.check([path])
        damage(path)
        with pytest.raises(files.DamagedFileError) as error:
            files.check([path])
        message = str(error.value)
        assert message.startswith(f"{path} is not what this study wrote there")
        assert message.endswith(f"run the same snakemake command again: rm {path}")
        for file, content in kept.items():
            file.write_bytes(content)


@pytest.mark.usefixtures("inside")
@pytest.mark.promise("damaged-refused")
def test_run_of_another_seed_in_its_place_is_refused():
    other = STUDY / RUN.replace("seed0", "seed1")
    shutil.rmtree(STUDY / RUN)
    shutil.copytree(other, STUDY / RUN)
    with pytest.raises(files.DamagedFileError, match=f"it was written as {other}"):
        files.check([STUDY / RUN / "scores.csv"])


@pytest.mark.promise("results-move")
def test_results_may_be_moved_with_their_folder(checkout, tmp_path, monkeypatch):
    shutil.move(checkout / "results", tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    files.check(STUDY / name for name in INPUTS)


class Snakemake:
    """What a script gets, as far as it may look at it before its inputs are checked."""

    def __init__(self, log: Path, inputs: list[str]) -> None:
        self.log, self.input, self.resources = [str(log)], inputs, {}
        self.config = {"execution": {}}


@pytest.mark.usefixtures("inside")
@pytest.mark.promise("damaged-refused")
@pytest.mark.parametrize("rule", ["train", "extractor", "evaluate", "evaluate_density", "report"])
def test_every_job_checks_its_inputs_before_its_work(rule, tmp_path, capfd):
    """A script that looked at its wildcards, parameters or outputs first would fail otherwise."""
    path = STUDY / "datasets/digits/data.npz"
    flip_bit(path)
    script = ROOT / f"workflow/scripts/{rule}.py"
    with pytest.raises(SystemExit) as stopped:
        run_path(str(script), {"snakemake": Snakemake(tmp_path / "log", [str(path)])})
    assert stopped.value.code == 1
    assert f"{path} is not what this study wrote there" in capfd.readouterr().err


def repaired_as_told(checkout: Path, said: str) -> None:
    """Does what the message says, no more: one rm, then the same command."""
    (told,) = {line.split("again: ")[1] for line in said.splitlines() if "again: rm" in line}
    assert shlex.split(told)[0] == "rm"
    subprocess.run(shlex.split(told), cwd=checkout, check=True)


@pytest.mark.promise("damaged-mended")
def test_damaged_data_stops_training_and_the_message_repairs_it(checkout, finished_study):
    """The whole way: the damage, what a person sees, what they then do, and the same numbers."""
    data = STUDY / "datasets/digits/data.npz"
    flip_bit(checkout / data)
    targets = [f"{STUDY}/{RUN}/{name}" for name in ("snapshots.pt", "scores.csv")]
    again = (*targets, "--cores", "2")
    for target in targets:
        (checkout / target).unlink()
    done = snakemake(checkout, *again, study=tiny_study())
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert f"{data} is not what this study wrote there: its SHA-256 differs" in said
    assert "Traceback" not in said
    repaired_as_told(checkout, said)
    done = snakemake(checkout, *again, study=tiny_study())
    assert done.returncode == 0, done.stdout + done.stderr
    for target in targets:
        assert (checkout / target).read_bytes() == (finished_study / target).read_bytes()


def test_damaged_scores_stop_the_report_and_the_message_repairs_them(checkout, finished_study):
    scores = STUDY / RUN / "scores.csv"
    (checkout / STUDY / "report.html").unlink()
    flip_bit(checkout / scores)
    before = contents(checkout / STUDY / "runs")
    done = snakemake(checkout, "--cores", "2", study=tiny_study())
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert f"{scores} is not what this study wrote there" in said
    assert "Traceback" not in said
    assert contents(checkout / STUDY / "runs") == before, "other files were touched"
    repaired_as_told(checkout, said)
    done = snakemake(checkout, "--cores", "2", study=tiny_study())
    assert done.returncode == 0, done.stdout + done.stderr
    for table in ("scores.csv", "summary.csv", "comparisons.csv"):
        found, first = ((each / STUDY / table).read_bytes() for each in (checkout, finished_study))
        assert found == first, table


RUN_JOBS = ["train/digits/minimax/0", "evaluate/digits/minimax/0"]
EVALUATIONS = [
    f"evaluate/digits/{variant}/{seed}"
    for variant in ("minimax", "non_saturating")
    for seed in (0, 1)
]
DELETED = {
    "a run and a table": ([RUN, "summary.csv"], RUN_JOBS),
    "the snapshots of a run": ([f"{RUN}/snapshots.pt"], RUN_JOBS),
    "what only a part of the study reads": (
        ["extractors/digits/classifier/network.pt", "theory/minimax.json", "figures"],
        ["extractor/digits/classifier", "theory/minimax", *EVALUATIONS],
    ),
    "the data": (
        ["datasets/digits/data.npz"],
        [
            "prepare/digits",
            "extractor/digits/classifier",
            *EVALUATIONS,
            *(job.replace("evaluate", "train") for job in EVALUATIONS),
        ],
    ),
}
"""What is deleted from a finished study, and the jobs that run then beside the report."""


@pytest.mark.promise("missing-made-again")
@pytest.mark.parametrize(("deleted", "jobs"), DELETED.values(), ids=DELETED)
def test_missing_results_are_made_again_with_what_depends_on_them(checkout, deleted, jobs):
    """The page is not deleted: it is there, and its date is right."""
    for name in deleted:
        path = checkout / STUDY / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert planned(checkout, study=tiny_study()) == dict.fromkeys([*jobs, "report"], 1)


class TestRunOfAnotherCheckout:
    """Its name and its place are those of a run of this study, but not what was trained."""

    @pytest.fixture
    def example(self, tmp_path):
        resolved = make_study(seeds=2)
        return resolved, make_results(tmp_path, resolved)

    def refusal(self, example, tmp_path) -> str:
        from ganbench.report.report import write_report  # noqa: PLC0415 (imports matplotlib)

        with pytest.raises(files.DamagedFileError) as error:
            write_report(*example, tmp_path / "report")
        assert not (tmp_path / "report").exists()
        return str(error.value)

    @pytest.mark.promise("foreign-run-refused")
    def test_with_other_parameters_is_refused(self, example, tmp_path):
        file = example[1]["runs"][0]
        run = json.loads(file.read_text())
        run["parameters"]["optimizer"]["lr"] = 0.5
        file.write_text(json.dumps(run))
        said = self.refusal(example, tmp_path)
        assert said.startswith(f"{file} was trained with other parameters than the study has now")
        assert said.endswith(f"rm -r {file.parent}")

    def test_with_the_scores_of_another_seed_is_refused(self, example, tmp_path):
        first, second = example[1]["scores"][:2]
        pd.read_csv(second).to_csv(first, index=False)
        assert "belongs to another run than the scores next to it" in self.refusal(
            example, tmp_path
        )

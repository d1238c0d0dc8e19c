"""A disk that is full: each stage says so and names the file, and leaves nothing half-written."""

import json
import os

import pytest
from faulty import RUN, failed_job, full_disk
from ganbench.datasets.prepare import DatasetFiles, prepare
from ganbench.evaluation import classifier
from ganbench.evaluation.reference import ReferenceFiles, make_reference
from ganbench.evaluation.score import score_run
from ganbench.jobs import files
from ganbench.jobs.job import job
from ganbench.report.report import write_report
from ganbench.study import resolve as study
from ganbench.theory.derivation import derive
from ganbench.training.loop import train
from ganbench.training.records import RunFiles
from project import tiny_study
from report_example import make_results, make_study, without_pdf


@pytest.fixture
def finished(finished_study):
    return finished_study / "results/tiny"


def prepare_in(finished, folder, log):
    dataset = {"kind": "digits", "source": "", "extractor_images": None}
    outputs = DatasetFiles(folder / "data.npz", folder / "card.json", folder / "examples.png")
    prepare(name="digits", dataset=dataset, needs_classes=True, outputs=outputs, log=log)


def extractor_in(finished, folder, log):
    names = ("network.pt", "features.npz", "card.json", "floor.csv")
    make_reference(
        dataset="digits",
        extractor="classifier",
        samples=200,
        data_file=finished / "datasets/digits/data.npz",
        device="cpu",
        outputs=ReferenceFiles(*(folder / name for name in names)),
    )


def train_in(finished, folder, log):
    parameters = study.resolve(tiny_study(), "tiny")["runs"]["digits"]["minimax"]
    names = ("snapshots.pt", "history.csv", "samples.png", "run.json")
    train(
        parameters=parameters | {"steps": 4},
        dataset="digits",
        variant="minimax",
        seed=0,
        data_file=finished / "datasets/digits/data.npz",
        outputs=RunFiles(*(folder / name for name in names)),
        log=log,
        log_interval=0,
        checkpoint_folder=folder / "checkpoints",
    )


def evaluate_in(finished, folder, log):
    score_run(
        dataset="digits",
        variant="minimax",
        seed=0,
        extractor="classifier",
        samples=200,
        snapshots_file=finished / RUN / "snapshots.pt",
        network_file=finished / "extractors/digits/classifier/network.pt",
        features_file=finished / "extractors/digits/classifier/features.npz",
        data_file=finished / "datasets/digits/data.npz",
        gap=False,
        scores_file=folder / "scores.csv",
        nearest_file=folder / "nearest.png",
        nearest_table=folder / "nearest.csv",
    )


def derive_in(finished, folder, log):
    definition = json.loads((finished / "study.json").read_text())["objectives"]["minimax"]
    files.write_json(folder / "minimax.json", derive("minimax", definition))


def write_report_in(finished, folder, log):
    resolved = make_study(variants=("minimax",), seeds=1)
    inputs = make_results(folder / "made", resolved)
    with without_pdf():
        write_report(resolved, inputs, folder)


STAGES = [
    (prepare_in, "data.npz"),
    (prepare_in, "card.json"),
    (prepare_in, "examples.png"),
    (extractor_in, "network.pt"),
    (extractor_in, "features.npz"),
    (extractor_in, "floor.csv"),
    (train_in, "snapshots.pt"),
    (train_in, "history.csv"),
    (train_in, "samples.png"),
    (train_in, "run.json"),
    (evaluate_in, "scores.csv"),
    (evaluate_in, "nearest.png"),
    (evaluate_in, "nearest.csv"),
    (derive_in, "minimax.json"),
    (write_report_in, "report.html"),
]


@pytest.mark.parametrize(
    ("stage", "name"), STAGES, ids=[f"{stage.__name__} {name}" for stage, name in STAGES]
)
@pytest.mark.promise("full-disk")
def test_full_disk_names_the_file_and_leaves_nothing_half_written(
    finished, tmp_path, capfd, monkeypatch, stage, name
):
    monkeypatch.setitem(classifier.CLASSIFIER, "steps", 30)
    folder = tmp_path / "out"
    full_disk(folder / name)
    said, log = failed_job(lambda log: stage(finished, folder, log), capfd, tmp_path)
    assert (
        f"{folder / name} could not be written: No space left on device. Either make room" in said
    )
    assert "Traceback" not in said + log
    assert not (folder / name).exists()
    assert not list(folder.rglob("*.partial"))


def test_full_disk_while_writing_figures_is_reported(finished, tmp_path, capfd):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures/gradient-weights.svg").symlink_to("/dev/full")
    said, _ = failed_job(lambda log: write_report_in(finished, tmp_path, log), capfd, tmp_path)
    assert f"{tmp_path / 'figures'} could not be written: No space left on device" in said


@pytest.mark.promise("full-log")
def test_full_log_ends_no_job(finished, tmp_path):
    (tmp_path / "log").symlink_to("/dev/full")
    with job(str(tmp_path / "log")) as log:
        train_in(finished, tmp_path, log)
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "completed"


def test_error_is_reported_although_the_log_is_full(tmp_path, capfd):
    (tmp_path / "log").symlink_to("/dev/full")

    def work(log):
        raise ZeroDivisionError("something else")

    said, _ = failed_job(work, capfd, tmp_path)
    assert "ZeroDivisionError: something else" in said
    assert "Traceback" not in said


@pytest.mark.promise("full-disk")
def test_file_size_limit_is_reported_like_a_full_disk(tmp_path, capfd):
    """As a quota is. The limit is that of a child, which reads nothing of the tests' own output."""
    child = os.fork()
    if child == 0:
        import resource  # noqa: PLC0415 (in the child alone)

        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            with job(str(tmp_path / "log")):
                files.write_text(tmp_path / "out", "x" * 2000)
        except SystemExit as left:
            os._exit(left.code)
        os._exit(99)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    assert "out could not be written: File too large. Either make room" in capfd.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log"]

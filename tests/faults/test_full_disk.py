"""A disk that is full: each stage says so and names the file, and leaves nothing half-written."""

import json
import os

import pytest
from faulty import RUN, failed_job, full_disk
from ganbench import datasets, evaluation, files, report, study, theory, training
from ganbench.evaluation import classifier
from ganbench.jobs import job
from project import tiny_study
from report_example import make_results, make_study, without_pdf


@pytest.fixture
def finished(finished_study):
    return finished_study / "results/tiny"


def prepare(finished, folder, log):
    dataset = {"kind": "digits", "source": "", "extractor_images": None}
    outputs = datasets.Outputs(folder / "data.npz", folder / "card.json", folder / "examples.png")
    datasets.prepare(name="digits", dataset=dataset, needs_classes=True, outputs=outputs, log=log)


def extractor(finished, folder, log):
    names = ("network.pt", "features.npz", "card.json", "floor.csv")
    evaluation.make_reference(
        dataset="digits",
        extractor="classifier",
        samples=200,
        data_file=finished / "datasets/digits/data.npz",
        device="cpu",
        outputs=evaluation.Reference(*(folder / name for name in names)),
    )


def train(finished, folder, log):
    parameters = study.resolve(tiny_study(), "tiny")["runs"]["digits"]["minimax"]
    names = ("snapshots.pt", "history.csv", "samples.png", "run.json")
    training.train(
        parameters=parameters | {"steps": 4},
        dataset="digits",
        variant="minimax",
        seed=0,
        data_file=finished / "datasets/digits/data.npz",
        outputs=training.Outputs(*(folder / name for name in names)),
        log=log,
        log_interval=0,
    )


def evaluate(finished, folder, log):
    evaluation.score_run(
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
    )


def derive(finished, folder, log):
    definition = json.loads((finished / "study.json").read_text())["objectives"]["minimax"]
    files.write_json(folder / "minimax.json", theory.derive("minimax", definition))


def write_report(finished, folder, log):
    resolved = make_study(variants=("minimax",), seeds=1)
    inputs = make_results(folder / "made", resolved)
    with without_pdf():
        report.write_report(resolved, inputs, folder)


STAGES = [
    (prepare, "data.npz"),
    (prepare, "card.json"),
    (prepare, "examples.png"),
    (extractor, "network.pt"),
    (extractor, "features.npz"),
    (extractor, "floor.csv"),
    (train, "snapshots.pt"),
    (train, "history.csv"),
    (train, "samples.png"),
    (train, "run.json"),
    (evaluate, "scores.csv"),
    (evaluate, "nearest.png"),
    (derive, "minimax.json"),
    (write_report, "report.html"),
]


@pytest.mark.parametrize(
    ("stage", "name"), STAGES, ids=[f"{stage.__name__} {name}" for stage, name in STAGES]
)
def test_full_disk_is_said_with_the_file_and_leaves_nothing_half_written(
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


def test_full_disk_among_the_figures_is_said_too(finished, tmp_path, capfd):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures/gradient-weights.svg").symlink_to("/dev/full")
    said, _ = failed_job(lambda log: write_report(finished, tmp_path, log), capfd, tmp_path)
    assert f"{tmp_path / 'figures'} could not be written: No space left on device" in said


def test_log_without_room_ends_no_job(finished, tmp_path):
    (tmp_path / "log").symlink_to("/dev/full")
    with job(str(tmp_path / "log")) as log:
        train(finished, tmp_path, log)
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "completed"


def test_error_is_told_though_the_log_has_no_room(tmp_path, capfd):
    (tmp_path / "log").symlink_to("/dev/full")

    def work(log):
        raise ZeroDivisionError("something else")

    said, _ = failed_job(work, capfd, tmp_path)
    assert "ZeroDivisionError: something else" in said
    assert "Traceback" not in said


def test_limit_on_a_file_is_an_error_of_the_same_kind(tmp_path, capfd):
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

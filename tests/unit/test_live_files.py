"""The history and samples of a run are at hand while it trains."""

import io
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from ganbench.training import live_files
from ganbench.training.interrupts import RunInterrupted
from ganbench.training.live_files import LiveFiles
from ganbench.training.tensorboard import TensorBoard
from PIL import Image
from training_example import RunFolder, resolve_run, signal_during


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> float:
    """A pause that makes a run write after every row."""
    monkeypatch.setattr(live_files, "TIME_SHARE", float("inf"))
    return 1e-9


def read_live(folder: RunFolder) -> tuple[pd.DataFrame, np.ndarray]:
    """The live history without seconds, and the live samples, of an interrupted run."""
    history = pd.read_csv(folder.path / "checkpoints/history.csv").drop(columns="seconds")
    with Image.open(folder.path / "checkpoints/samples.png") as picture:
        return history, np.asarray(picture)


def test_history_and_samples_grow_while_a_run_trains_and_end_as_its_own(tmp_path, eager):
    parameters = resolve_run(steps=40, snapshots=4, history_interval=5)
    straight, stopped = (RunFolder(tmp_path / name, parameters) for name in ("straight", "stopped"))
    straight.train()
    with Image.open(straight.path / "samples.png") as picture:
        samples = np.asarray(picture)
    for stop, rows in ((12, 2), (27, 5)):
        with signal_during(stop), pytest.raises(RunInterrupted):
            stopped.train(log_interval=eager)
        history, pictures = read_live(stopped)
        pd.testing.assert_frame_equal(history, straight.history()[:rows])
        assert np.array_equal(pictures, samples[: len(pictures)])
        assert len(pictures) == len(samples) * (stop // 10) // 4
    stopped.train(log_interval=eager)
    assert stopped.results() == straight.results()
    assert not (stopped.path / "checkpoints").exists()


def test_a_run_that_resumes_from_before_its_last_row_repeats_no_row(tmp_path, eager):
    folder = RunFolder(tmp_path, resolve_run(steps=40, snapshots=4, history_interval=5))
    with signal_during(22), pytest.raises(RunInterrupted):
        folder.train(log_interval=eager, interval=6)
    newest = folder.checkpoints()[0]
    assert list(read_live(folder)[0]["step"]) == [5, 10, 15, 20]
    newest.write_bytes(b"damaged")  # the previous one is of step 18
    with signal_during(19), pytest.raises(RunInterrupted):
        folder.train(log_interval=eager)
    history, pictures = read_live(folder)
    assert list(history["step"]) == [5, 10, 15]
    assert len(pictures) == 9  # one row of images of 8 pixels, and its line


def test_a_run_of_other_parameters_does_not_show_the_rows_of_the_former(tmp_path, eager):
    folder = RunFolder(tmp_path, resolve_run(steps=40, snapshots=4, history_interval=5))
    with signal_during(22), pytest.raises(RunInterrupted):
        folder.train(log_interval=eager)
    with signal_during(1), pytest.raises(RunInterrupted):
        folder.train(log_interval=eager, batch_size=8)
    assert pd.read_csv(tmp_path / "checkpoints/history.csv").empty
    assert not (tmp_path / "checkpoints/samples.png").exists()


def test_what_a_killed_process_left_half_written_disappears_with_the_run(tmp_path, eager):
    folder = RunFolder(tmp_path, resolve_run(steps=20, history_interval=5))
    live = tmp_path / "checkpoints"
    live.mkdir()
    for name in (".history.csv.1.partial", ".samples.png.1.partial", "history.csv", "samples.png"):
        (live / name).write_text("half")
    folder.train(log_interval=eager)
    assert folder.run()["status"] == "completed"
    assert not live.exists()


def test_interrupted_run_shows_how_far_it_came_though_no_write_was_due(tmp_path):
    folder = RunFolder(tmp_path, resolve_run(steps=40, snapshots=4, history_interval=5))
    with signal_during(22), pytest.raises(RunInterrupted):
        folder.train(log_interval=1e6)
    assert list(read_live(folder)[0]["step"]) == [5, 10, 15, 20]


def test_files_are_written_no_more_often_than_the_pause_and_the_share_of_time_allow(
    tmp_path, monkeypatch
):
    now, writes = [0.0], []
    log = io.StringIO()
    live = LiveFiles(tmp_path, 10.0, log, TensorBoard(tmp_path, log, is_wanted=False))
    monkeypatch.setattr(live_files.time, "perf_counter", lambda: now[0])

    def write(_record: object) -> None:
        writes.append(now[0])
        now[0] += cost

    monkeypatch.setattr(live, "_write", write)
    cost = 0.01
    for now[0] in (0.0, 9.0, 10.0, 10.02, 19.0, 20.03):
        live.show(SimpleNamespace(history=[]))
    assert writes == [0.0, 10.02, 20.03]
    cost = 1.0  # of a slow disk: 0.25 % of the time are 400 s
    for now[0] in (31.0, 45.0, 431.0, 432.5):
        live.show(SimpleNamespace(history=[]))
    assert writes[3:] == [31.0, 432.5]


def test_a_run_goes_on_where_its_live_files_cannot_be_written_and_says_so_once(
    tmp_path, monkeypatch, eager
):
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    folder = RunFolder(tmp_path, resolve_run(steps=20, history_interval=5))
    monkeypatch.setattr(live_files, "write_table", refuse)
    folder.train(log_interval=eager)
    assert folder.run()["status"] == "completed"
    log = folder.log.getvalue()
    assert re.findall("the run cannot be watched: .*", log) == [
        "the run cannot be watched: [Errno 28] No space left on device"
    ]

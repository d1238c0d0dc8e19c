"""The history for TensorBoard: its curves, and that it changes nothing of the run."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ganbench.study.optional_packages import check_packages
from ganbench.study.resolve import drop_execution, resolve
from ganbench.study.schema import StudyError
from ganbench.training.interrupts import RunInterrupted
from ganbench.training.tensorboard import MEASURED, TensorBoard
from project import tiny_study
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from training_example import RunFolder, resolve_run, signal_during


def read_curves(folder: Path) -> pd.DataFrame:
    """The curves as TensorBoard reads them, a column each, by step."""
    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    return pd.DataFrame(
        {
            name: {event.step: event.value for event in events.Scalars(name)}
            for name in events.Tags()["scalars"]
        }
    ).rename_axis("step")


def read_history(folder: RunFolder) -> pd.DataFrame:
    """The measured columns of history.csv, in TensorBoard's precision."""
    history = pd.read_csv(folder.path / "history.csv").set_index("step")
    return history.iloc[:, MEASURED - 1 :].astype(np.float32)


def make_run(folder: Path) -> RunFolder:
    return RunFolder(folder, resolve_run(steps=40, snapshots=4, history_interval=5))


def test_curves_are_the_history_and_change_no_result(tmp_path):
    plain, shown = make_run(tmp_path / "plain"), make_run(tmp_path / "shown")
    plain.train()
    shown.train(tensorboard=True)
    assert shown.results() == plain.results()
    assert not (plain.path / "tensorboard").exists()
    curves = read_curves(shown.path)
    assert {"d_loss", "g_loss", "d_real", "d_fake", "d_grad_norm", "g_grad_norm"} <= set(curves)
    pd.testing.assert_frame_equal(
        curves, read_history(shown), check_dtype=False, check_like=True, rtol=1e-6
    )


def test_resumed_run_continues_its_curves_without_a_gap_or_a_double(tmp_path):
    folder = make_run(tmp_path)
    with signal_during(22), pytest.raises(RunInterrupted):
        folder.train(tensorboard=True, interval=6)
    assert list(read_curves(folder.path).index) == [5, 10, 15, 20]
    folder.checkpoints()[0].write_bytes(b"damaged")  # the previous one is of step 18
    folder.train(tensorboard=True)
    (file,) = (tmp_path / "tensorboard").iterdir()
    events = EventAccumulator(str(file))
    events.Reload()
    assert [event.step for event in events.Scalars("d_loss")] == list(range(5, 41, 5))
    pd.testing.assert_frame_equal(
        read_curves(tmp_path), read_history(folder), check_dtype=False, check_like=True, rtol=1e-6
    )


def test_curves_of_a_former_run_disappear_when_the_next_has_none(tmp_path):
    make_run(tmp_path).train(tensorboard=True)
    make_run(tmp_path).train(batch_size=8)
    assert list((tmp_path / "tensorboard").iterdir()) == []


@pytest.mark.promise("full-disk")
def test_run_goes_on_where_curves_cannot_be_written(tmp_path):
    plain, shown = make_run(tmp_path / "plain"), make_run(tmp_path / "shown")
    plain.train()
    (shown.path / "tensorboard").write_text("a file in the way")
    shown.train(tensorboard=True)
    assert shown.results() == plain.results()
    assert "tensorboard: no more curves for TensorBoard: " in shown.log.getvalue()


@pytest.mark.promise("full-disk")
def test_disk_that_fills_up_ends_the_curves_with_one_line(tmp_path):
    """The writer's own thread meets the error, and reports it at the next row."""
    board = TensorBoard(tmp_path, log := io.StringIO(), is_wanted=True)
    board.start()

    class FullDisk:
        def add_scalar(self, *_: object) -> None:
            raise OSError(28, "No space left on device")

    board.writer = FullDisk()
    row = [5.0] * 15
    board.add([row])
    board.add([row, row])
    board.close()
    assert log.getvalue().count("No space left on device") == 1


def test_missing_package_is_refused_while_planning(monkeypatch):
    study = resolve(tiny_study(tensorboard=True), "study")
    check_packages(study)
    monkeypatch.setattr("ganbench.study.optional_packages.find_spec", lambda _: None)
    check_packages(resolve(tiny_study(), "study"))
    with pytest.raises(
        StudyError, match=r"tensorboard: found true, .* \(pip install tensorboard\)"
    ):
        check_packages(study)


def test_it_is_no_part_of_what_a_study_declares_or_computes():
    on, off = (resolve(tiny_study(tensorboard=value), "study") for value in (True, False))
    assert drop_execution(on) == drop_execution(off)

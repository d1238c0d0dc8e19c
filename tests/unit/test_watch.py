"""The runs of a study while they train: `python -m ganbench watch`."""

import io
import json
import math
import os
import re
import time
from pathlib import Path

import numpy as np
import pytest
from ganbench.commands import watch
from ganbench.commands.arguments import main
from ganbench.jobs import locks
from ganbench.study.declaration import keep_declaration
from ganbench.study.resolve import resolve
from ganbench.terminal.board import Board
from ganbench.terminal.run_states import FRESH, Phase, RunState, StudyFolder, read_last_row
from ganbench.terminal.run_table import describe_left, estimate_left, format_states
from ganbench.training import live_files
from ganbench.training.interrupts import RunInterrupted
from ganbench.training.loop import train
from ganbench.training.records import RunFiles
from project import tiny_study
from training_example import FILES, PIXELS, signal_during

HISTORY = "step,seconds,d_loss,g_loss,d_real,d_fake,d_grad_norm,g_grad_norm\n"


@pytest.fixture
def study() -> dict:
    return resolve(tiny_study(), "tiny")


@pytest.fixture
def results(tmp_path, study) -> Path:
    """A study that has just started: four runs wait."""
    folder = tmp_path / "results/tiny"
    folder.mkdir(parents=True)
    keep_declaration(folder / "declared.json", study)
    np.savez(folder / "data.npz", train=PIXELS.numpy())
    return folder


def train_run(results: Path, study: dict, variant: str, seed: int) -> None:
    """Trains one run as the rule `train` does."""
    folder = results / f"runs/digits/{variant}/seed{seed}"
    folder.mkdir(parents=True)
    train(
        parameters=study["runs"]["digits"][variant],
        dataset="digits",
        variant=variant,
        seed=seed,
        data_file=results / "data.npz",
        outputs=RunFiles(*(folder / name for name in FILES)),
        checkpoint_folder=results / f"checkpoints/digits_{variant}_seed{seed}",
        log=io.StringIO(),
        log_interval=1e-9,
    )


def find_live(results: Path, variant: str = "minimax", seed: int = 0) -> Path:
    folder = results / f"checkpoints/digits_{variant}_seed{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def list_phases(results: Path) -> list[Phase]:
    return [state.phase for state in StudyFolder(results).list_states()]


def test_runs_that_trained_stopped_and_wait_are_told_apart(results, study, capsys, monkeypatch):
    monkeypatch.setattr(live_files, "TIME_SHARE", math.inf)
    train_run(results, study, "minimax", 0)
    with signal_during(33), pytest.raises(RunInterrupted):
        train_run(results, study, "non_saturating", 1)
    states = StudyFolder(results).list_states()
    assert [(state.variant, state.seed, state.phase, state.step) for state in states] == [
        ("minimax", 0, Phase.FINISHED, 40),
        ("minimax", 1, Phase.WAITING, 0),
        ("non_saturating", 0, Phase.WAITING, 0),
        ("non_saturating", 1, Phase.INTERRUPTED, 30),
    ]
    assert main(["watch", str(results), "--once"]) == 0
    header, interrupted, finished, *waiting, total = capsys.readouterr().out.splitlines()
    assert header.split() == [
        *("run", "step", "D", "loss", "G", "loss", "D(x)", "D(G(z))", "D", "grad", "G", "grad"),
        "state",
    ]
    assert interrupted.startswith("non_saturating 1")
    assert interrupted.endswith(" interrupted")
    last = StudyFolder(results).list_states()[0].last
    assert f"{last['d_loss']:.3g}" in finished.split()
    assert f"{last['d_grad_norm']:.3g}" in finished.split()
    assert [line.split()[:3] for line in waiting] == [
        ["minimax", "1", "0/40"],
        ["non_saturating", "0", "0/40"],
    ]
    assert total == "tiny: 4 runs: 1 interrupted, 1 finished, 2 waiting"


def test_a_run_whose_lock_is_held_is_running_and_has_its_time_left(results):
    live = find_live(results)
    descriptor = locks.take_over(live / "lock", io.StringIO())
    assert StudyFolder(results).list_states()[0].left is None  # before its first row
    (live / "history.csv").write_text(f"{HISTORY}10,5.0,1.4,0.7,0.5,0.5,1,2\n")
    written = time.time() - 3.0
    os.utime(live / "history.csv", (written, written))
    state = StudyFolder(results).list_states()[0]
    assert (state.phase, state.step, state.steps) == (Phase.RUNNING, 10, 40)
    assert state.left == pytest.approx(30 * 0.5 - 3.0, abs=1.0)
    os.close(descriptor)
    assert list_phases(results)[0] is Phase.INTERRUPTED


def test_a_run_of_another_machine_is_running_as_long_as_it_writes(results):
    live = find_live(results)
    (live / "lock").write_text("another-node 17\n")
    (live / "history.csv").write_text(HISTORY)
    assert list_phases(results)[0] is Phase.RUNNING
    for path in (live / "history.csv", live):
        os.utime(path, (time.time() - 2 * FRESH,) * 2)
    assert list_phases(results)[0] is Phase.INTERRUPTED


def test_a_watched_lock_can_be_taken_and_a_held_one_stays_held(tmp_path):
    file = tmp_path / "lock"
    descriptor = locks.take_over(file, io.StringIO())
    assert locks.is_held(file)
    assert locks.take(file) is None
    os.close(descriptor)
    assert locks.is_held(file) is False
    os.close(locks.take(file))
    assert locks.is_held(tmp_path / "removed") is False


@pytest.mark.parametrize(
    ("changes", "phase"),
    [
        ({}, Phase.FINISHED),
        ({"status": "diverged", "step": 7}, Phase.DIVERGED),
        ({"step": 20, "reason": "JSD has not improved"}, Phase.STOPPED),
        ({"parameters": {"steps": 40}}, Phase.OUTDATED),
    ],
)
def test_a_run_that_ended_says_how(results, study, changes, phase):
    run = {"status": "completed", "step": 40, "seconds": 2.0}
    run |= {"parameters": study["runs"]["digits"]["minimax"]} | changes
    folder = results / "runs/digits/minimax/seed0"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(run))
    assert list_phases(results)[0] is phase


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(results, monkeypatch):
    live = find_live(results)
    (live / "history.csv").write_text(f"{HISTORY}10,5.0,1.4,0.7,0.5,0.5,1,2\n")
    folder = StudyFolder(results)
    assert folder.list_states()[0].step == 10
    monkeypatch.setattr("ganbench.terminal.run_states._read_json", None)  # would raise TypeError
    (live / "history.csv").write_text(f"{HISTORY}10,5,1,1,1,1,1,2\n20,9.0,1.4,0.7,0.5,0.5,1,2\n")
    assert folder.list_states()[0].step == 20


def test_last_row_of_a_long_table_is_read_without_its_empty_cells(tmp_path):
    rows = [f"{step},0.5,,0.7" for step in range(1, 2000)]
    table = tmp_path / "history.csv"
    table.write_text("\n".join(["step,seconds,d_loss,g_loss", *rows]) + "\n")
    assert read_last_row(table) == {"step": 1999, "seconds": 0.5, "g_loss": 0.7}
    table.write_text("step,seconds,d_loss,g_loss\n")
    assert read_last_row(table) == {}


def test_folder_of_no_study_is_refused_with_what_to_name(tmp_path, capsys):
    assert main(["watch", str(tmp_path), "--once"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "found neither declared.json nor study.json, expected the folder of a study" in said


def make_state(phase: Phase = Phase.RUNNING, **changes: object) -> RunState:
    last = dict.fromkeys(HISTORY.strip().split(","), 0.5)
    values = {"dataset": "digits", "variant": "minimax", "seed": 0, "step": 50, "steps": 200}
    values |= {"seconds": 10.0, "left": 30.0 if phase is Phase.RUNNING else None, "last": last}
    return RunState(phase=phase, **(values | changes))


def test_table_fits_80_columns_and_keeps_the_seed_of_a_long_name():
    long = "non_saturating_with_a_very_long_name"
    extreme = dict(
        zip(HISTORY.strip().split(","), (1, 2, -1e9, 1.6e-7, 0, 1, 1e5, -1e-4), strict=True)
    )
    states = [
        make_state(variant=long, seed=10, step=123_456, steps=1_000_000, left=86_000, last=extreme),
        make_state(Phase.INTERRUPTED, dataset="fashion_mnist", variant=long, seed=11),
    ]
    lines = format_states("s", states, 79)
    assert max(map(len, lines)) <= 79
    assert re.match(r"digits \S*…\S* 10 +123k/1000k ", lines[1]), lines[1]
    assert lines[1].split()[-9:] == [
        *("−1e9", "2e−7", "0", "1", "100000", "−1e−4", "23.9", "h", "left")
    ]
    assert re.match(r"fash\S*…\S* 11 ", lines[2]), lines[2]


@pytest.mark.parametrize("width", [60, 79])
def test_names_that_differ_in_their_middle_stay_apart_in_a_narrow_table(width):
    names = ("mixture_1d", "mixture_2d")
    last = dict.fromkeys(HISTORY.strip().split(","), -0.0123)
    states = [make_state(dataset=name, seed=10, last=last, left=1234.0) for name in names]
    *rows, _ = format_states("s", states, width)
    assert max(map(len, rows)) <= width
    assert rows[1].startswith("mixture_1")
    assert rows[2].startswith("mixture_2")
    assert all(" 10 " in row and row.endswith(" left") for row in rows[1:])


def test_names_are_whole_where_output_is_no_terminal(results, capsys, study):
    long = "non_saturating_with_a_name_that_no_terminal_has_room_for"
    variants = {long: {"objective": "minimax"}}
    (results / "declared.json").unlink()
    keep_declaration(results / "declared.json", resolve(tiny_study(variants=variants), "tiny"))
    assert main(["watch", str(results)]) == 0
    assert f"{long} 1 " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.693147, "0.693"),
        (-12.345, "−12.3"),
        (1.6e-7, "2e−7"),
        (-1e9, "−1e9"),
        (-0.0436, "−0.044"),
        (100.0, "100"),
    ],
)
def test_a_measure_has_at_most_six_characters(value, text):
    last = {"d_loss": value}
    line = format_states("s", [make_state(last=last)], 79)[1]
    assert line.split()[3] == text
    assert len(text) <= 6
    assert line.split()[4:9] == ["–"] * 5  # no other number was recorded


def test_runs_that_train_come_first_and_those_that_wait_last():
    phases = [Phase.WAITING, Phase.FINISHED, Phase.DIVERGED, Phase.RUNNING, Phase.INTERRUPTED]
    states = [make_state(phase, seed=seed) for seed, phase in enumerate(phases)]
    lines = format_states("s", states, 120)
    assert [line.split()[1] for line in lines[1:-1]] == ["3", "4", "2", "1", "0"]
    assert lines[-1].startswith("s: 5 runs: 1 running, 1 interrupted, 1 diverged, 1 finished, 1 w")


def test_training_left_is_the_work_of_all_runs_over_as_many_as_run_now():
    """0.2 s a step here, 0.4 s of the other variant; two runs share the rest."""
    states = [
        make_state(left=30.0),
        make_state(seed=1, left=10.0),
        make_state(Phase.FINISHED, variant="hinge", step=200, seconds=80.0),
        make_state(Phase.WAITING, variant="hinge", seed=1, step=0, seconds=0.0),
        make_state(Phase.INTERRUPTED, seed=2, step=150, seconds=30.0),
        make_state(Phase.DIVERGED, seed=3),
    ]
    assert estimate_left(states) == pytest.approx((30 + 10 + 200 * 0.4 + 50 * 0.2) / 2)
    assert describe_left(states) == "about 60 s of training left"
    assert estimate_left(states[2:]) is None  # none runs, so nobody knows how many will


class Terminal(io.StringIO):
    """A terminal that remembers what was written to it."""

    def isatty(self) -> bool:
        return True


def use_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Standard output of this test; pytest would replace that of a fixture."""
    stream = Terminal()
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setenv("TERM", "xterm")
    return stream


def test_frames_follow_each_other_until_all_runs_have_ended(results, study, monkeypatch):
    terminal, pauses = use_terminal(monkeypatch), []

    def finish_next_run(seconds: float) -> None:
        pauses.append(seconds)
        variant, seed = [("minimax", 0), ("minimax", 1), ("non_saturating", 0)][len(pauses) - 1]
        train_run(results, study, variant, seed)
        if len(pauses) == 3:
            train_run(results, study, "non_saturating", 1)

    monkeypatch.setattr(watch.time, "sleep", finish_next_run)
    assert main(["watch", str(results)]) == 0
    frames = terminal.getvalue().split("\x1b[6A\x1b[J")
    assert [frame.count("finished") for frame in frames] == [0, 1 + 1, 2 + 1, 4 + 1]
    assert frames[-1].splitlines()[-1] == "tiny: 4 runs: 4 finished"
    assert pauses == [watch.REFRESH] * 3


def test_interrupt_ends_watching_and_leaves_the_last_frame(results, monkeypatch):
    terminal = use_terminal(monkeypatch)

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(watch.time, "sleep", interrupt)
    assert main(["watch", str(results)]) == 0
    assert terminal.getvalue().rstrip().endswith("tiny: 4 runs: 4 waiting")


def test_watching_writes_nothing(results, study):
    train_run(results, study, "minimax", 0)
    find_live(results, seed=1)
    before = {path: path.stat().st_mtime_ns for path in results.rglob("*")}
    watch.watch_runs(results, once=True)
    assert {path: path.stat().st_mtime_ns for path in results.rglob("*")} == before


def test_board_tells_how_wide_a_line_may_be(monkeypatch):
    monkeypatch.setattr("os.get_terminal_size", lambda _: os.terminal_size((100, 30)))
    with open(os.devnull, "w", encoding="utf-8") as stream:
        assert Board(stream).width == 99

"""What a person sees on the terminal while a study runs, made from Snakemake's log records."""

import io
import logging
import os
import time

import pytest
from ganbench.jobs.job import job
from ganbench.jobs.progress import Progress
from ganbench.jobs.status import VARIABLE
from ganbench.study.resolve import resolve
from ganbench.terminal.board import Board
from ganbench.terminal.dry_run import describe_plan
from ganbench.terminal.estimate import PlanEstimate
from ganbench.terminal.handler import TerminalHandler
from ganbench.terminal.headline_of_report import read_headline
from ganbench.terminal.messages import Plan
from ganbench.terminal.study_jobs import list_names
from ganbench.training.interrupts import RunInterrupted
from project import tiny_study
from snakemake.logging import ColorizingTextHandler, DefaultFormatter
from snakemake_interface_logger_plugins.common import LogEvent

RUN = {"dataset": "digits", "variant": "non_saturating", "seed": "3"}
LOG = "results/tiny/logs/train/digits_non_saturating_seed3.log"


def make_plan(page="", *, dry_run=False) -> Plan:
    seconds = {1: 10.0, 2: 30.0}
    estimate = PlanEstimate(seconds, seconds=40.0, memory=800.0, disk=5.0, measured=False)
    return Plan(estimate, "About 40 s.", dry_run=dry_run, results="results/tiny/", page=page)


class Terminal:
    """Snakemake's own handler, replaced by this project's, on a stream that keeps everything."""

    def __init__(self, plan=make_plan, stream=None) -> None:
        self.stream = stream or io.StringIO()
        own = ColorizingTextHandler(stream=self.stream, formatter=DefaultFormatter(set()))
        self.handler = TerminalHandler(own, "tiny", plan)

    def log(self, message="", event=None, level=logging.INFO, **fields) -> str:
        """What the terminal shows for one record."""
        record = logging.LogRecord("snakemake", level, "", 0, message, None, None)
        vars(record).update(fields, event=event)
        before = len(self.stream.getvalue())
        self.handler.emit(record)
        return self.stream.getvalue()[before:]

    def start(self, number=1) -> str:
        self.log("Job stats: …", LogEvent.RUN_INFO)
        return self.log(
            event=LogEvent.JOB_INFO,
            jobid=number,
            rule_name="train",
            wildcards=RUN,
            log=[LOG],
            reason="Missing output files: " + ", ".join(["results/tiny/x.json"] * 500),
        )

    def finish(self, number=1) -> str:
        return self.log(event=LogEvent.JOB_FINISHED, job_id=number)

    def fail(self, number=1, ending="died with <Signals.SIGKILL: 9>.") -> str:
        self.log(
            'RuleException:\nCalledProcessError in file "train.smk", line 2:\n'
            f"Command 'python x.py' {ending}",
            LogEvent.ERROR,
            logging.ERROR,
            exception="RuleException",
        )
        return self.log(
            event=LogEvent.JOB_ERROR,
            level=logging.ERROR,
            jobid=number,
            rule_name="train",
            log=[LOG],
            aux={},
        )

    def close(self) -> str:
        before = len(self.stream.getvalue())
        self.handler.close()
        return self.stream.getvalue()[before:]


def make_log_folder(monkeypatch, folder) -> None:
    """Works in a folder in which Snakemake has made that of the log."""
    monkeypatch.chdir(folder)
    (folder / LOG).parent.mkdir(parents=True)


@pytest.fixture
def terminal(monkeypatch, tmp_path):
    make_log_folder(monkeypatch, tmp_path)
    monkeypatch.setenv(VARIABLE, "")
    terminal = Terminal()
    yield terminal
    terminal.close()


def test_a_job_takes_two_short_lines(terminal):
    assert terminal.start() == "start: train digits / non_saturating / seed 3\n"
    line = terminal.finish()
    assert line.startswith("done:  train digits / non_saturating / seed 3 in 0 s (1/2, about ")
    assert line.endswith(" left)\n")
    assert len(line) <= 80


def test_study_and_estimate_are_said_before_the_first_job(terminal):
    assert terminal.log("…", LogEvent.RUN_INFO) == "Study tiny: 2 jobs. About 40 s.\n"
    assert terminal.log("…", LogEvent.RUN_INFO) == ""


@pytest.mark.parametrize(
    ("message", "event"),
    [
        ("Building DAG of jobs...", None),
        ("Select jobs to execute...", None),
        ("Provided cores: 2", LogEvent.RESOURCES_INFO),
        ("Execute 2 jobs...", LogEvent.JOB_STARTED),
        (None, LogEvent.PROGRESS),
    ],
)
def test_what_says_nothing_new_is_left_out(terminal, message, event):
    assert terminal.log(message, event, done=1, total=2) == ""


@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING, logging.ERROR])
def test_messages_not_known_here_keep_snakemakes_words(terminal, level):
    said = terminal.log("Waiting at most 5 seconds for missing files.", level=level)
    assert "Waiting at most 5 seconds for missing files." in said


def test_failure_names_rule_run_message_and_log(terminal):
    terminal.start()
    with pytest.raises(SystemExit), job(LOG):
        raise RuntimeError("the disk\nis full")
    assert terminal.fail() == (
        "FAILED: rule train, dataset digits, variant non_saturating, seed 3 after 0 s\n"
        "  RuntimeError: the disk\n  is full\n"
        f"  log: {LOG}\n"
    )
    ending = terminal.close()
    assert ending.startswith("1 job failed, 0 of 2 jobs done and kept. Correct what the message")


def test_job_killed_without_a_message_shows_its_log_and_signal(terminal):
    terminal.start()
    with job(LOG) as log:
        print("  1 %  step 10/1000", file=log)
    said = terminal.fail()
    assert "\n    1 %  step 10/1000\n" in said
    assert "died with <Signals.SIGKILL: 9>" in said
    assert f"\n  log: {LOG}\n" in said


@pytest.mark.parametrize(
    "ending",
    [
        "died with <Signals.SIGINT: 2>.",
        "died with <Signals.SIGTERM: 15>.",
        "returned non-zero exit status 130.",
        "returned non-zero exit status 143.",
    ],
)
def test_job_that_the_user_ends_has_not_failed(terminal, ending):
    terminal.start()
    with job(LOG) as log:
        print("interrupted by SIGINT", file=log)
    said = terminal.fail(ending=ending)
    assert said == "stopped: train digits / non_saturating / seed 3 after 0 s\n"
    assert terminal.close() == (
        "Stopped after 0 s: 0 of 2 jobs done and kept. Run the same command again to continue.\n"
    )


def test_run_that_saved_its_state_says_so_when_it_stops(terminal):
    terminal.start()
    with pytest.raises(SystemExit), job(LOG):
        raise RunInterrupted("SIGINT: the run stopped after step 3; its state is saved")
    said = terminal.fail(ending="returned non-zero exit status 1.")
    assert said == (
        "stopped: train digits / non_saturating / seed 3 after 0 s "
        "(SIGINT: the run stopped after step 3; its state is saved)\n"
    )
    assert terminal.close().startswith("Stopped after")


def test_job_that_was_stopped_and_not_named_any_more_is_no_error(terminal):
    terminal.start()
    terminal.log(
        'RuleException:\nCalledProcessError in file "train.smk", line 2:\n'
        "Command 'python x.py' returned non-zero exit status 130.",
        LogEvent.ERROR,
        logging.ERROR,
        exception="RuleException",
    )
    assert terminal.close().startswith("Stopped after")


def test_stopped_jobs_are_not_red(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal(stream=Screen())
    terminal.start()
    assert "\x1b[31m" not in terminal.fail(ending="returned non-zero exit status 130.")
    terminal.start()
    assert "\x1b[31m" in terminal.fail()
    terminal.close()


def test_job_tells_standard_error_what_no_snakemake_shows(capfd, monkeypatch, tmp_path):
    make_log_folder(monkeypatch, tmp_path)
    for folder in ("", str(tmp_path / "of another machine")):
        monkeypatch.setenv(VARIABLE, folder)
        with pytest.raises(SystemExit), job(LOG):
            raise RuntimeError("too small")
        assert capfd.readouterr().err == f"RuntimeError: too small\n(details: {LOG})\n"


def test_progress_of_a_run_stands_beside_its_name(terminal):
    terminal.start()
    with job(LOG) as log, Progress("digits", 8, log, 60.0) as progress:
        progress.advance(2, "")
        running, total = terminal.handler.messages.countdown.list_lines()
    assert running.startswith("  train digits / non_saturating / seed 3 ")
    assert running.endswith(" █████░░░░░░░░░░░░░░░  25 %")
    assert total.startswith("0 of 2 jobs done after 0 s, about ")


def test_bar_stays_while_a_job_saves_what_it_counted(terminal):
    terminal.start()
    countdown = terminal.handler.messages.countdown
    with job(LOG) as log:
        with Progress("digits", 8, log, 60.0) as progress:
            progress.advance(8, "")
            assert countdown.list_lines()[0].endswith(" ████████████████████ 100 %")
        assert countdown.list_lines()[0].endswith(" ████████████████████ finishing")


def test_long_run_without_a_snakemake_says_a_line_for_a_tenth(capfd, monkeypatch, tmp_path):
    make_log_folder(monkeypatch, tmp_path)
    monkeypatch.setenv(VARIABLE, "")
    clock = iter(range(0, 10_000, 20))
    monkeypatch.setattr("ganbench.jobs.progress.time.monotonic", lambda: float(next(clock)))
    with job(LOG) as log, Progress("digits / minimax", 100, log, 1e9) as progress:
        for step in range(5, 100, 5):
            progress.advance(step, "")
    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "digits / minimax: 10 %"
    assert len(set(lines)) == len(lines) <= 9


def test_long_run_has_a_line_for_a_tenth_where_there_is_no_terminal(terminal, monkeypatch):
    terminal.start()
    clock = time.monotonic()
    monkeypatch.setattr("ganbench.terminal.running_jobs.time.monotonic", lambda: clock)
    told = len(terminal.stream.getvalue())
    with job(LOG) as log:
        for step, seconds in ((1, 29), (2, 2), (3, 10), (3, 40)):
            log.status.write(step=step, total=10)
            clock += seconds
            terminal.handler.show_progress()
    run = "train digits / non_saturating / seed 3"
    assert terminal.stream.getvalue()[told:] == f" 20 %:  {run}\n 30 %:  {run}\n"


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self):
        return True


def test_board_is_written_over_and_messages_stand_above_it(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal(stream=Screen())
    terminal.start(1)
    assert terminal.stream.getvalue().count("train digits") == 1, "no line of its own on a terminal"
    shown = terminal.start(2)
    assert shown.startswith("\x1b[2A\x1b[J"), "the former board, of two lines, is erased"
    assert shown.count("\n") == 3
    shown = terminal.finish(1)
    assert shown.startswith("\x1b[3A\x1b[Jdone:  train digits / non_saturating / seed 3 in 0 s\n")
    terminal.close()


def test_board_fits_the_terminal(monkeypatch):
    board = Board(Screen())
    monkeypatch.setattr(board, "_find_size", lambda: os.terminal_size((20, 6)))
    board.draw([f"{number} " + "x" * 50 for number in range(9)] + ["total"])
    lines = board.stream.getvalue().splitlines()
    assert [line[:2] for line in lines] == ["0 ", "1 ", "  ", "to"]
    assert lines[2] == "  and 7 more"
    assert max(map(len, lines)) == 19
    assert board.wrap("one two three four five") == "one two three four\n  five"


def test_a_fault_of_these_messages_loses_none_of_snakemakes(monkeypatch, tmp_path):
    def fail():
        raise KeyError("samples")

    terminal = Terminal(fail)
    said = terminal.log("Job stats: 14", LogEvent.RUN_INFO)
    assert said == "Snakemake's own messages follow: KeyError: 'samples'\nJob stats: 14\n"
    assert VARIABLE not in os.environ, "jobs speak for themselves again"
    assert "Select jobs" in terminal.log("Select jobs to execute...")
    assert terminal.close() == ""


@pytest.mark.parametrize("ended", ["done", "nothing to do"])
def test_report_and_its_own_headline_close_a_study(tmp_path, ended):
    page = tmp_path / "report.html"
    page.write_text('<head><meta name="description" content="x &lt; y: &#34;1&#34;"><style>a{}')
    terminal = Terminal(lambda: make_plan(page=str(page)))
    if ended == "done":
        terminal.start(1)
        terminal.start(2)
        terminal.finish(1)
        terminal.finish(2)
        expected = ["All 2 jobs are done after 0 s."]
    else:
        terminal.log("Nothing to be done (all requested files are present and up to date).")
        expected = []
    lines = terminal.close().splitlines()
    assert lines == [*expected, f"Report: {page}", 'Verdict: x < y: "1"']


def test_headline_of_no_page_is_empty(tmp_path):
    assert read_headline(tmp_path / "none.html") == ""


def test_stopped_study_says_how_it_continues(terminal):
    terminal.start()
    assert terminal.close() == (
        "Stopped after 0 s: 0 of 2 jobs done and kept. Run the same command again to continue.\n"
    )


def test_dry_run_has_one_line_for_runs_that_are_alike():
    missing = "Missing output files: a, b; Input files updated by another job: c"
    runs = [(f"train digits / minimax / seed {seed}", missing) for seed in (2, 0, 1)]
    runs += [("train digits / minimax / seed 7", "Params have changed since last execution: x")]
    runs += [("theory minimax", "Something new: y")]
    assert describe_plan(runs).splitlines() == [
        "Would run 5 jobs:",
        "  train digits / minimax / seeds 0 to 2  not made yet, its inputs are new",
        "  train digits / minimax / seed 7        parameters or code changed",
        "  theory minimax                         something new",
    ]


def test_dry_run_lists_stage_by_stage_in_the_order_of_the_study():
    study = resolve(tiny_study(variants={"minimax": {}, "hinge": {}}, seeds=1), "tiny")
    names = list_names(study)
    lines = describe_plan([(name, "") for name in sorted(names)], names).splitlines()[1:]
    assert [line.strip() for line in lines] == [
        "prepare digits",
        "extractor digits",
        "train digits / minimax / seed 0",
        "train digits / hinge / seed 0",
        "evaluate digits / minimax / seed 0",
        "evaluate digits / hinge / seed 0",
        "theory minimax",
        "theory hinge",
        "report",
    ]


def test_dry_run_of_thousands_of_variants_stays_short():
    runs = [(f"train digits / v{number} / seed 0", "") for number in range(1000)]
    lines = describe_plan(runs).splitlines()
    assert len(lines) == 61
    assert lines[-1] == "  and 941 more such lines"

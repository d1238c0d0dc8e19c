"""Snakemake's log records as short messages in plain words.

A record has an `event` and the fields of `snakemake_interface_logger_plugins`. Records that are not
known here keep Snakemake's own words, so that nothing new is lost.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from logging import LogRecord
from pathlib import Path
from typing import Any

from ganbench.jobs.status import read_status
from ganbench.terminal.dry_run import describe_plan
from ganbench.terminal.estimate import PlanEstimate
from ganbench.terminal.headline_of_report import read_headline
from ganbench.terminal.job_names import name_job
from ganbench.terminal.running_jobs import Countdown, Running
from ganbench.wording import count, duration

SILENT_EVENTS = frozenset(
    {"workflow_started", "resources_info", "job_started", "progress", "shellcmd", "group_info"}
)
"""Events that say nothing to the person who waits for a study."""

SILENT_BEGINNINGS = (
    "Assuming unrestricted shared filesystem",
    "Building DAG of jobs",
    "Using shell:",
    "Group jobs: inactive",
    "Conda environments: ignored",
    "Singularity containers: ignored",
    "Select jobs to execute",
    "Elapsed time:",
    "Reasons:",
    "Some jobs were triggered by provenance",
    "Rules with provenance triggered jobs",
    "This was a dry-run",
    "Exiting because a job execution failed",
    "WorkflowError:\nAt least one job did not complete successfully",
)
"""How messages begin that have no event and are said here otherwise, or not at all."""

LOG_BEGINNING = "Complete log(s): "

PROCESS_ENDED = "CalledProcessError"
"""What Snakemake's words contain when a job's own process has failed."""

STOPPED = "stopped: "
"""How the message begins about a job that the user's own signal has ended."""

_SIGNALLED = re.compile(
    r"died with <Signals\.SIG(INT|TERM): |returned non-zero exit status (130|143)\b"
)
"""How Snakemake says that Ctrl-C or SIGTERM has ended a process."""

LOG_LINES = 15
"""Lines of the log that are shown of a job that failed without a message."""


@dataclass(frozen=True)
class Plan:
    """What Snakemake is about to do: an estimate, in words too, and whether it is only asked for.

    `page` is the report that is made in the end, or ''; `results` the folder of the study.
    `declaration` says what the study declares, if runs are to be trained. `order` are the names of
    the study's jobs, in the order in which a dry-run lists them.
    """

    estimate: PlanEstimate
    sentence: str
    dry_run: bool
    results: str
    page: str
    declaration: str = ""
    order: Sequence[str] = ()


@dataclass
class Messages:
    """Translates the records of one Snakemake.

    `make_plan` is called once the jobs are known. `brief` leaves out what a board shows.
    """

    study: str
    make_plan: Callable[[], Plan]
    status_folder: str
    brief: bool
    plan: Plan | None = None
    countdown: Countdown | None = None
    nothing_to_do: bool = False
    log_file: str = ""
    held: list[str] = field(default_factory=list)
    planned: list[tuple[str, str]] = field(default_factory=list)

    def translate(self, record: LogRecord, format_record: Callable[[LogRecord], str]) -> str:
        """The message for a record, or ''; `format_record` gives Snakemake's own words."""
        event = getattr(record, "event", None)
        if event in SILENT_EVENTS:
            return ""
        tell = {
            "run_info": self._tell_plan,
            "job_info": self._tell_start,
            "job_finished": self._tell_end,
            "job_error": self._tell_failure,
            "error": self._hold_error,
        }.get(str(event))
        if tell:
            return tell(vars(record), format_record(record) if event == "error" else "")
        return self._pass_on(record, format_record(record) or "")

    def _pass_on(self, record: LogRecord, text: str) -> str:
        """Snakemake's own words, unless they say nothing that is new."""
        if text.startswith(LOG_BEGINNING):
            self.log_file = text.removeprefix(LOG_BEGINNING)
            return ""
        if text.startswith("Nothing to be done"):
            self.nothing_to_do = True
            self.plan = self.make_plan()
        silent = text.startswith(SILENT_BEGINNINGS)
        return "" if silent else text.strip("\n")

    def _tell_plan(self, _fields: Mapping[str, Any], _text: str) -> str:
        if self.plan:  # Snakemake says it twice in a dry-run
            return ""
        self.plan = self.make_plan()
        self.countdown = Countdown(self.plan.estimate, self.status_folder)
        if self.plan.dry_run:
            return ""
        jobs = count(self.countdown.total, "job")
        lines = [
            f"Study {self.study}: {jobs}. {self.plan.sentence}".rstrip(),
            self.plan.declaration,
        ]
        return "\n".join(filter(None, lines))

    def _tell_start(self, fields: Mapping[str, Any], _text: str) -> str:
        number, log = fields["jobid"], fields["log"]
        if self.plan and self.plan.dry_run:
            if log:
                name = name_job(fields["rule_name"], fields["wildcards"])
                self.planned.append((name, fields["reason"]))
            return ""
        if not self.countdown or number not in self.countdown.estimate.seconds_of:
            return ""  # rule all, which does nothing
        name = name_job(fields["rule_name"], fields["wildcards"])
        self.countdown.start(number, name, fields["wildcards"], log[0] if log else name)
        return "" if self.brief else f"start: {name}"

    def _tell_end(self, fields: Mapping[str, Any], _text: str) -> str:
        number = fields["job_id"]
        if not self.countdown or number not in self.countdown.estimate.seconds_of:
            return ""
        job = self.countdown.finish(number)
        if job is None:
            return ""
        text = f"done:  {job.name} in {_since(job.started)}"
        if self.brief:
            return text
        done = f"{len(self.countdown.done)}/{self.countdown.total}"
        left = self.countdown.describe_left()
        return f"{text} ({done}{left and f', {left}'})"

    def _hold_error(self, fields: Mapping[str, Any], text: str) -> str:
        """Keeps how a job's process ended until Snakemake says which job it was."""
        if text.startswith(SILENT_BEGINNINGS):
            return ""
        if self.countdown and fields.get("exception") == "RuleException" and PROCESS_ENDED in text:
            self.held.append(text)
            return ""
        return text

    def _tell_failure(self, fields: Mapping[str, Any], _text: str) -> str:
        job = self.countdown.end(fields["jobid"]) if self.countdown else None
        ending = self.held.pop(0) if self.held else ""
        message = read_status(job.status_file).get("error", "") if job else ""
        if job and _was_stopped(message, ending):
            detail = f" ({message})" if message else ""
            return f"{STOPPED}{job.name} after {_since(job.started)}{detail}"
        if self.countdown:
            self.countdown.failed.add(fields["jobid"])
        return self._describe_failure(fields, job, message, ending)

    def _describe_failure(
        self, fields: Mapping[str, Any], job: Running | None, message: str, ending: str
    ) -> str:
        """What failed and why, by the job's own message or else by its log."""
        logs = [name.split(" (")[0] for name in fields["log"]]
        body = message or "\n".join([*_read_tails(logs), *ending.splitlines()[-1:]])
        what = [f"rule {fields['rule_name']}"]
        what += [f"{key} {value}" for key, value in (job.wildcards if job else {}).items()]
        after = f" after {_since(job.started)}" if job else ""
        lines = [f"FAILED: {', '.join(what)}{after}", *body.splitlines()]
        lines += [f"{key}: {value}" for key, value in fields["aux"].items()]
        return "\n  ".join([*lines, *(f"log: {name}" for name in logs)])

    def close(self) -> str:
        """The last message: how it ended, where the report is and what it says."""
        # of jobs that Snakemake did not name any more
        lines = [ending for ending in self.held if not _was_stopped("", ending)]
        if self.plan and self.plan.dry_run and self.countdown:
            plan = describe_plan(self.planned, self.plan.order)
            return "\n".join(filter(None, [plan, self.plan.sentence, self.plan.declaration]))
        countdown = self.countdown
        if countdown and len(countdown.done) < countdown.total:
            return "\n".join([*lines, *self._describe_stop(countdown)])
        if countdown:
            jobs = "The job is" if countdown.total == 1 else f"All {countdown.total} jobs are"
            lines.append(f"{jobs} done after {duration(countdown.elapsed())}.")
        if countdown or self.nothing_to_do:
            lines += self._describe_results()
        return "\n".join(lines)

    def _describe_stop(self, countdown: Countdown) -> list[str]:
        """How many jobs are done, and that nothing is lost."""
        done = f"{len(countdown.done)} of {count(countdown.total, 'job')} done and kept"
        if not countdown.failed:
            after = duration(countdown.elapsed())
            return [f"Stopped after {after}: {done}. Run the same command again to continue."]
        failed = f"{count(len(countdown.failed), 'job')} failed, {done}"
        lines = [f"{failed}. Correct what the message says, then run the same command again."]
        return [*lines, f"All messages: {self.log_file}"] if self.log_file else lines

    def _describe_results(self) -> list[str]:
        if not self.plan.page:
            return [f"Results: {self.plan.results}"]
        headline = read_headline(Path(self.plan.page))
        return [f"Report: {self.plan.page}", *([f"Verdict: {headline}"] if headline else [])]


def _was_stopped(message: str, ending: str) -> bool:
    """Whether the user's signal ended a job, by its own message or else by Snakemake's words."""
    if message:
        return message.startswith(("SIGINT: ", "SIGTERM: "))
    return bool(_SIGNALLED.search(ending))


def _since(started: float) -> str:
    return duration(time.monotonic() - started)


def _read_tails(logs: Sequence[str]) -> list[str]:
    """The last lines of the logs of a job that left no message."""
    lines = []
    for name in logs:
        try:
            text = Path(name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue  # its name is printed all the same
        lines += text.rstrip().splitlines()[-LOG_LINES:]
    return lines

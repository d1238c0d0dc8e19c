"""The jobs of a plan while they run: which have started, which are done, how much time is left."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ganbench.jobs.progress import SPEAK_SECONDS
from ganbench.jobs.status import find_status_file, read_status
from ganbench.terminal.estimate import PlanEstimate, describe_time
from ganbench.wording import duration


@dataclass
class Running:
    """A job that runs: what it is, when it started, and the file that it tells its state in.

    `has_counted` says whether it has counted steps, which it does no more while it saves them.
    """

    name: str
    wildcards: Mapping[str, str]
    started: float
    status_file: Path
    tenth: int = 0
    spoken: float = 0.0
    has_counted: bool = False

    def read_share(self) -> float | None:
        """The share of its steps that it has taken, if it counts them."""
        status = read_status(self.status_file)
        return status["step"] / status["total"] if status.get("total") else None


class Countdown:
    """Counts the jobs of a plan down; a job is known by its number."""

    def __init__(self, estimate: PlanEstimate, status_folder: str) -> None:
        self.estimate, self.status_folder = estimate, status_folder
        self.started = time.monotonic()
        self.running: dict[int, Running] = {}
        self.done: set[int] = set()
        self.failed: set[int] = set()

    @property
    def total(self) -> int:
        """The number of jobs in the plan."""
        return len(self.estimate.seconds_of)

    def start(self, number: int, name: str, wildcards: Mapping[str, str], log_file: str) -> None:
        """Notes that a job starts; a job that had failed starts again."""
        self.failed.discard(number)
        file = find_status_file(self.status_folder, log_file)
        file.unlink(missing_ok=True)
        now = time.monotonic()
        self.running[number] = Running(name, wildcards, now, file, spoken=now)

    def finish(self, number: int) -> Running | None:
        """Notes that a job has ended well; None if it was not known to run."""
        self.done.add(number)
        return self.running.pop(number, None)

    def end(self, number: int) -> Running | None:
        """Notes that a job has ended before it was done; None if it was not known to run."""
        return self.running.pop(number, None)

    def elapsed(self) -> float:
        """Seconds since the plan began."""
        return time.monotonic() - self.started

    def describe_left(self) -> str:
        """The time left in words: "about 40 s left"; '' when every job is done."""
        if len(self.done) == self.total:
            return ""
        return f"about {describe_time(self._seconds_left())} left"

    def list_lines(self) -> list[str]:
        """A line for each job that runs, and the total."""
        lines = [_describe_running(job) for job in self.running.values()]
        done = f"{len(self.done)} of {self.total} jobs done after {duration(self.elapsed())}"
        return [*lines, f"{done}, {self.describe_left()}"]

    def list_tenths(self) -> list[str]:
        """A line for each job that has reached another tenth, at most one in half a minute."""
        lines, now = [], time.monotonic()
        for job in self.running.values():
            tenth = int(10 * (job.read_share() or 0))
            if tenth > job.tenth and now - job.spoken >= SPEAK_SECONDS:
                job.tenth, job.spoken = tenth, now
                lines.append(f"{10 * tenth:>3} %:  {job.name}")
        return lines

    def _seconds_left(self) -> float:
        """The estimate at first, the pace of what is done at last, and in between both."""
        seconds_of = self.estimate.seconds_of
        total = sum(seconds_of.values())
        done = sum(seconds_of.get(number, 0.0) for number in self.done)
        for number, job in self.running.items():
            expected = seconds_of.get(number, 0.0)
            share = job.read_share()
            if share is None:
                share = min(0.9, (time.monotonic() - job.started) / max(expected, 1.0))
            done += share * expected
        rest = 1 - min(1.0, done / total) if total else 0.0
        return rest * (rest * self.estimate.seconds + self.elapsed())


def _describe_running(job: Running) -> str:
    share = job.read_share()
    if share is not None:
        job.has_counted = True
        state = f"{_draw_bar(share)} {100 * share:3.0f} %"
    else:
        state = f"{_draw_bar(1.0)} finishing" if job.has_counted else ""
    line = f"  {job.name:<42} {duration(time.monotonic() - job.started):>6}  {state}"
    return line.rstrip()


def _draw_bar(share: float) -> str:
    return f"{'█' * int(20 * share):░<20}"

"""Compares what a study would make with the records of what was made: the two differ, or agree.

A planned job is judged by contents alone: its parameters, and the SHA-256 of what it reads as the
records of other jobs have them. Times of files decide nothing, and only tell where to look.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganbench.jobs import files, provenance
from ganbench.jobs.records.job_records import (
    DamagedRecordError,
    JobRecord,
    RecordShelf,
    find_place,
    is_record,
    parse_record,
)


@dataclass(frozen=True)
class PlannedJob:
    """A job as the study would run it now; all paths are relative to the working directory.

    `inputs` are the files whose contents decide its results, or None if this plan lacks
    some of them. `ignored` are inputs that must exist only. `outputs` include `record`.
    """

    record: str
    parameters: Mapping[str, Any]
    inputs: Sequence[str] | None
    ignored: frozenset[str]
    outputs: Sequence[str]


@dataclass(frozen=True)
class Judgement:
    """Why a job's results are not what the study would make: all empty if they are.

    `before` and `now` are what of its parameters differs. `missing` are files to be made, and
    `is_unrecorded` says that files lie there which no record tells about. `problems` are files
    that are not what was written there.
    """

    missing: tuple[str, ...] = ()
    before: frozenset[str] = frozenset()
    now: frozenset[str] = frozenset()
    inputs_changed: bool = False
    is_unrecorded: bool = False
    problems: Mapping[Path, str] = field(default_factory=dict)


def judge_jobs(jobs: Sequence[PlannedJob]) -> Iterator[Judgement]:
    """A judgement of each job, in order."""
    records = [_read_record(job.record) for job in jobs]
    contents = _Contents(jobs, records)
    for job, record in zip(jobs, records, strict=True):
        yield _judge(job, record, contents)


def is_finished(record: str) -> bool:
    """Whether a job wrote its record, the last of its files, and all of them are as it says."""
    written, folder = _read_record(record), Path(record).parent
    return isinstance(written, JobRecord) and all(
        (folder / name).is_file() and provenance.sha256_file(folder / name) == output["sha256"]
        for name, output in written.outputs.items()
    )


def _judge(job: PlannedJob, record: JobRecord | str | None, contents: "_Contents") -> Judgement:
    path = Path(job.record)
    if isinstance(record, str):
        return Judgement(problems={path: record})
    statuses = {output: _read_status(output) for output in job.outputs}
    missing = tuple(output for output, status in statuses.items() if status is None)
    if record is None:
        return Judgement(missing, is_unrecorded=len(missing) < len(job.outputs))
    if exchange := files.find_exchange(path, record):
        return Judgement(problems={path: exchange})
    if record.parameters != job.parameters:
        return Judgement(missing, *_compare(record.parameters, job.parameters))
    if job.inputs is not None and contents.differ(job, record):
        return Judgement(missing, inputs_changed=True)
    return Judgement(missing, problems=_find_altered(job, record, statuses))


def _read_record(file: str) -> JobRecord | str | None:
    """A record, what is wrong with it, or None if there is none."""
    try:
        with open(file, "rb") as opened:
            return parse_record(opened.read())
    except FileNotFoundError:
        return None
    except DamagedRecordError:
        return "it is damaged"


def _read_status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


class _Contents:
    """The SHA-256 of every file that planned jobs read, from records where they have it."""

    def __init__(
        self, jobs: Sequence[PlannedJob], records: Sequence[JobRecord | str | None]
    ) -> None:
        self.recorded = {
            f"{record.place}/{name}": output["sha256"]
            for record in records
            if isinstance(record, JobRecord)
            for name, output in record.outputs.items()
        }
        self.planned = {find_place(output) for job in jobs for output in job.outputs}
        self.shelf, self.digests = RecordShelf(), {}

    def differ(self, job: PlannedJob, record: JobRecord) -> bool:
        """Whether a job would read other files than it did, or other contents.

        Files that another job is about to make are left out: Snakemake runs what depends on them.
        """
        before = dict(record.inputs)
        for path in job.ignored:
            before.pop(find_place(path), None)
        now = {find_place(path): self._find(path) for path in job.inputs if not is_record(path)}
        unknown = {place for place, digest in now.items() if digest is None}
        return before.keys() != now.keys() or any(
            before[place] != digest for place, digest in now.items() if place not in unknown
        )

    def _find(self, path: str) -> str | None:
        place = find_place(path)
        if place in self.recorded or place in self.planned:
            return self.recorded.get(place)
        if path not in self.digests:
            exists = os.path.exists(path)
            self.digests[path] = files.recorded_sha256(Path(path), self.shelf) if exists else None
        return self.digests[path]


def _compare(
    before: Mapping[str, Any], now: Mapping[str, Any]
) -> tuple[frozenset[str], frozenset[str]]:
    """The parameters that differ as `key: value`, before and now; of nested ones the leaves."""
    old, new = (
        frozenset(_list_leaves("", {key: _parse(value) for key, value in parameters.items()}))
        for parameters in (before, now)
    )
    return old - new, new - old


def _parse(parameter: Any) -> Any:
    """A parameter of a rule; what is canonical JSON of a part of the study, as that part."""
    if isinstance(parameter, str) and parameter.startswith(("{", "[")):
        with suppress(json.JSONDecodeError):
            return json.loads(parameter)
    return parameter


def _list_leaves(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from _list_leaves(f"{key}.{name}" if key else name, part)
    else:
        yield f"{key}: {provenance.canonical_json(value)}"


def _find_altered(
    job: PlannedJob, record: JobRecord, statuses: Mapping[str, os.stat_result | None]
) -> dict[Path, str]:
    """Files of another size than written, and newer ones than their record with other contents.

    Snakemake sets the times of a job's files when it ends, that of the record last.
    """
    written, folder = statuses[job.record].st_mtime_ns, job.record.rpartition("/")[0] + "/"
    altered = {}
    for output, status in statuses.items():
        expected = record.outputs.get(output.removeprefix(folder))
        if status is None or expected is None:
            continue
        if status.st_size != expected["size"] or (
            status.st_mtime_ns > written
            and provenance.sha256_file(Path(output)) != expected["sha256"]
        ):
            altered[Path(output)] = "its SHA-256 differs from the recorded one"
    return altered


def summarise_unrecorded(records: Sequence[str]) -> str:
    """One message about jobs whose files lie where no record tells what they are of."""
    return (
        f"{len(records)} {'job' if len(records) == 1 else 'jobs'} left results without a record of "
        f"what they are of, such as {records[0]}: they were cut short, copied without their "
        "*.record.json, or made by a version of ganbench that wrote none. They are made again. "
        "To keep the results of another folder, copy them with their records."
    )

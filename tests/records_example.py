"""Records as jobs write them, for tests that run no job."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganbench.jobs.provenance import sha256_file
from ganbench.jobs.records.job_records import find_place
from ganbench.jobs.records.recording import RecordedJob


def write_record(
    record: Path,
    names: tuple[str, ...],
    *,
    rule: str = "train",
    parameters: Mapping[str, Any] | None = None,
    inputs: tuple[Path, ...] = (),
) -> RecordedJob:
    """Writes the record of a job that wrote the files `names` beside it and read `inputs`."""
    job = RecordedJob(
        log=sys.stdout,
        file=record,
        rule=rule,
        parameters=parameters or {},
        inputs={find_place(path.as_posix()): sha256_file(path) for path in inputs},
        outputs=tuple(record.parent / name for name in names),
    )
    job.write()
    return job

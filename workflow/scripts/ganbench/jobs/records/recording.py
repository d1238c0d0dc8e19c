"""A job that writes its record at its end."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from ganbench.jobs import files
from ganbench.jobs.job import find_gpu_plan, job
from ganbench.jobs.records.job_records import JobRecord, RecordShelf, find_place, is_record

PLACES = ("checkpoints", "benchmarks", "declared", "described", "reference_file")
"""Parameters of rules that say where files lie, and decide no result."""


def list_deciding(parameters: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The parameters of a rule that decide its results, as JSON has them."""
    deciding = {name: value for name, value in parameters if name not in PLACES}
    return json.loads(json.dumps(deciding))


def name_results(outputs: Any) -> dict[str, Path]:
    """The files of a job that are not its record, by the rule's names of them."""
    return {name: Path(file) for name, file in outputs.items() if name != "record"}


def name_run(wildcards: Any) -> dict[str, Any]:
    """The run of a job by `dataset`, `variant` and `seed`."""
    return {
        "dataset": wildcards.dataset,
        "variant": wildcards.variant,
        "seed": int(wildcards.seed),
    }


def pick_parameters(snakemake: Any, *names: str) -> dict[str, Any]:
    """Some of the parameters of a job's rule."""
    return {name: snakemake.params[name] for name in names}


def pick_execution(snakemake: Any, *keys: str) -> dict[str, Any]:
    """What a job reads of the configuration beside its parameters."""
    return {key: snakemake.config["execution"][key] for key in keys}


@dataclass
class RecordedJob:
    """A job at work: its log, what decides its results, and its files.

    `file` is the record that it will write, `inputs` has the SHA-256 of each file by its place.
    """

    log: TextIO
    file: Path
    rule: str
    parameters: Mapping[str, Any]
    inputs: Mapping[str, str]
    outputs: tuple[Path, ...]
    taken_from: str | None = None

    def write(self) -> None:
        """Writes the record of the files that the job wrote."""
        paths = [path for output in self.outputs for path in _list_files(output)]
        folder = self.file.parent
        record = JobRecord(
            rule=self.rule,
            place=find_place(folder.as_posix()),
            parameters=self.parameters,
            inputs=self.inputs,
            outputs={
                path.relative_to(folder).as_posix(): {
                    "sha256": files.written_sha256(path),
                    "size": path.stat().st_size,
                }
                for path in paths
            },
            taken_from=self.taken_from,
        )
        files.write_text(self.file, record.to_text())


@contextmanager
def recorded_job(snakemake: Any) -> Iterator[RecordedJob]:
    """What surrounds a script's work, `ganbench.jobs.job`; writes the record if no error occurs."""
    plan = find_gpu_plan(snakemake)
    with job(snakemake.log[0], snakemake.input, plan) as log:
        recorded = _begin(snakemake, log)
        yield recorded
        recorded.write()


def _begin(snakemake: Any, log: TextIO) -> RecordedJob:
    record_file, shelf = Path(snakemake.output.record), RecordShelf()
    read = [Path(path) for path in snakemake.input if not is_record(path)]
    return RecordedJob(
        log=log,
        file=record_file,
        rule=snakemake.rule,
        parameters=list_deciding(snakemake.params.items()),
        inputs={find_place(path.as_posix()): files.recorded_sha256(path, shelf) for path in read},
        outputs=tuple(Path(file) for file in snakemake.output if not is_record(file)),
    )


def _list_files(path: Path) -> list[Path]:
    """A file, or every file below a folder but Snakemake's own, which is hidden."""
    if not path.is_dir():
        return [path]
    return [file for file in sorted(path.rglob("*")) if file.is_file() and file.name[0] != "."]

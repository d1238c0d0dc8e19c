"""Takes over the results of a run that differs from another in nothing but its variant's name.

Random streams do not depend on names, so a renamed variant has the results of the old name.
"""

import csv
import shutil
from pathlib import Path
from typing import Any

from ganbench.jobs import files
from ganbench.jobs.records.job_records import DamagedRecordError, find_place, parse_record
from ganbench.jobs.records.recording import RecordedJob


def adopt_results(job: RecordedJob, snakemake: Any) -> bool:
    """Copies what the job of a former name wrote to the outputs of `job`, under the new name.

    The results of variants that the study has are their own: what it trains under two names is
    trained twice. Returns whether there was such a job with whole files.
    """
    variants = snakemake.config["execution"]["variants"]
    runs, seed = job.file.parents[2], job.file.parent.name
    for record_file in sorted(runs.glob(f"*/{seed}/{job.file.name}")):
        folder = record_file.parent
        if folder.parent.name not in variants and _is_same_job(job, record_file):
            for output in job.outputs:
                _copy_renamed(folder / output.name, output, snakemake.wildcards.variant)
            job.taken_from = find_place(folder.as_posix())
            print(
                f"taken over from {job.taken_from}, which differs in its name alone", file=job.log
            )
            return True
    return False


def _is_same_job(job: RecordedJob, record_file: Path) -> bool:
    """Whether a record is that of `job` but for its place, and its files are whole."""
    folder = record_file.parent
    try:
        record = parse_record(record_file.read_bytes())
        here = find_place(job.file.parent.as_posix())
        inputs = {
            place.replace(f"{record.place}/", f"{here}/"): digest
            for place, digest in record.inputs.items()
        }
        made_by = (record.rule, record.parameters, inputs)
        if made_by != (job.rule, job.parameters, job.inputs):
            return False
        files.check(folder / output.name for output in job.outputs)
    except (DamagedRecordError, files.DamagedFileError, FileNotFoundError):
        return False
    return True


def _copy_renamed(source: Path, target: Path, variant: str) -> None:
    """Copies a file of a run; where it names the variant, `target` has the new name."""
    if target.name == "run.json":
        files.write_json(target, {**files.read_json(source), "variant": variant})
        return
    with files.whole(target) as temporary:
        if target.name == "scores.csv":
            _rename_scores(source, temporary, variant)
        else:
            shutil.copyfile(source, temporary)


def _rename_scores(source: Path, target: Path, variant: str) -> None:
    with (
        source.open(encoding="utf-8", newline="") as old,
        target.open("w", encoding="utf-8") as new,
    ):
        rows = csv.DictReader(old)
        table = csv.DictWriter(new, rows.fieldnames, lineterminator="\n")
        table.writeheader()
        table.writerows({**row, "variant": variant} for row in rows)

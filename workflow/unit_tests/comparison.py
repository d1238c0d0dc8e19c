"""Appended to the common.py of `snakemake --generate-unit-tests` by rules/maintenance.smk."""

import csv
import json

MEASURED = ("seconds", "images_per_second")
"""What a job measures anew each time; everything else is compared."""


class OutputChecker(OutputChecker):  # noqa: F821 (defined above, in what Snakemake generates)
    """Compares byte by byte, but where durations stand: there, all but the durations."""

    def compare_files(self, expected_file, generated_file, cmp_cmds):
        """Fails if a file is not the expected one."""
        read = READERS.get(expected_file.name)
        if expected_file.name.endswith(".record.json"):
            read = read_record
        if read is None:
            super().compare_files(expected_file, generated_file, cmp_cmds)
        else:
            assert read(generated_file) == read(expected_file), expected_file


def drop_measured(row):
    """A row or object without what was measured."""
    return {key: value for key, value in row.items() if key not in MEASURED}


def read_run(file):
    """`run.json` without durations."""
    return drop_measured(json.loads(file.read_text(encoding="utf-8")))


def read_history(file):
    """`history.csv` without durations."""
    with file.open(encoding="utf-8", newline="") as opened:
        return [drop_measured(row) for row in csv.DictReader(opened)]


def read_record(file):
    """A record without digests of what has durations in it."""
    record = json.loads(file.read_text(encoding="utf-8"))
    for name in READERS:
        record["outputs"].pop(name, None)
    return {key: value for key, value in record.items() if key != "sha256"}


READERS = {"run.json": read_run, "history.csv": read_history}

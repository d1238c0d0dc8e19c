"""Refuses results that were made with other settings than the study has that reports them.

Snakemake makes such results again, unless the command line keeps it from running their rules.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ganbench.catalogue.extractors import choose_extractor
from ganbench.jobs.files import DamagedFileError
from ganbench.jobs.provenance import canonical_json
from ganbench.jobs.records.job_records import JobRecord, parse_record


def check_origins(study: Mapping[str, Any], record_files: Iterable[Path]) -> None:
    """Raises DamagedFileError for the first record that tells of other settings than `study`."""
    for file in record_files:
        record = parse_record(file.read_bytes())
        for name, expected in _list_settings(study, record).items():
            if name in record.parameters and record.parameters[name] != expected:
                raise DamagedFileError(
                    f"{file}: these results were made with {name}: {record.parameters[name]}, and "
                    f"the study has {name}: {expected}. Run snakemake without --allowed-rules and "
                    "--omit-from, and it makes them again"
                )


def _list_settings(study: Mapping[str, Any], record: JobRecord) -> dict[str, Any]:
    """What the parameters of a record's rule are in `study`, by the names that rules use."""
    _, _, kind, *names = record.place.split("/")
    if kind == "theory" or names[0] not in study["datasets"]:
        return {}
    dataset, evaluation = study["datasets"][names[0]], study["evaluation"]
    settings = {
        "kind": dataset["kind"],
        "samples": dataset["samples"],
        "extractor": choose_extractor(dataset, evaluation),
        "repeats": evaluation["repeats"],
        "gap": evaluation["duality_gap"],
    }
    if kind == "runs":
        settings["parameters"] = canonical_json(study["runs"][names[0]].get(names[1]))
    return settings

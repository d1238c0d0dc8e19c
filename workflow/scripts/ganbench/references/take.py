"""Copies the runs of a reference into a study's results, after their digests were checked."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ganbench.catalogue.metrics import METRICS, base_name
from ganbench.jobs import files
from ganbench.references.provenance_check import (
    MismatchedReferenceError,
    check_digests,
    parse_reference_record,
)
from ganbench.study.reference_sources import read_source
from ganbench.study.references import ReferenceStudy, name_variant, parse_reference
from ganbench.study.resolve import list_runs

LOCK = "requirements.lock"


class ReferenceOutputs(NamedTuple):
    """What is kept of a reference: how its runs ended, their scores and their histories."""

    runs: Path
    scores: Path
    history: Path


class ReferenceRun(NamedTuple):
    """One run of a reference: its place there, its name here, and its record."""

    dataset: str
    variant: str
    seed: int
    record: dict[str, Any]


def take_reference(
    *,
    source: Path,
    described: str,
    sha256: str,
    datasets: Sequence[str],
    prepare_records: Sequence[Path],
    extractor_cards: Sequence[Path],
    outputs: ReferenceOutputs,
) -> None:
    """Checks the reference at `source` by hash and writes its runs on `datasets`.

    `sha256` is the digest of the files that were planned with. Raises MismatchedReferenceError
    where they differ, or where data or rulers are not those of this study.
    """
    reference = parse_reference(read_source(source, described), described)
    if reference.sha256 != sha256:
        raise MismatchedReferenceError(
            f"reference: {described} changed since this study was planned; run the same snakemake "
            "command again"
        )
    check_digests(reference, datasets, prepare_records, extractor_cards)
    runs = [run for run in _list_runs(reference) if run.dataset in datasets]
    files.write_json(
        outputs.runs,
        {
            "source": described,
            "sha256": sha256,
            "study": reference.study["study"],
            "lock_sha256": _find_lock(reference),
            "runs": [run.record for run in runs],
        },
    )
    _write_rows(outputs.scores, _list_scores(reference, runs))
    _write_rows(outputs.history, _list_history(reference, runs))


def _list_runs(reference: ReferenceStudy) -> Iterator[ReferenceRun]:
    """The runs of a reference in its study's order; those that are missing are left out."""
    planned = _read_json(reference, "study.json")
    together = _read_json(reference, "runs.json") if "runs.json" in reference.contents else {}
    for dataset, variant, seed in list_runs(reference.study):
        place = f"{dataset}/{variant}/seed{seed}"
        name = f"runs/{place}/run.json"
        record = _read_json(reference, name) if name in reference.contents else together.get(place)
        if record is not None:
            _check_run(reference, place, record, planned["runs"][dataset][variant])
            here = name_variant(reference.name, variant)
            own = {"dataset": dataset, "variant": here, "seed": seed}
            parameters = reference.study["runs"][dataset][variant]
            yield ReferenceRun(dataset, variant, seed, {**record, **own, "parameters": parameters})


def _check_run(
    reference: ReferenceStudy, place: str, record: Any, parameters: Mapping[str, Any]
) -> None:
    """Raises MismatchedReferenceError unless a run ended, and had the parameters of its study."""
    is_ended = isinstance(record, Mapping) and record.get("status") in ("completed", "diverged")
    if not is_ended or type(record.get("step")) is not int:
        problem = "does not say how it ended"
    elif record.get("parameters", parameters) != parameters:
        problem = "was trained with other parameters than study.json has"
    else:
        return
    raise MismatchedReferenceError(
        f"reference: {reference.source}: the run {place} {problem}; copy the reference again"
    )


def _read_json(reference: ReferenceStudy, name: str) -> Any:
    try:
        return json.loads(reference.contents[name])
    except ValueError as error:
        raise MismatchedReferenceError(
            f"reference: {reference.source}: {name} is no JSON ({error}); copy the reference again"
        ) from None


def _find_lock(reference: ReferenceStudy) -> str | None:
    """The SHA-256 of the lock file of the reference, if it tells."""
    if "report.record.json" not in reference.contents:
        return None
    return parse_reference_record(reference, "report.record.json").inputs.get(LOCK)


def _list_scores(
    reference: ReferenceStudy, runs: Sequence[ReferenceRun]
) -> Iterator[dict[str, str]]:
    """The scores of runs by metrics that this version knows."""
    taken = {(run.dataset, run.variant, str(run.seed)) for run in runs}
    for row in _read_rows(reference.contents["scores.csv"]):
        if (row["dataset"], row["variant"], row["seed"]) in taken and (
            base_name(row["metric"]) in METRICS
        ):
            yield row | {"variant": name_variant(reference.name, row["variant"])}


def _list_history(
    reference: ReferenceStudy, runs: Sequence[ReferenceRun]
) -> Iterator[dict[str, str]]:
    for run in runs:
        name = f"runs/{run.dataset}/{run.variant}/seed{run.seed}/history.csv"
        own = {key: str(run.record[key]) for key in ("dataset", "variant", "seed")}
        for row in _read_rows(reference.contents.get(name, b"")):
            yield own | row


def _read_rows(content: bytes) -> Iterator[dict[str, str]]:
    return csv.DictReader(io.StringIO(content.decode(), newline=""))


def _write_rows(file: Path, rows: Iterator[Mapping[str, str]]) -> None:
    """Writes rows that may have different columns; a file without rows is empty."""
    kept = list(rows)
    columns = list(dict.fromkeys(name for row in kept for name in row))
    with files.whole(file) as temporary, temporary.open("w", encoding="utf-8", newline="") as out:
        table = csv.DictWriter(out, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(kept)

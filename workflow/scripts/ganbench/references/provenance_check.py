"""Compares the digests of what a reference was measured with and of what a study has prepared."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ganbench.jobs import files
from ganbench.jobs.errors import ActionableError
from ganbench.jobs.records.job_records import DamagedRecordError, JobRecord, parse_record
from ganbench.study.references import ReferenceStudy


class MismatchedReferenceError(ActionableError):
    """The runs of a reference cannot stand beside those of a study."""


def check_digests(
    reference: ReferenceStudy,
    datasets: Sequence[str],
    prepare_records: Sequence[Path],
    extractor_cards: Sequence[Path],
) -> None:
    """Raises MismatchedReferenceError, which names everything whose SHA-256 differs or is not told.

    `datasets` are those that both studies have. The files are the study's own, of all its datasets.
    """
    records = (parse_record(file.read_bytes()) for file in prepare_records)
    data = {record.place.rpartition("/")[2]: record for record in records}
    cards = {card["dataset"]: card for card in map(files.read_json, extractor_cards)}
    problems = [
        problem
        for dataset in datasets
        for problem in (
            _compare_data(reference, dataset, data[dataset]),
            _compare_extractors(reference, dataset, cards.get(dataset)),
        )
        if problem
    ]
    problems += _list_altered(reference)
    if problems:
        raise MismatchedReferenceError(
            f"reference: {reference.source} cannot be compared with this study:\n"
            + "\n".join(f"  {problem}" for problem in problems)
            + "\nCopy it again, publish it again, or remove it"
        )


def _compare_data(reference: ReferenceStudy, dataset: str, own: JobRecord) -> str | None:
    name = f"datasets/{dataset}/prepare.record.json"
    if name not in reference.contents:
        return f"there is no {name}, which has the SHA-256 of its data"
    theirs = parse_reference_record(reference, name)
    digests = [record.outputs["data.npz"]["sha256"] for record in (own, theirs)]
    if digests[0] == digests[1]:
        return None
    return f"the data of {dataset}: SHA-256 {digests[0]} here, {digests[1]} in the reference"


def _compare_extractors(
    reference: ReferenceStudy, dataset: str, own: Mapping[str, Any] | None
) -> str | None:
    """`own` is the card of the study's extractor; None for points, whose density is known."""
    if own is None:
        return None
    name = f"extractors/{dataset}/{own['name']}/card.json"
    if name not in reference.contents:
        return f"there is no {name}, which has the SHA-256 of its ruler"
    theirs = json.loads(reference.contents[name])
    if own["sha256"] == theirs.get("sha256"):
        return None
    return (
        f"the extractor {own['name']} of {dataset}: SHA-256 {own['sha256']} here, "
        f"{theirs.get('sha256')} in the reference"
    )


def parse_reference_record(reference: ReferenceStudy, name: str) -> JobRecord:
    """A record of a reference. Raises MismatchedReferenceError if it was changed."""
    try:
        return parse_record(reference.contents[name])
    except DamagedRecordError as error:
        raise MismatchedReferenceError(
            f"reference: {reference.source}: {name} is damaged ({error}); copy the reference again"
        ) from None


def _list_altered(reference: ReferenceStudy) -> Iterator[str]:
    """The files that differ from what their records say was written there."""
    for name in sorted(reference.contents):
        if not name.endswith(".record.json"):
            continue
        folder = name.rpartition("/")[0]
        for output, written in parse_reference_record(reference, name).outputs.items():
            path = f"{folder}/{output}" if folder else output
            content = reference.contents.get(path)
            if content is not None and files.provenance.sha256(content) != written["sha256"]:
                yield f"{path} is not what was written there: its SHA-256 differs from the recorded"

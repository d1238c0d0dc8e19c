"""Finished runs of other studies that stand beside a study's own: what they are, and their names.

What a comparison needs is in these files of a study's results, which a published folder and a
bundle have too:

- `study.json`: the resolved study: samples, networks, latents, budget, precision, primary metric
- `runs/…/run.json`: how each run ended, its processor, libraries and parameters
- `scores.csv`, `runs/…/history.csv`: scores and losses of every run
- `datasets/…/prepare.record.json`: the SHA-256 of the prepared data
- `extractors/…/card.json`: the name of the ruler and the SHA-256 of its weights
- `report.record.json`: the SHA-256 of the lock file

Run for run the files are checked by hash where they are used, in `ganbench.references`.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganbench.catalogue.suggestions import suggest
from ganbench.jobs.provenance import canonical_json, sha256
from ganbench.study.newer_keys import complete_study
from ganbench.study.reference_sources import (
    describe_source,
    list_sources,
    locate_source,
    read_source,
)
from ganbench.study.schema import StudyError

SEPARATOR = "/"
"""Between the name of a study and that of its variant: `fashion_mnist/hinge`."""

_NAME = r"[a-z0-9_]{1,200}"


@dataclass(frozen=True)
class ReferenceStudy:
    """The results of another study: `name` is that of its folder, `source` where they are from.

    `study` is resolved, in today's words; `contents` are the files by name, `sha256` is a digest of
    them all.
    """

    name: str
    source: str
    study: Mapping[str, Any]
    contents: Mapping[str, bytes]

    @property
    def sha256(self) -> str:
        """The same for a folder and for an archive of it."""
        return sha256(canonical_json({name: sha256(c) for name, c in self.contents.items()}))

    def list_variants(self, datasets: Iterable[str]) -> dict[str, list[str]]:
        """The names that its variants have in another study, by those of `datasets` it has."""
        variants = [name_variant(self.name, variant) for variant in self.study["variants"]]
        return {name: variants for name in datasets if name in self.study["datasets"]}


def name_variant(reference: str, variant: str) -> str:
    """The name that a variant of a reference has beside a study's own."""
    return f"{reference}{SEPARATOR}{variant}"


def is_of_reference(variant: str) -> bool:
    """Whether a name is that of a variant of a reference; a study's own have no separator."""
    return SEPARATOR in variant


def find_reference(variant: str) -> str:
    """The reference that a variant is of; empty for a study's own."""
    return variant.rpartition(SEPARATOR)[0]


def read_references(written: Any, folders: Sequence[Path]) -> list[ReferenceStudy]:
    """The references that a study writes below `reference`, in its order.

    Raises StudyError where one is not the results of a study, or two are of the same study.
    """
    references: dict[str, ReferenceStudy] = {}
    for source in list_sources(written):
        described = describe_source(source)
        contents = read_source(locate_source(source, folders), described)
        reference = parse_reference(contents, described)
        if other := references.get(reference.name):
            raise StudyError(
                f"reference: {other.source} and {described} are both of a study named "
                f"{reference.name}; remove one of them"
            )
        references[reference.name] = reference
    return list(references.values())


def parse_reference(contents: Mapping[str, bytes], described: str) -> ReferenceStudy:
    """The study in the files of a reference. Raises StudyError if it cannot be read."""
    lacking = [name for name in ("study.json", "scores.csv") if name not in contents]
    if lacking:
        raise StudyError(
            f"reference: {described}: there is no {' and no '.join(lacking)}; expected the results "
            "of a finished study, a folder of results/published, or what `ganbench bundle` wrote"
        )
    try:
        study = json.loads(contents["study.json"])
        name, completed = study["study"], complete_study(study)
        _check_shape(completed)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StudyError(
            f"reference: {described}: study.json is no resolved study ({error!r}); copy the "
            "results again"
        ) from None
    names = [name, *completed["variants"], *completed["datasets"]]
    if bad := [name for name in names if not re.fullmatch(_NAME, str(name))]:
        raise StudyError(
            f"reference: {described}: study.json has the name {bad[0]!r}, expected lower-case "
            "letters, digits and underscores; it is no study of this workflow"
        )
    return ReferenceStudy(name, described, completed, dict(contents))


def _check_shape(study: Mapping[str, Any]) -> None:
    """Raises KeyError, TypeError or ValueError unless a study has its runs and seeds."""
    for dataset in study["datasets"]:
        for variant in study["variants"]:
            study["runs"][dataset][variant]["steps"]
    if not all(type(seed) is int for seed in study["seeds"]):
        raise ValueError("seeds are no whole numbers")


def record_references(
    references: Iterable[ReferenceStudy], study: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """What a resolved study says of its references: source, digest, and variants by dataset."""
    return {
        reference.name: {
            "source": reference.source,
            "sha256": reference.sha256,
            "variants": reference.list_variants(study["datasets"]),
        }
        for reference in references
    }


def list_reference_variants(study: Mapping[str, Any]) -> list[str]:
    """The variants of all references of a resolved study, each once."""
    groups = [
        variants
        for reference in study.get("references", {}).values()
        for variants in reference["variants"].values()
    ]
    return list(dict.fromkeys(variant for group in groups for variant in group))


def complete_variant(path: str, name: str, study: Mapping[str, Any]) -> str:
    """The full name of a variant of the study or of a reference, which may be written without it.

    Raises StudyError if there is none, or if several references have one.
    """
    others = list_reference_variants(study)
    if name in study["variants"] or name in others:
        return name
    matches = [other for other in others if other.partition(SEPARATOR)[2] == name]
    if len(matches) > 1:
        raise StudyError(f"{path}: found {name!r}, which is {' or '.join(matches)}; write which")
    if not matches:
        names = [*study["variants"], *others]
        raise StudyError(
            f"{path}: found {name!r}, expected a variant of the study: {', '.join(names)}"
            f"{suggest(name, names)}"
        )
    return matches[0]

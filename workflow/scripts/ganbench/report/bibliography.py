"""The bibliography of one study: what of `references.bib` it uses."""

import re
from collections.abc import Iterator
from pathlib import Path

from ganbench.catalogue.metrics import base_name
from ganbench.report.results import Results

BIBLIOGRAPHY = Path(__file__).parents[3] / "report" / "references.bib"

_KEYWORDS = re.compile(r",\n  keywords = \{([^}]*)\}")


def bibtex(results: Results, published: bool) -> str:
    """BibTeX entries for all that the study uses, in the order of the bibliography.

    `published` is whether published numbers are spoken of.
    """
    used = {*_used(results), *(["published"] if published else [])}
    chosen = []
    for entry in BIBLIOGRAPHY.read_text(encoding="utf-8").strip().split("\n\n"):
        found = _KEYWORDS.search(entry)
        if found is None:
            raise ValueError(f"{BIBLIOGRAPHY.name}: an entry without keywords: {entry[:60]}")
        if used & {each.strip() for each in found[1].split(",")}:
            chosen.append(_KEYWORDS.sub("", entry))
    return "\n\n".join(chosen) + "\n"


def _used(results: Results) -> Iterator[str]:
    """The keywords of everything that a study trains, measures and compares."""
    study = results.study
    yield "always"
    if len(study["variants"]) > 1:
        yield "comparison"
    for dataset in study["datasets"].values():
        yield f"kind {dataset['kind']}"
        yield from [dataset["type"]]
    for extractor in results.extractors.values():
        yield f"extractor {extractor['name']}"
    for metric in results.scores["metric"].unique():
        yield f"metric {base_name(metric)}"
    for name, variant in study["variants"].items():
        yield f"variant {name}"
        yield f"objective {variant['objective']}"
        for regularizer in variant["regularizers"]:
            yield f"regularizer {regularizer}"
    for of_dataset in study["runs"].values():
        for run in of_dataset.values():
            yield f"network {run['network']['name']}"

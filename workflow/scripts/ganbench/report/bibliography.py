"""The bibliography of one study: the entries of `references.bib` that it uses."""

import re
from collections.abc import Iterator

from ganbench.catalogue.metrics import base_name
from ganbench.catalogue.updates import find_updates
from ganbench.jobs.resources import find_resources
from ganbench.report.reproduction import describe_software, list_software
from ganbench.report.results import Results

BIBLIOGRAPHY = find_resources("report") / "references.bib"

_KEYWORDS = re.compile(r",\n  keywords = \{([^}]*)\}")


def select_references(results: Results, *, published: bool) -> str:
    """The BibTeX entries of this software and of what a study uses, in the bibliography's order.

    `published` adds the sources of published numbers. Raises ValueError for an entry without
    keywords.
    """
    used = set(_list_keywords(results))
    if published:
        used.add("published")
    selected = []
    for entry in BIBLIOGRAPHY.read_text(encoding="utf-8").strip().split("\n\n"):
        match = _KEYWORDS.search(entry)
        if match is None:
            raise ValueError(f"{BIBLIOGRAPHY.name}: an entry has no keywords: {entry[:60]}")
        if used & {keyword.strip() for keyword in match[1].split(",")}:
            selected.append(_KEYWORDS.sub("", entry))
    return "\n\n".join([cite_software(results), *selected]) + "\n"


def cite_software(results: Results) -> str:
    """The entry of this software, with the versions and commits that trained the runs."""
    software = list_software(results.runs)
    versions = dict.fromkeys(entry["version"] for entry in software if entry["version"])
    fields = {
        "author": "{the ganbench authors}",
        "title": "ganbench: a reproducible benchmark of {GAN} training objectives",
        "version": ", ".join(versions),
        "note": "; ".join(describe_software(entry) for entry in software if entry["commit"]),
    }
    lines = [f"  {name} = {{{text}}}" for name, text in fields.items() if text]
    return "@software{ganbench,\n" + ",\n".join(lines) + "\n}"


def _list_keywords(results: Results) -> Iterator[str]:
    """The keywords of everything that a study trains, measures and compares."""
    study = results.study
    yield "always"
    if len(study["variants"]) > 1:
        yield "comparison"
    for dataset in study["datasets"].values():
        yield f"kind {dataset['kind']}"
        yield dataset["type"]
    for extractor in results.extractors.values():
        yield f"extractor {extractor['name']}"
    for metric in results.scores["metric"].unique():
        yield f"metric {base_name(metric)}"
    for name, variant in study["variants"].items():
        yield f"variant {name}"
        yield f"objective {variant['objective']}"
        for regularizer in variant["regularizers"]:
            yield f"regularizer {regularizer}"
    for runs in study["runs"].values():
        for run in runs.values():
            yield f"network {run['network']['name']}"
            yield f"updates {find_updates(run)}"
            if "augment" in run:
                yield f"augmentation {run['augment']['name']}"

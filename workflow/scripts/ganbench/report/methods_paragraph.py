"""A paragraph on the methods of a study, for a paper, and what the foot of the page says."""

from collections.abc import Iterator, Mapping
from typing import Any

from ganbench.catalogue.metrics import base_name
from ganbench.evidence.final_scores import measure_name
from ganbench.report.measures import primary_measure
from ganbench.report.recipes import group_settings
from ganbench.report.reference_runs import describe_references
from ganbench.report.reproduction import collect_values, describe_software, list_software
from ganbench.report.results import Results
from ganbench.report.schedule_notes import describe_schedules
from ganbench.study.declared import list_contrasts
from ganbench.wording import count, listing, number, percent

_SPLITS = {
    "train": "for training",
    "held_out": "held out",
    "extractor": "for the extractor",
}


_WEIGHTS = {"gradient_penalty": "λ", "dragan": "λ", "lecam": "λ", "r1": "γ", "r2": "γ"}
"""The letters of papers for the weights of regularizers."""


def write_methods(results: Results) -> str:
    """The paragraph: data, training, metrics, statistics and software, in plain English."""
    return " ".join(
        [
            *map(lambda dataset: _describe_data(results, dataset), results.datasets),
            *_describe_training(results),
            *describe_references(results),
            *map(lambda dataset: _describe_scores(results, dataset), results.datasets),
            *_describe_statistics(results.study),
            *_describe_software(results),
        ]
    )


def _describe_data(results: Results, dataset: str) -> str:
    card = results.cards.get(dataset)
    if card is None:
        return f"The study has the dataset {dataset}."
    splits = [f"{size:,} {_SPLITS.get(name, name)}" for name, size in card["sizes"].items()]
    title = "" if card["title"] == dataset else f" ({card['title'].rstrip('.')})"
    return f"The samples of {dataset}{title} are in disjoint parts: {listing(splits)}."


def _describe_training(results: Results) -> Iterator[str]:
    study = results.study
    names = [_name_variant(name, variant) for name, variant in study["variants"].items()]
    variants = listing(names, len(names))
    yield f"We trained {count(len(study['variants']), 'variant')}: {variants}."
    for dataset, alike, settings in group_settings(study):
        yield f"Settings of {alike} on {dataset}: {settings}."
    yield from _describe_schedules(study)
    steps = {run["steps"] for runs in study["runs"].values() for run in runs.values()}
    lengths = " to ".join(f"{step:,}" for step in dict.fromkeys((min(steps), max(steps))))
    seeds = ", ".join(map(str, study["seeds"]))
    yield (
        f"Each run took {lengths} iterations, with {count(len(study['seeds']), 'training seed')} "
        f"({seeds}) for each variant; runs with the same seed share their initial weights, batches "
        "and latents."
    )


def _name_variant(name: str, variant: Mapping[str, Any]) -> str:
    """A variant with its objective, if that has another name, and its regularizers' options."""
    objective = variant["objective"]
    details = [f"objective {objective}"] if objective != name else []
    details += [_name_regularizer(*regularizer) for regularizer in variant["regularizers"].items()]
    return f"{name} ({', '.join(details)})" if details else name


def _name_regularizer(name: str, options: Mapping[str, Any]) -> str:
    """A regularizer with its options, but for that it comes at every update: r1 with γ 10."""
    letters = {"weight": _WEIGHTS.get(name, "weight")}
    parts = [
        f"{letters.get(option, option.replace('_', ' '))} {_format(value)}"
        for option, value in sorted(options.items(), key=lambda item: item[0] != "weight")
        if (option, value) != ("every", 1)
    ]
    return " with ".join(filter(None, [name.replace("_", " "), " and ".join(parts)]))


def _format(value: Any) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return number(value) if is_number else str(value)


def _describe_schedules(study: Mapping[str, Any]) -> Iterator[str]:
    """What changes while runs train, a sentence for each set of variants with equal schedules."""
    for note in describe_schedules(study):
        keys: dict[str, list[str]] = {}
        for line in note["lines"]:
            keys.setdefault(line["text"], []).append(line["key"])
        texts = "; ".join(f"{listing(names, len(names))} {text}" for text, names in keys.items())
        places = (
            ""
            if len(note["datasets"]) == len(study["datasets"])
            else (f" on {listing(note['datasets'], len(note['datasets']))}")
        )
        variants = listing(note["variants"], len(note["variants"]))
        yield f"Schedules of {variants}{places}: {texts}."


def _describe_scores(results: Results, dataset: str) -> str:
    metric, reference = primary_measure(results, dataset)
    floors = results.floors[results.floors["dataset"] == dataset]
    samples = f" from {int(floors['n'].iloc[0]):,} generated samples" if len(floors) else ""
    against = {"held_out": " against held-out samples", "train": "", "none": ""}[reference]
    features = ""
    if dataset in results.extractors:
        extractor = results.extractors[dataset]
        digest = extractor["sha256"][:16]
        features = f" in the features of the extractor {extractor['name']} (SHA-256 {digest})"
    name = (
        measure_name((base_name(metric), reference))
        if features
        else measure_name((metric, reference))
    )
    return (
        f"The primary metric on {dataset}, declared before training, is {name} of the last "
        f"snapshot{against}{features}{samples}."
    )


def _describe_statistics(study: dict[str, Any]) -> Iterator[str]:
    contrasts = list_contrasts(study)
    level = percent(study["report"]["confidence"])
    yield f"The unit of analysis is the training seed, and intervals have {level} confidence."
    if not contrasts:
        return
    pairs = [f"{variant} against {baseline}" for variant, baseline in contrasts]
    yield f"{_introduce_contrasts(study, len(contrasts))}: {listing(pairs, len(pairs))}."
    corrected = (
        f", corrected for the {len(contrasts)} contrasts of a dataset (Bonferroni)"
        if len(contrasts) > 1
        else ""
    )
    yield (
        "Scores are compared by t-tests on the metric's scale, paired by seed, and failure rates "
        f"by Boschloo's exact test{corrected}; failed runs rank below all completed ones."
    )
    if study["margin"]:
        yield (
            f"Two variants whose interval lies within the declared margin, {study['margin']}, are "
            "called equivalent."
        )


def _introduce_contrasts(study: Mapping[str, Any], contrasts: int) -> str:
    if study.get("contrasts"):
        return f"We declared {count(contrasts, 'contrast')} before training"
    is_one = contrasts == 1
    return f"The {'contrast is' if is_one else 'contrasts are'} the default, fixed before training"


def _describe_software(results: Results) -> Iterator[str]:
    software = [describe_software(entry) for entry in list_software(results.own_runs)]
    versions = collect_values(results.own_runs, "versions")
    names = {"python": "Python", "torch": "PyTorch", "numpy": "NumPy"}
    used = [f"{names[name]} {versions[name][0]}" for name in names if versions.get(name)]
    if software or used:
        yield f"Software: {', '.join([*software, *used])}."


def describe_origin(results: Results) -> list[str]:
    """The foot of the page: versions and commits, and when runs were declared and trained.

    All is read from the results, so a page that is made again has the same foot.
    """
    software = [describe_software(entry) for entry in list_software(results.own_runs)]
    dates = list(dict.fromkeys(declaration["date"] for declaration in results.declarations))
    return [*software, *([f"training began on {listing(dates)}"] if dates else [])]

"""Published scores, which a report shows beside a study's own if the protocols agree."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ganbench.catalogue.extractors import choose_extractor
from ganbench.catalogue.optimizer_options import name_optimizers
from ganbench.catalogue.updates import ALTERNATING, find_updates

PUBLISHED_FILE = Path(__file__).with_suffix(".yaml")

PUBLISHED: list[dict[str, Any]] = yaml.safe_load(PUBLISHED_FILE.read_text(encoding="utf-8"))
"""All published tables, each with the protocol by which it was measured."""


def find_published(study: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The published scores for a resolved study's datasets and variants.

    A dict for each score: `dataset, variant, metric, mean, std, source, note, mismatches,
    comparable`. `mismatches` says in words how the study departs from the protocol; a score is
    comparable if there are none. Variants are matched by objective and regularizers, not by name.
    """
    return [
        _make_entry(study, table, dataset, variant, score)
        for table in PUBLISHED
        for dataset in study["datasets"]
        for variant in study["variants"]
        for name, score in table["values"].get(study["datasets"][dataset]["kind"], {}).items()
        if _is_same_objective(study["runs"][dataset][variant], table["objectives"][name])
    ]


def _make_entry(
    study: Mapping[str, Any],
    table: Mapping[str, Any],
    dataset: str,
    variant: str,
    score: tuple[float, float],
) -> dict[str, Any]:
    mismatches = list(_list_mismatches(study, table["protocol"], dataset, variant))
    mean, std = score
    return {
        "dataset": dataset,
        "variant": variant,
        "metric": table["metric"],
        "mean": mean,
        "std": std,
        "source": table["source"],
        "note": table["note"],
        "mismatches": mismatches,
        "comparable": not mismatches,
    }


def _is_same_objective(run: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    same_regularizers = sorted(run["regularizers"]) == sorted(row["regularizers"])
    return run["objective"]["name"] == row["objective"] and same_regularizers


def _list_mismatches(
    study: Mapping[str, Any], protocol: Mapping[str, Any], dataset_name: str, variant: str
) -> Iterator[str]:
    """Says in words each difference from the protocol of a published table."""
    dataset = study["datasets"][dataset_name]
    run, latent = study["runs"][dataset_name][variant], protocol["latent"]
    kind, sizes = dataset["kind"], dataset["sizes"]
    updates = run["steps"] * run["discriminator_steps"]
    for name, here, published in (
        ("extractor", choose_extractor(dataset, study["evaluation"]), protocol["extractor"]),
        ("generated images", dataset["samples"], protocol["samples"]),
        ("reference split", dataset["primary"]["reference"], protocol["reference"]),
        ("reference images", min(sizes["train"], sizes["held_out"]), protocol["reference_images"]),
        ("training images", sizes["train"], protocol["training_images"][kind]),
        ("network", run["network"]["name"], protocol["network"]),
        ("width", run["network"]["width"], protocol["width"]),
        ("latent dimensions", run["latent"]["size"], latent["size"]),
        ("prior", run["latent"]["prior"], latent["prior"]),
        ("batch size", run["batch_size"], protocol["batch_size"]),
        ("optimizer", name_optimizers(run["optimizer"]), protocol["optimizer"]),
        ("schedules", ", ".join(run["schedule"]) or "none", "none"),
        ("updates", find_updates(run), ALTERNATING),
        ("moving average of weights", run["ema"], 0),
        ("augmentation", run.get("augment", {"name": "none"})["name"], "none"),
        ("updates of D", updates, protocol["discriminator_updates"][kind]),
    ):
        if here != published:
            yield f"{name}: {_format(published)} in the publication, {_format(here)} here"
    if kind in protocol["preparation"]:
        yield f"preparation of images: {protocol['preparation'][kind]}"
    if run["stop"]:
        yield "stopping: the whole budget in the publication, possibly early here"


def _format(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)

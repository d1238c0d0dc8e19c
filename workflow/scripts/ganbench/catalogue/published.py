"""Published numbers beside a study's own: where the protocol is the same, else what differs."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

PUBLISHED_FILE = Path(__file__).with_suffix(".yaml")


PUBLISHED: list[dict[str, Any]] = yaml.safe_load(PUBLISHED_FILE.read_text(encoding="utf-8"))
"""Every published table with the protocol by which it was measured."""


def find_published(study: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The published numbers for a resolved study's datasets and variants.

    A dict for each: `dataset, variant, metric, mean, std, source, note, mismatches, laid_beside`.
    `mismatches` says in words where the study leaves the protocol; `laid_beside` is whether it
    does not. A variant counts as a published one by its objective and regularizers, not its name.
    """
    return [
        {
            "dataset": dataset,
            "variant": variant,
            "metric": table["metric"],
            "mean": mean,
            "std": std,
            "source": table["source"],
            "note": table["note"],
            "mismatches": (found := list(_mismatches(study, table, dataset, variant))),
            "laid_beside": not found,
        }
        for table in PUBLISHED
        for dataset, of_dataset in study["datasets"].items()
        for variant in study["variants"]
        for name, (mean, std) in table["values"].get(of_dataset["kind"], {}).items()
        if _is(study["runs"][dataset][variant], table["objectives"][name])
    ]


def _is(run: Mapping[str, Any], published: Mapping[str, Any]) -> bool:
    same = run["objective"]["name"] == published["objective"]
    return same and sorted(run["regularizers"]) == sorted(published["regularizers"])


def _mismatches(
    study: Mapping[str, Any], table: Mapping[str, Any], dataset: str, variant: str
) -> Iterator[str]:
    """Each thing that differs from the table's protocol, in words."""
    protocol, evaluation = table["protocol"], study["evaluation"]
    of_dataset, run = study["datasets"][dataset], study["runs"][dataset][variant]
    kind, sizes = of_dataset["kind"], of_dataset["sizes"]
    for name, found, expected in (
        ("extractor", evaluation["extractor"], protocol["extractor"]),
        ("samples", of_dataset["samples"], protocol["samples"]),
        ("reference split", of_dataset["primary"]["reference"], protocol["reference"]),
        ("reference images", min(sizes["train"], sizes["held_out"]), protocol["reference_images"]),
        ("training images", sizes["train"], protocol["training_images"][kind]),
        ("network", run["network"]["name"], protocol["network"]),
        ("width", run["network"]["width"], protocol["width"]),
        ("size of the latent", run["latent"]["size"], protocol["latent"]["size"]),
        ("prior", run["latent"]["prior"], protocol["latent"]["prior"]),
        ("batch size", run["batch_size"], protocol["batch_size"]),
        ("optimizer", run["optimizer"]["name"], protocol["optimizer"]),
        ("running mean of weights", run["ema"], 0),
        (
            "D updates",
            run["steps"] * run["discriminator_steps"],
            protocol["discriminator_updates"][kind],
        ),
    ):
        if found != expected:
            yield f"{name} is {_shown(found)}, published with {_shown(expected)}"
    if kind in protocol["preparation"]:
        yield f"images were published with {protocol['preparation'][kind]}"
    if run["stop"]:
        yield "runs may stop early, the published ones used their whole budget"


def _shown(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)

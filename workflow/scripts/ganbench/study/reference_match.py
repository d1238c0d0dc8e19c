"""Whether the runs of a reference could stand in a study: the keys that must agree, and why.

A study fixes some things for all its variants, and lets each variant choose others. What it fixes
must agree: the data, the ruler and the samples, and `training` below the variants: networks,
latents, steps, batches, updates of D, augmentation, averaging, precision. What a variant says of
itself is what is compared: its objective and regularizers, and what it overrides, as it may within
one study; the page says where budgets differ. Optimizers and schedules are chosen with an objective
and may differ, and so may what changes no result, such as the number of snapshots.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ganbench.catalogue.extractors import choose_extractor
from ganbench.jobs.provenance import canonical_json
from ganbench.study.checks import FOLDER_KEYS
from ganbench.study.player_optimizers import override_training
from ganbench.study.references import ReferenceStudy
from ganbench.study.schema import StudyError, flatten_keys

FREE = (
    "optimizer",
    "schedule",
    "device",
    "threads",
    "snapshots",
    "history_interval",
    "channels_last",
    "cuda_graphs",
)
"""Keys of `training` in which a reference may differ from a study."""

DATA = ("kind", "resolution", "channels", "layout", "labels", "extractor_images", "sizes", "shape")
"""Keys of a resolved dataset that say what its data are."""


def check_references(study: Mapping[str, Any], references: list[ReferenceStudy]) -> None:
    """Raises StudyError with every key in which a reference differs from the resolved `study`."""
    for reference in references:
        shared = [name for name in study["datasets"] if name in reference.study["datasets"]]
        if not shared:
            raise StudyError(
                f"reference: {reference.source} has runs on "
                f"{', '.join(reference.study['datasets'])}, and this study on "
                f"{', '.join(study['datasets'])}: there is nothing to compare; name a dataset of "
                "the reference"
            )
        differences = list(_list_differences(study, reference.study, shared))
        if differences:
            lines = "\n".join(f"  {line}" for line in differences)
            raise StudyError(
                f"reference: {reference.source} cannot be compared with this study, which differs "
                f"in\n{lines}\nChange the study to what the reference has, or remove the reference"
            )


def _list_differences(
    study: Mapping[str, Any], other: Mapping[str, Any], datasets: list[str]
) -> Iterator[str]:
    for dataset in datasets:
        protocols = (flatten_keys(select_protocol(side, dataset)) for side in (study, other))
        own, theirs = (dict(protocol) for protocol in protocols)
        for key in dict.fromkeys([*own, *theirs]):
            if own.get(key) != theirs.get(key):
                found, expected = (canonical_json(side.get(key)) for side in (own, theirs))
                yield f"{key} on {dataset}: {found} here, {expected} in the reference"


def select_protocol(study: Mapping[str, Any], dataset_name: str) -> dict[str, Any]:
    """What two studies must have in common to be compared on a dataset."""
    dataset, evaluation = study["datasets"][dataset_name], study["evaluation"]
    is_points = dataset["type"] == "points"
    keys = DATA if dataset["kind"] == "image_folder" else set(DATA) - set(FOLDER_KEYS)
    training = override_training(study["training"], dataset.get("training", {}))
    return {
        "dataset": {key: dataset[key] for key in keys if key in dataset},
        "evaluation": {
            "extractor": "density" if is_points else choose_extractor(dataset, evaluation),
            "samples": dataset["samples"],
            "primary": dataset["primary"],
            "batch_norm": evaluation["batch_norm"],
        },
        "training": {key: value for key, value in training.items() if key not in FREE},
    }

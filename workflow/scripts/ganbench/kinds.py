"""The kinds of dataset a study can name: what is known of each without reading it.

The catalogue, `kinds.yaml`, is data; here it becomes typed. Needs neither torch nor the data, so
that a study can be checked before anything runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

CATALOGUE_FILE = Path(__file__).with_name("kinds.yaml")

EXTRACTOR_IMAGES = 10_000
"""Size of the `extractor` split where a dataset is large enough and the study says nothing."""


@dataclass(frozen=True)
class Kind:
    """One kind of dataset. What only its content tells is None or empty.

    `parts` are the sizes of its official parts; `files` SHA-256 of uncompressed contents by name;
    `archives` that of what can be downloaded from the address `download`.
    """

    name: str
    type: Literal["images", "points"]
    title: str = ""
    channels: int | None = None
    resolution: int | None = None
    class_names: list[str] = field(default_factory=list)
    parts: Mapping[str, int] = field(default_factory=dict)
    licence: str = ""
    citation: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    download: str = ""
    archives: Mapping[str, str] = field(default_factory=dict)


@cache
def kinds() -> dict[str, Kind]:
    """Every kind by its name, in the catalogue's order."""
    read = yaml.safe_load(CATALOGUE_FILE.read_text(encoding="utf-8"))
    return {name: Kind(name, **facts) for name, facts in read.items()}


def split_sizes(
    parts: Mapping[str, int],
    extractor_images: int | None,
    at_most: int | None = EXTRACTOR_IMAGES,
) -> dict[str, int]:
    """How many images `train`, `held_out` and `extractor` get of a dataset's official `parts`.

    The official test part is `held_out`. What has no parts (`all`) is cut in three, of which
    `held_out` and `extractor` get no more than `at_most` each.
    """
    if "extractor" in parts:
        return {"train": parts["train"], "held_out": parts["test"], "extractor": parts["extractor"]}
    if "all" in parts:
        third = parts["all"] // 3
        held_out = third if at_most is None else min(third, at_most)
        extractor = held_out if extractor_images is None else extractor_images
        train = parts["all"] - held_out - extractor
        return {"train": train, "held_out": held_out, "extractor": extractor}
    extractor = EXTRACTOR_IMAGES if extractor_images is None else extractor_images
    train = parts["train"] - extractor
    return {"train": train, "held_out": parts["test"], "extractor": extractor}


def shape(dataset: Mapping[str, Any]) -> list[int] | None:
    """(channels, height, width) of a study's dataset; None for points."""
    kind = kinds()[dataset["kind"]]
    channels = kind.channels or dataset["channels"] or 3
    resolution = kind.resolution or dataset["resolution"]
    return [channels, resolution, resolution] if kind.type == "images" else None

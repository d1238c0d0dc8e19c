"""The kinds of dataset that a study can name, and how each is split.

Nothing here reads data or imports torch, so a study can be checked before anything runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

KINDS_FILE = Path(__file__).with_suffix(".yaml")

EXTRACTOR_IMAGES = 10_000
"""Default size of the `extractor` split of a dataset that is large enough."""


@dataclass(frozen=True)
class Kind:
    """One kind of dataset. Facts that are only known from the data are None or empty.

    `parts` holds the sizes of the official parts. `files` maps the dataset's files to the SHA-256
    of their decompressed contents. `archives` maps the downloads, below the address `download`, to
    the SHA-256 of the files as downloaded. `base` is the kind whose images this one stacks.
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
    base: str = ""


KINDS: dict[str, Kind] = {
    name: Kind(name, **facts)
    for name, facts in yaml.safe_load(KINDS_FILE.read_text(encoding="utf-8")).items()
}
"""All kinds by name."""


@dataclass(frozen=True)
class Cut:
    """One split: the images `start` to `stop` of an official part, once that is shuffled."""

    part: str
    start: int
    stop: int

    @property
    def size(self) -> int:
        """The number of images in the split."""
        return self.stop - self.start


def plan_splits(
    parts: Mapping[str, int],
    extractor_images: int | None,
    largest: int | None = EXTRACTOR_IMAGES,
) -> dict[str, Cut]:
    """Assigns the images of a dataset's official `parts` to `train`, `held_out` and `extractor`.

    The official test part becomes `held_out`. `train` and `extractor` share the official training
    part, of which the extractor gets a third or EXTRACTOR_IMAGES, unless it has an official part. A
    dataset without official parts (`all`) is cut
    into thirds, of which `held_out` and `extractor` get at most `largest` images each.
    """
    if "extractor" in parts:
        official = {"train": "train", "held_out": "test", "extractor": "extractor"}
        return {split: Cut(part, 0, parts[part]) for split, part in official.items()}
    if "all" in parts:
        third = parts["all"] // 3
        held_out = third if largest is None else min(third, largest)
        reserved = held_out + (held_out if extractor_images is None else extractor_images)
        return {
            "train": Cut("all", reserved, parts["all"]),
            "held_out": Cut("all", 0, held_out),
            "extractor": Cut("all", held_out, reserved),
        }
    third = parts["train"] // 3
    reserved = min(third, EXTRACTOR_IMAGES) if extractor_images is None else extractor_images
    return {
        "train": Cut("train", reserved, parts["train"]),
        "held_out": Cut("test", 0, parts["test"]),
        "extractor": Cut("train", 0, reserved),
    }


def find_sample_shape(dataset: Mapping[str, Any]) -> list[int] | None:
    """(channels, height, width) of a study's dataset of images; None for points."""
    kind = KINDS[dataset["kind"]]
    channels = kind.channels or dataset["channels"] or 3
    resolution = kind.resolution or dataset["resolution"]
    return [channels, resolution, resolution] if kind.type == "images" else None

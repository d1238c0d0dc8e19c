"""The kinds of dataset that a study can name, and how each is split.

Nothing here reads the data or imports torch, so that a study can be checked before anything runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

KINDS_FILE = Path(__file__).with_suffix(".yaml")

EXTRACTOR_IMAGES = 10_000
"""Size of the `extractor` split where a dataset is large enough and the study does not say."""


@dataclass(frozen=True)
class Kind:
    """One kind of dataset. A fact that only the data can tell is None or empty.

    `parts` are the sizes of its official parts; `files` maps names to the SHA-256 of uncompressed
    contents, `archives` to that of the files that can be downloaded from the address `download`.
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


KINDS: dict[str, Kind] = {
    name: Kind(name, **facts)
    for name, facts in yaml.safe_load(KINDS_FILE.read_text(encoding="utf-8")).items()
}
"""Every kind by its name."""


@dataclass(frozen=True)
class Cut:
    """Where one split comes from: images `start` to `stop` of a shuffled official part."""

    part: str
    start: int
    stop: int

    @property
    def size(self) -> int:
        """How many images the split has."""
        return self.stop - self.start


def plan_splits(
    parts: Mapping[str, int],
    extractor_images: int | None,
    largest: int | None = EXTRACTOR_IMAGES,
) -> dict[str, Cut]:
    """Which images of a dataset's official `parts` become `train`, `held_out` and `extractor`.

    The official test part is `held_out`. `train` and `extractor` share the official training part,
    unless the extractor has a part of its own. A dataset without parts (`all`) is cut in three, and
    `held_out` and `extractor` get at most `largest` images each.
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
    reserved = EXTRACTOR_IMAGES if extractor_images is None else extractor_images
    return {
        "train": Cut("train", reserved, parts["train"]),
        "held_out": Cut("test", 0, parts["test"]),
        "extractor": Cut("train", 0, reserved),
    }


def sample_shape(dataset: Mapping[str, Any]) -> list[int] | None:
    """(channels, height, width) of a study's dataset; None for points."""
    kind = KINDS[dataset["kind"]]
    channels = kind.channels or dataset["channels"] or 3
    resolution = kind.resolution or dataset["resolution"]
    return [channels, resolution, resolution] if kind.type == "images" else None

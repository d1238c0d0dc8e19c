"""The extractors that a study can name: whether they predict classes, and their weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

EXTRACTORS_FILE = Path(__file__).with_suffix(".yaml")

AUTO = "auto"
"""What a study says to leave the choice to each dataset: its ruler, or else `classifier`."""

CLASSIFIER = "classifier"
"""The extractor that the workflow trains anew, for one study."""


TIMM = "timm:"
"""How the names of timm's networks begin as extractors; a study gives their weights."""


@dataclass(frozen=True)
class Extractor:
    """One extractor. `url` is empty if its weights are shipped, and `sha256` if they are trained.

    A ruler has `kinds`: the kinds of dataset that it measures, each with the SHA-256 of the
    extractor split that it was trained on, or that is stacked from it, and `images`, the size of
    the split that it was trained on. One of a plugin is built by the plugin's code.
    """

    name: str
    classes: bool
    trained_on: str
    url: str = ""
    sha256: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)
    images: int = 0
    is_plugin: bool = False

    @property
    def is_timm(self) -> bool:
        """Whether it is a network of timm, with weights that the study gives."""
        return is_timm(self.name)

    @property
    def is_pretrained(self) -> bool:
        """Whether its weights are a file that was published or that the study gives."""
        return bool(self.url) or self.is_timm

    @property
    def knows_classes(self) -> bool:
        """Whether it was trained to tell the classes of its own dataset apart."""
        return not (self.is_pretrained or self.is_plugin)

    @property
    def is_ruler(self) -> bool:
        """Whether it is a classifier whose weights are shipped."""
        return bool(self.kinds)

    @property
    def file(self) -> str:
        """The name of the published file, which the cache keeps."""
        return self.url.rsplit("/", 1)[-1]

    def measures(self, dataset: Mapping[str, Any]) -> bool:
        """Whether this ruler was trained on the extractor split that `dataset` has in a study."""
        return dataset["kind"] in self.kinds and dataset["extractor_images"] in (None, self.images)


def is_timm(name: str) -> bool:
    """Whether an extractor of this name is a network of timm."""
    return name.startswith(TIMM)


class _Extractors(dict[str, Extractor]):
    """Lists the catalogue's extractors, and finds timm's as well, which nobody can list."""

    def __missing__(self, name: str) -> Extractor:
        if not is_timm(name):
            raise KeyError(name)
        return Extractor(name, classes=False, trained_on="what the page of its weights names")


EXTRACTORS: dict[str, Extractor] = _Extractors(
    (name, Extractor(name, **facts))
    for name, facts in yaml.safe_load(EXTRACTORS_FILE.read_text(encoding="utf-8")).items()
)
"""Every extractor by its name."""

PRETRAINED = [name for name, extractor in EXTRACTORS.items() if extractor.is_pretrained]
"""The extractors that need neither classes nor images of their own."""


def choose_extractor(dataset: Mapping[str, Any], evaluation: Mapping[str, Any]) -> str:
    """The name of the extractor of one of a study's datasets of images.

    With `auto`, it is the ruler of the dataset. A dataset without one, or with an extractor split
    of another size, gets `classifier`.
    """
    if evaluation["extractor"] != AUTO:
        return evaluation["extractor"]
    rulers = (extractor for extractor in EXTRACTORS.values() if extractor.measures(dataset))
    return next((ruler.name for ruler in rulers), CLASSIFIER)

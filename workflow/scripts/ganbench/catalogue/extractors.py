"""The extractors that a study can name: whether they predict classes, and their weights."""

from dataclasses import dataclass
from pathlib import Path

import yaml

EXTRACTORS_FILE = Path(__file__).with_suffix(".yaml")


@dataclass(frozen=True)
class Extractor:
    """One extractor. `url` and `sha256` are empty if the workflow trains it."""

    name: str
    classes: bool
    trained_on: str
    url: str = ""
    sha256: str = ""

    @property
    def is_pretrained(self) -> bool:
        """Whether its weights are a published file."""
        return bool(self.url)

    @property
    def file(self) -> str:
        """The name of the published file, which the cache keeps."""
        return self.url.rsplit("/", 1)[-1]


EXTRACTORS: dict[str, Extractor] = {
    name: Extractor(name, **facts)
    for name, facts in yaml.safe_load(EXTRACTORS_FILE.read_text(encoding="utf-8")).items()
}
"""Every extractor by its name."""

"""The images below a folder, and what was worked out from the folders that they lie in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ganbench.datasets.file_names import count_files


@dataclass(frozen=True)
class ImageTree:
    """Images and folders below `source`, as paths relative to it.

    `unread` are files that may be images, but of formats that are not read.
    """

    source: str
    images: list[str]
    folders: list[str]
    unread: list[str] = field(default_factory=list)

    def list_children(self, prefix: str) -> list[str]:
        """The names of the folders directly in the folder `prefix`, which is empty or ends in /."""
        names = (name.removeprefix(prefix) for name in self.folders if name.startswith(prefix))
        return sorted(name for name in names if "/" not in name)

    def list_outside(self, prefix: str) -> list[str]:
        """The images that lie directly in the folder `prefix`."""
        inside = (name for name in self.images if name.startswith(prefix))
        return [name for name in inside if "/" not in name.removeprefix(prefix)]

    def find_wrapper(self) -> str:
        """The prefix of the folder that holds everything, where outer ones hold nothing else.

        The result is not empty only if the folder that it names has sub-folders and no images.
        """
        prefix = ""
        while not self.list_outside(prefix) and len(children := self.list_children(prefix)) == 1:
            inner = f"{prefix}{children[0]}/"
            if self.list_outside(inner) or not self.list_children(inner):
                break
            prefix = inner
        return prefix

    def note_nested(self, depth: int) -> list[str]:
        """A sentence on folders more than `depth` levels down, which are no classes."""
        nested = {name.rsplit("/", 1)[0] for name in self.images if name.count("/") > depth}
        if not nested:
            return []
        return [f"Used the images of {count_files(nested, 'nested folder')} for the class above."]


@dataclass(frozen=True)
class Arrangement:
    """The images of each official part by name, or all of them under `all`, and their classes.

    `labels` holds the number of each image's class in `classes`, nothing without classes. `depth`
    is the number of leading folders in a path that decide its class. `notes` are sentences for the
    card.
    """

    parts: Mapping[str, list[str]]
    classes: list[str] = field(default_factory=list)
    labels: Mapping[str, int] = field(default_factory=dict)
    depth: int = 0
    notes: list[str] = field(default_factory=list)

    def find_class_folder(self, name: str) -> str:
        """The folder that decides the class of a file; `.` if that is the whole folder."""
        return "/".join(name.split("/")[:-1][: self.depth]) or "."

"""Lists the files below a folder of images, apart from those that systems leave there."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

HELPER_FOLDERS = {
    "@eadir",
    "@recycle",
    "@recently-snapshot",
    "@tmp",
    "#recycle",
    "#snapshot",
    "$recycle.bin",
    "recycler",
    "recycled",
    "system volume information",
    "found.000",
    "__macosx",
    "lost+found",
    "network trash folder",
    "temporary items",
    "__pycache__",
}
"""Folders of network drives, Windows, macOS, Linux and Python, in lower case: thumbnails, deleted
files and the like."""
HELPER_FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}
"""Files of Windows and macOS, in lower case."""


@dataclass(frozen=True)
class FolderListing:
    """Paths below a folder, relative to it and sorted.

    `files` and `folders` are those of the user. `hidden` are files that are hidden or in a hidden
    folder. `helpers` are files and whole folders that a system left.
    """

    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    helpers: list[str] = field(default_factory=list)


def list_folder(folder: Path, refuse: Callable[[OSError], None] | None = None) -> FolderListing:
    """Everything below `folder`; follows links, but visits no folder within itself.

    `refuse` is called with the error of a folder that cannot be read; without it, such a folder
    counts as empty.
    """
    listing, visited = FolderListing(), set()
    for parent, names, files in os.walk(folder, followlinks=True, onerror=refuse):
        visited.add(os.path.realpath(parent))
        place = os.path.relpath(parent, folder)
        prefix = "" if place == "." else f"{place}/"
        is_hidden = _is_hidden(prefix)
        kept = []
        for name in sorted(names):  # the disk's order would decide which of two links is followed
            if name.lower() in HELPER_FOLDERS:
                listing.helpers.append(f"{prefix}{name}/")
            elif os.path.realpath(os.path.join(parent, name)) not in visited:
                kept.append(name)
                if not is_hidden and not name.startswith("."):
                    listing.folders.append(prefix + name)
        names[:] = kept
        for name in files:
            if is_hidden or name.startswith("."):
                listing.hidden.append(prefix + name)
            elif name.lower() in HELPER_FILES:
                listing.helpers.append(prefix + name)
            else:
                listing.files.append(prefix + name)
    for paths in (listing.files, listing.folders, listing.hidden, listing.helpers):
        paths.sort()
    return listing


def _is_hidden(prefix: str) -> bool:
    return any(part.startswith(".") for part in prefix.split("/"))

"""Which version of this software a checkout holds: its version and its commit.

A commit is read from git's own files, so that it is known where git is not installed. It names
results and never decides whether they are made again: the digests of their code do.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

ARCHIVED = ".git_archival.txt"
"""A file of this repository that `git archive` replaces by the commit."""

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def describe_checkout(root: Path) -> dict[str, Any]:
    """`version` and `commit` of the checkout in `root`; either is None where nothing tells it.

    `clean` is None: only git can tell whether files differ from the commit.
    """
    return {"version": read_version(root), "commit": read_commit(root), "clean": None}


def read_version(root: Path) -> str | None:
    """The version in `pyproject.toml`, which a copy without git has too."""
    file = root / "pyproject.toml"
    if not file.is_file():
        return None
    return tomllib.loads(file.read_text(encoding="utf-8"))["project"]["version"]


def read_commit(root: Path) -> str | None:
    """The commit that is checked out in `root`, also in a linked worktree or a submodule.

    Without a repository it is the one that `git archive` wrote into the archive from which `root`
    was unpacked. None where there is neither, before the first commit, and where refs are kept in a
    format that is not read here. A repository around `root` is another project's.
    """
    folder = _find_git_folder(root / ".git")
    if folder is None:
        return _check(_read(root / ARCHIVED))
    head = _read(folder / "HEAD")
    if head is None or not head.startswith("ref: "):
        return _check(head)
    ref = head.removeprefix("ref: ")
    shared = _find_shared(folder)
    return _check(_read(folder / ref) or _read(shared / ref) or _read_packed(shared, ref))


def find_shared_folder(root: Path) -> Path | None:
    """The folder of git's files that all worktrees share; None in a copy without git."""
    folder = _find_git_folder(root / ".git")
    return None if folder is None else _find_shared(folder)


def _find_shared(folder: Path) -> Path:
    return folder / (_read(folder / "commondir") or ".")


def _find_git_folder(place: Path) -> Path | None:
    if place.is_dir():
        return place
    link = _read(place)
    if link is None or not link.startswith("gitdir: "):
        return None
    return place.parent / link.removeprefix("gitdir: ")


def _read_packed(shared: Path, ref: str) -> str | None:
    lines = (_read(shared / "packed-refs") or "").splitlines()
    commits = {name: commit for commit, _, name in (line.partition(" ") for line in lines)}
    return commits.get(ref)


def _read(file: Path) -> str | None:
    return file.read_text(encoding="utf-8", errors="replace").strip() if file.is_file() else None


def _check(commit: str | None) -> str | None:
    return commit if commit and _COMMIT.fullmatch(commit) else None

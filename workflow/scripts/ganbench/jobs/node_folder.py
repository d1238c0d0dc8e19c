"""Folders that the jobs of one user share on one machine, and that no other user can enter."""

import os
import tempfile
from pathlib import Path

from ganbench.jobs.errors import ActionableError, writing


class ForeignFolderError(ActionableError):
    """A folder in the system's temporary folder is not this user's own."""


def make_node_folder(name: str, parent: Path | None = None) -> Path:
    """Makes this user's folder `name` in `parent`, by default the system's temporary folder.

    The temporary folder is the machine's own: a cluster's nodes do not share it. Each Slurm job has
    folders of its own, because two jobs on one node may both number their GPUs from 0. Raises
    ForeignFolderError if the folder is another user's, or if others can write to it.
    """
    allocation = os.environ.get("SLURM_JOB_ID", "")
    parts = ("ganbench", name, str(os.getuid()), allocation)
    folder = (parent or Path(tempfile.gettempdir())) / "-".join(filter(None, parts))
    with writing(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    # a link in its place is refused too: Linux shows it as writable by everybody
    if status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise ForeignFolderError(
            f"{folder}: expected a folder that only this user can write to, found another; "
            "remove it, or set TMPDIR to a folder of your own"
        )
    return folder

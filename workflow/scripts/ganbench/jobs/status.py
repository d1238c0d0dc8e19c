"""How far a job is, and why it failed, for the Snakemake that started it and shows both.

That Snakemake makes a folder in memory or in the temporary folder and names it in the environment.
A job on another machine, or one that was started otherwise, has no such folder and tells the
terminal itself.
"""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

VARIABLE = "GANBENCH_STATUS"
"""The environment variable with the folder's path."""


def find_status_file(folder: str, log_file: str) -> Path:
    """The file of a job, which is known by its log."""
    return Path(folder, hashlib.sha256(log_file.encode()).hexdigest()[:24])


def read_status(file: Path) -> dict[str, Any]:
    """What a job wrote last; empty if nothing yet."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


class Status:
    """What one job tells the Snakemake that started it."""

    def __init__(self, log_file: str) -> None:
        folder = os.environ.get(VARIABLE, "")
        self.file = find_status_file(folder, log_file) if folder else None
        self.is_shown = bool(folder) and Path(folder).is_dir()

    def write(self, **content: Any) -> bool:
        """Replaces what was told before; returns whether somebody will show it."""
        if not self.is_shown:
            return False
        with suppress(OSError):  # a full disk is no reason to end a job, which can still speak
            temporary = self.file.with_suffix(".partial")
            temporary.write_text(json.dumps(content), encoding="utf-8")
            temporary.replace(self.file)
            return True
        return False

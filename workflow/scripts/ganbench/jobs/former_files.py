"""Keeps the former files of a job aside: Snakemake deletes them before the job starts.

One output decides whether there are former files, and whether the job has made new ones. It is
named, because a study that changes may get outputs that it did not have.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path


def keep_aside(outputs: Iterable[str], folder: Path, *, judge_by: str) -> None:
    """Copies the outputs that exist to `folder`, at their own paths.

    If the output `judge_by` is missing, `folder` keeps what it has: an earlier start was killed
    before it could put that back.
    """
    if not Path(judge_by).exists():
        return
    forget(folder)
    for output in outputs:
        _copy(Path(output), folder / output)


def put_back(folder: Path, *, judge_by: str) -> bool:
    """Puts the former files back if the output `judge_by` is missing; returns whether it did."""
    if Path(judge_by).exists() or not (folder / judge_by).exists():
        forget(folder)
        return False
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            _copy(file, file.relative_to(folder))
    forget(folder)
    return True


def forget(folder: Path) -> None:
    """Removes the copies."""
    shutil.rmtree(folder, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    """Copies a file or a folder, if it exists."""
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)

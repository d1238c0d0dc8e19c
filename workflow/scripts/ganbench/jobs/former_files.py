"""Keeps the former files of a job aside: Snakemake deletes them before the job starts."""

import shutil
from collections.abc import Iterable
from pathlib import Path


def keep_aside(outputs: Iterable[str], folder: Path) -> None:
    """Copies the outputs that exist, and their hidden records, to `folder`, at their own paths.

    What an earlier start left there stays if the first output is missing: it was killed before it
    could put them back.
    """
    outputs = [Path(output) for output in outputs]
    if not outputs[0].exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    for output in outputs:
        for file in (output, *output.parent.glob(f".{output.name}.*")):
            _copy(file, folder / file)


def put_back(outputs: Iterable[str], folder: Path) -> bool:
    """Puts the former files back if the first output is missing; returns whether it did."""
    outputs = [Path(output) for output in outputs]
    if outputs[0].exists() or not (folder / outputs[0]).exists():
        forget(folder)
        return False
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            _copy(file, file.relative_to(folder))
    forget(folder)
    return True


def forget(folder: Path) -> None:
    """Removes the copies: the job has made new files."""
    shutil.rmtree(folder, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    """Copies a file or a folder with its times, by which Snakemake compares files."""
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)

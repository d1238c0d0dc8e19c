"""`verify`: whether a bundle is whole, and whether its scores and runs come out again.

Hashes first, then generators are scored again with the same extractor, then runs are trained again
by the workflow (`repetition.py`). Which ones is decided by a seed that is printed.
"""

import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ganbench.commands import repetition
from ganbench.commands.bundle_contents import MANIFEST, PACKAGE, parse_manifest
from ganbench.commands.score_check import compare_scores_again
from ganbench.jobs.archives import Archive
from ganbench.jobs.errors import ActionableError
from ganbench.jobs.provenance import sha256
from ganbench.study.newer_keys import complete_study
from ganbench.study.reference_sources import ROOT
from ganbench.study.resolve import list_runs
from ganbench.study.schema import StudyError
from ganbench.study.written import load_study
from ganbench.wording import count


class BundleError(ActionableError):
    """A bundle is damaged, was altered, or does not hold."""


def check_bundle(path: Path, *, runs: int, scores: int, seed: int, cores: str = "all") -> str:
    """Prints a verdict on each check; returns the last line.

    Raises BundleError, which names the files, if the bundle is not whole, and another one if a run
    or a score did not come out again.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"holds  {unpack(path, folder)}", flush=True)
        failed = 0
        if runs or scores:
            if not (ROOT / "Snakefile").is_file():
                raise BundleError(
                    f"there is no {ROOT / 'Snakefile'}, which trains runs again: verify a bundle "
                    "from a checkout, or with --runs 0 --scores 0 for its hashes alone"
                )
            print(f"seed {seed} chooses what is repeated; --seed N chooses others", flush=True)
            with repetition.empty_folder():
                failed = _repeat(folder, runs, scores, random.Random(seed), cores)
    if failed:
        raise BundleError(f"{path}: {count(failed, 'check')} failed")
    return f"{path}: all checks hold"


def unpack(path: Path, folder: Path) -> str:
    """Unpacks a bundle to `folder`, each file after its hash was checked; returns a line about it.

    Raises BundleError, which names the files that are missing, unnamed or altered.
    """
    archive = Archive(path)
    try:
        return _unpack(archive, folder)
    finally:
        archive.close()


def _unpack(archive: Archive, folder: Path) -> str:
    names = set(archive.names)
    if not {MANIFEST, PACKAGE, "study.json"} <= names:
        lacking = ", ".join(sorted({MANIFEST, PACKAGE, "study.json"} - names))
        raise BundleError(
            f"{archive.path}: there is no {lacking}; expected an archive that `ganbench bundle` "
            "wrote"
        )
    try:
        digests = parse_manifest(archive.read(MANIFEST))
    except (ValueError, UnicodeDecodeError) as error:
        raise BundleError(f"{archive.path}: {MANIFEST} is damaged: {error}") from None
    problems = [f"{name} is missing" for name in sorted(digests.keys() - names)]
    problems += [
        f"{name} is not in {MANIFEST}" for name in sorted(names - digests.keys() - {MANIFEST})
    ]
    for name in sorted(digests.keys() & names):
        content = archive.read(name)
        if sha256(content) != digests[name]:
            problems.append(f"{name} was altered: its SHA-256 is not that of {MANIFEST}")
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    problems = problems or list(_list_contradictions(folder))
    if problems:
        raise BundleError(
            f"{archive.path} is not what `ganbench bundle` wrote:\n"
            + "\n".join(f"  {problem}" for problem in problems)
            + "\nAsk for it again"
        )
    return f"{count(len(digests), 'file')} have the SHA-256 of {MANIFEST}"


def _list_contradictions(folder: Path) -> Iterator[str]:
    """Files that the records of jobs know otherwise: an altered one with a new manifest."""
    for file in sorted(folder.rglob("*.record.json")):
        record = json.loads(file.read_text(encoding="utf-8"))
        for name, written in record["outputs"].items():
            path = file.parent / name
            if path.is_file() and sha256(path.read_bytes()) != written["sha256"]:
                yield f"{path.relative_to(folder)} is not what its job wrote, by {file.name}"


def _repeat(folder: Path, runs: int, scores: int, choice: random.Random, cores: str) -> int:
    """Repeats runs and scores of an unpacked bundle; returns how many do not hold."""
    study = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    file = repetition.FOLDER / "study.yaml"
    repetition.write_study(study, file)
    _check_resolution(study, file)
    generators = sorted(folder.glob("generators/*/*/*/*/generator.json"))
    every = list(list_runs(study))
    chosen = choice.sample(every, min(runs, len(every)))
    scored = sorted(choice.sample(generators, min(scores, len(generators))))
    failed = repetition.repeat_runs(folder, file, chosen, cores) if chosen else 0
    if not generators and scores:
        print("none   no generator is in this bundle to be scored again")
    for card in scored:
        holds, words = compare_scores_again(folder, study, card, file, cores)
        print(f"{'holds' if holds else 'FAILS'}  {words}", flush=True)
        failed += not holds
    return failed


def _check_resolution(study: dict[str, Any], file: Path) -> None:
    """Raises BundleError if other runs would be trained here than the study's."""
    try:
        resolved = load_study([file], (), {})
    except StudyError as error:
        raise BundleError(
            f"its runs cannot be repeated here: {error}. A bundle has no data, and no code of "
            "plugins, which is never executed from elsewhere: put these files in the working "
            "directory, or check its hashes alone with --runs 0 --scores 0"
        ) from None
    if resolved.get("parts") != study.get("parts"):
        raise BundleError(
            "its runs cannot be repeated here: the plugins in the working directory are not those "
            "of the study, whose SHA-256 study.json has below `parts`"
        )
    former, now = (complete_study(side)["runs"] for side in (study, resolved))
    changed = sorted(
        {
            f"{variant} on {dataset}"
            for dataset, variants in now.items()
            for variant, run in variants.items()
            if run != former[dataset].get(variant)
        }
    )
    if changed:
        raise BundleError(
            f"this version would train {', '.join(changed)} with other parameters; check out the "
            "commit that study.json names below `software`"
        )

"""Copies a finished study, without its data and weights, to results/published/STUDY.

    python results/published/publish.py STUDY [RESULTS]

RESULTS is the study's folder, results/STUDY by default; it needs no snapshots.pt. Published are the
report, the tables, the figures as SVG, the resolved study, and of each run its record, how it ended
and its history: what another study needs to name the folder as its `reference`. Generated samples
are published unless they have more than 10 MB; images of the data are not. `runs.json` records for
each run how it ended, on which machine, with which versions, and the SHA-256 of its generator:
what `ganbench verify` compares a repetition with. `datapackage.json` names every file, and every
column with its unit.
"""

import json
import shutil
import sys
from pathlib import Path

PUBLISHED = Path(__file__).resolve().parent
sys.path.insert(0, str(PUBLISHED.parents[1] / "workflow/scripts"))

from ganbench.commands.bundle_contents import (  # noqa: E402 (the path above)
    PACKAGE,
    RUNS,
    SHARED,
    TABLES,
    describe_package,
    list_files,
    name_run_files,
    tabulate_endings,
    to_json,
)

MOST_MEGABYTES = 10
"""Pictures of samples that are published."""

NEEDED = ("report.html", "study.json", "report.record.json")


def main(study: str, results: Path) -> None:
    """Writes the folder of `study` from scratch."""
    lacking = [name for name in NEEDED if not (results / name).exists()]
    if lacking:
        sys.exit(
            f"{results}: there is no {' and no '.join(lacking)}; the study has not been run to its "
            "end, or not all of it was copied here"
        )
    publish_study(results, PUBLISHED / study)


def publish_study(results: Path, folder: Path) -> None:
    """Writes what is published of `results` to `folder`, from scratch."""
    contents = list_files(results, (*TABLES, "figures/*.svg", *SHARED, *name_run_files(RUNS)))
    contents = {name: path for name, path in contents.items() if path.suffix != ".png"}
    pictures = list_files(results, name_run_files(["samples.png"]))  # generated, and not the data
    if sum(path.stat().st_size for path in pictures.values()) <= MOST_MEGABYTES * 1e6:
        contents |= pictures
    shutil.rmtree(folder, ignore_errors=True)
    for name, path in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
    endings = tabulate_endings(results)
    (folder / "runs.json").write_bytes(to_json(endings))
    describe_files(folder)
    print(f"{folder}: {len(endings)} runs, {len(contents)} files")


def describe_files(folder: Path) -> None:
    """Writes `datapackage.json` of a published folder, with the hashes that its files have now."""
    study = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    files = list_files(folder, ("**/*",))
    files.pop(PACKAGE, None)
    (folder / PACKAGE).write_bytes(to_json(describe_package(study, files)))


if __name__ == "__main__":
    name = sys.argv[1]
    main(name, Path(sys.argv[2]) if len(sys.argv) > 2 else PUBLISHED.parent / name)

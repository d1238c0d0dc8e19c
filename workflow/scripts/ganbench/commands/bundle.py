"""`bundle`: a finished study as one archive that can be checked, cited, and compared with.

Two bundles of the same results have the same bytes.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganbench.commands.bundle_contents import (
    MANIFEST,
    PACKAGE,
    PICTURES,
    RUNS,
    SCORES,
    SHARED,
    TABLES,
    describe_package,
    list_files,
    name_run_files,
    tabulate_endings,
    to_json,
    write_manifest,
)
from ganbench.interface.export import CARD, WEIGHTS, export_generator
from ganbench.jobs import files
from ganbench.jobs.archives import write_archive
from ganbench.jobs.errors import ActionableError
from ganbench.jobs.provenance import sha256_file
from ganbench.study.budget import snapshot_steps
from ganbench.study.former_plugins import register_former_plugins
from ganbench.wording import count

MOST_MEGABYTES = 50
"""Weights that a bundle has without being asked."""


def bundle_study(
    results: Path, archive: Path, snapshots: int | None = None, plugins: Sequence[Path] = ()
) -> str:
    """Writes the archive and returns a line about it.

    `snapshots` are how many generators of each run are included, from the last one on; None is the
    last one, unless those of all runs are larger than `MOST_MEGABYTES`. `plugins` are the files
    that have the study's own networks. Raises ActionableError if the study has no report, or a
    network is not found.
    """
    lacking = [name for name in ("report.html", "study.json") if not (results / name).is_file()]
    if lacking:
        raise ActionableError(
            f"{results}: there is no {' and no '.join(lacking)}; expected the folder of a finished "
            "study, such as results/my_study"
        )
    study = files.read_json(results / "study.json")
    patterns = (*TABLES, "figures/*.svg", *SHARED, *name_run_files((*RUNS, *SCORES, *PICTURES)))
    contents: dict[str, Path] = list_files(results, patterns)
    with tempfile.TemporaryDirectory() as folder:
        generators, note = _export_generators(results, Path(folder), snapshots, plugins)
        contents |= generators
        endings = Path(folder) / "runs.json"
        endings.write_bytes(to_json(tabulate_endings(results)))
        contents["runs.json"] = endings
        whole: dict[str, bytes | Path] = {
            **contents,
            PACKAGE: to_json(describe_package(study, contents)),
        }
        write_archive(archive, {**whole, MANIFEST: write_manifest(whole)})
    megabytes = archive.stat().st_size / 1e6
    return (
        f"{archive}: {count(len(whole) + 1, 'file')}, {megabytes:.1f} MB, SHA-256 "
        f"{sha256_file(archive)}; {note}"
    )


def _export_generators(
    results: Path, folder: Path, snapshots: int | None, plugins: Sequence[Path]
) -> tuple[dict[str, Path], str]:
    """The weights of generators and their cards by their names in the archive, and a note."""
    runs = sorted(results.glob("runs/*/*/*/snapshots.pt"))
    if not runs:
        return {}, "without weights: there are no snapshots.pt"
    if snapshots == 0:
        return {}, "without weights, as asked for"
    register_former_plugins(results, "network", plugins)
    exported: dict[str, Path] = {}
    for snapshots_file in runs:
        run_folder = snapshots_file.parent
        run = files.read_json(run_folder / "run.json")
        for step in _choose_steps(run, snapshots or 1):
            place = f"generators/{run_folder.relative_to(results / 'runs').as_posix()}/step{step}"
            export_generator(run_folder, folder / place, step)
            for name in (WEIGHTS, CARD):
                exported[f"{place}/{name}"] = folder / place / name
    megabytes = sum(path.stat().st_size for path in exported.values()) / 1e6
    if snapshots is None and megabytes > MOST_MEGABYTES:
        return {}, (
            f"without weights, which have {megabytes:.0f} MB; --snapshots 1 adds the last of each "
            "run"
        )
    return exported, f"with {count(len(exported) // 2, 'generator')} as safetensors"


def _choose_steps(run: dict[str, Any], most: int) -> list[int]:
    """The last steps at which a run has a snapshot."""
    steps = [step for step in snapshot_steps(run["parameters"]) if step <= run["step"]]
    return steps[-most:]

"""The plugins of results: found again by the names and digests that their study.json has.

They are the user's own files. None inside the folder of results is read, since that may be somebody
else's archive.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ganbench.catalogue.plugin_parts import PluginError, PluginPart, read_parts
from ganbench.catalogue.plugins import identify_part, register_plugins
from ganbench.jobs.files import read_json
from ganbench.study.paths import expand_path
from ganbench.study.reference_sources import ROOT

DEPTH = len(Path("runs/dataset/variant/seed0/run.json").parts)
"""Names between the folder of results and the record of a run."""

Digests = Mapping[str, str]
"""The SHA-256 of parts of one kind, by their names."""


def register_former_plugins(results: Path, kind: str, files: Sequence[Path] = ()) -> None:
    """Adds the parts of one kind, such as `network`, that the study in `results` used.

    They are looked for in `files` and, where there are none, under the names in study.json: in the
    working directory, the checkout and its config folder. Raises PluginError where one is not
    there, or is another version.
    """
    study = _read_study(results)
    digests = {name: part["sha256"] for name, part in study.get("parts", {}).get(kind, {}).items()}
    if digests:
        register_version(kind, digests, list(files) or _list_candidates(study, results), results)


def register_network_of(run_file: Path, files: Sequence[Path] = ()) -> None:
    """Adds the network of a run, or of an exported generator, if it is a plugin's.

    `run_file` has its parameters. Of a study's run, the plugin is looked for as by
    `register_former_plugins`. Raises PluginError as that does.
    """
    plugin = read_json(run_file)["parameters"].get("plugin") if run_file.is_file() else None
    if not plugin:
        return
    results = Path(*run_file.resolve().parts[:-DEPTH])
    files = list(files) or _list_candidates(_read_study(results), results)
    register_version("network", {plugin["network"]: plugin["sha256"]}, files, run_file.parent)


def register_version(kind: str, digests: Digests, files: Sequence[Path], of: Path) -> None:
    """Adds the parts of one kind with these digests, out of `files`; `of` is what needs them.

    Raises PluginError where a part is in none of the files, or only in another version.
    """
    found = {file: _read_kind(file, kind) for file in files}
    used: list[str] = []
    for name, digest in digests.items():
        if identify_part(kind, name) == {kind: name, "sha256": digest}:
            continue
        others = [file for file, parts in found.items() if name in parts]
        same = [file for file in others if found[file][name].sha256 == digest]
        if not same:
            raise PluginError(_describe_lack(kind, name, digest, others, of))
        used.append(str(same[0].resolve()))
    register_plugins(list(dict.fromkeys(used)))


def _read_study(results: Path) -> dict[str, Any]:
    file = results / "study.json"
    return read_json(file) if file.is_file() else {}


def _list_candidates(study: Mapping[str, Any], results: Path) -> list[Path]:
    """The files that may be the plugins of a study, outside of its results."""
    return [
        file
        for file in dict.fromkeys(_list_places(study))
        if file.is_file() and not file.resolve().is_relative_to(results.resolve())
    ]


def _list_places(study: Mapping[str, Any]) -> Iterator[Path]:
    written = study.get("plugins", [])
    for name in [written] if isinstance(written, str) else written:
        for folder in (Path.cwd(), ROOT, ROOT / "config"):
            yield folder / expand_path(name)


def _read_kind(file: Path, kind: str) -> dict[str, PluginPart]:
    """The parts of one kind in a file, by name; nothing of it is run."""
    return {part.name: part for part in read_parts(file) if part.kind == kind}


def _describe_lack(kind: str, name: str, digest: str, others: Sequence[Path], of: Path) -> str:
    wanted = f"{of}: the {kind} {name} is of a plugin"
    if others:
        places = ", ".join(os.path.relpath(file) for file in others)
        return (
            f"{wanted}, and {places} has another version of it than these results, whose digest "
            f"is {digest[:16]}; name the file of that version: --plugins FILE, with make "
            "PLUGINS=FILE"
        )
    return (
        f"{wanted}, which was not found in the working directory, the checkout or its config "
        "folder; name its file: --plugins FILE, with make PLUGINS=FILE"
    )

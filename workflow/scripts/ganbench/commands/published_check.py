"""`verify`: repeats a part of a study in results/published, and compares it with what is there."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganbench.commands import repetition
from ganbench.jobs.errors import ActionableError
from ganbench.jobs.files import read_json
from ganbench.study.newer_keys import complete_study
from ganbench.study.reference_sources import ROOT
from ganbench.study.resolve import drop_execution, list_runs
from ganbench.study.written import load_study, read_study

NEEDED = ("study.json", "runs.json", "scores.csv")
"""The files of a published study that a repetition is compared with."""


def verify_study(
    name: str, variants: Sequence[str] | None, seeds: Sequence[int] | None, cores: str
) -> int:
    """The exit status of a repetition of a published study; it has printed a line for each run.

    Without `variants` it is the first two, without `seeds` the first one. Raises ActionableError
    for what cannot be repeated, and where the library lies in no checkout.
    """
    published = ROOT / "results/published" / name
    if not (ROOT / "results/published").is_dir():
        raise ActionableError(
            f"verify: there is no {published.parent}; what was published lies in a checkout of "
            "ganbench, so run it there: make verify"
        )
    file = find_study_file(name)
    _check_files(published, file)
    study = read_json(published / "study.json")
    shipped = load_study([file], (), {})  # in the order of its variants, which JSON has lost
    if changed := find_differences(drop_execution(shipped), study):
        raise ActionableError(
            f"{file}: not the published study any more; it differs in {', '.join(changed)}"
        )
    chosen, seeds = variants or list(shipped["variants"])[:2], seeds or shipped["seeds"][:1]
    runs = [run for run in list_runs(shipped) if run[1] in chosen and run[2] in seeds]
    if not runs:
        raise ActionableError(
            f"no such run: variants are {', '.join(shipped['variants'])}; seeds {shipped['seeds']}"
        )
    with repetition.empty_folder():
        repeated = repetition.FOLDER / "study.yaml"
        repetition.write_study(study, repeated)
        return int(repetition.repeat_runs(published, repeated, runs, cores) > 0)


def find_study_file(name: str) -> Path:
    """The shipped file of a study; the default study has another name than its file."""
    for file in sorted((ROOT / "config").glob("*.yaml")):
        if read_study([file], ()).keys.get("study") == name:
            return file
    return ROOT / f"config/{name}.yaml"


def _check_files(published: Path, file: Path) -> None:
    lacking = [name for name in NEEDED if not (published / name).exists()]
    others = sorted(folder.parent.name for folder in published.parent.glob("*/runs.json"))
    if lacking:
        choice = f"published are {', '.join(others)}" if others else "nothing is published yet"
        raise ActionableError(
            f"{published}: there is no {' and no '.join(lacking)}, so there is nothing to compare "
            f"with; {choice}. Run the study to its end and publish it: "
            f"python results/published/publish.py {published.name}"
        )
    if not file.exists():
        raise ActionableError(
            f"{file}: there is no such study, though its results are published; restore the file"
        )


def find_differences(shipped: Mapping[str, Any], published: Mapping[str, Any]) -> list[str]:
    """The keys in which two resolved studies differ in what decides results on a CPU.

    A key that did not exist when the study was published has its default there.
    """
    shipped, published = complete_study(shipped), complete_study(published)
    return [
        key
        for key in shipped
        if key not in ("title", "description", "references")  # which train nothing
        and _on_cpu(shipped[key]) != _on_cpu(published.get(key))
    ]


def _on_cpu(value: Any) -> Any:
    """`value` without what describes an objective, and with what it means on a CPU.

    There TF32 is float32, and graphs and the memory layout that is best for GPUs are none.
    """
    if not isinstance(value, dict):
        return value
    ignored = ("title", "year", "paper", "known_for", "cuda_graphs")
    kept = {key: _on_cpu(part) for key, part in value.items() if key not in ignored}
    if kept.get("precision") == "tf32":
        kept["precision"] = "float32"
    if "channels_last" in kept:
        kept["channels_last"] = bool(kept["channels_last"])
    return kept

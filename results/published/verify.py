"""Repeats a part of a published study and compares it with what was published.

    python results/published/verify.py [STUDY] [--variants NAME ...] [--seeds N ...] [--cores N]

The chosen runs are trained and scored below results/verify, by the same workflow. With the
fingerprint of the published run (processor, instruction sets, caches, threads, versions), each must
give the same bits. Elsewhere, or if the published run has none, rounding makes them differ, and the
runs are trained twice more, each time with learning rates that differ by a millionth. These twins
show how far a difference as small as rounding takes a run apart at each snapshot: the published run
may lie twice as far away (`ganbench.evidence.repetitions`). Besides, the primary score at the end
must lie in the interval where one more seed of the published study is expected with confidence
0.99. Prints a line for each run, and exits with status 1 if one does not hold.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from ganbench.commands.bundle_check import write_study  # noqa: E402 (found by the line above)
from ganbench.evidence import repetitions  # noqa: E402 (the same)
from ganbench.report.results import read_scores  # noqa: E402 (the same)
from ganbench.study import newer_keys  # noqa: E402 (the same)
from ganbench.study import resolve as studies  # noqa: E402 (the same)

CONFIDENCE = 0.99

TWINS = (1 + 1e-6, 1 - 1e-6)
"""Factors of the learning rates of each twin: more than rounding changes in a step, in float32."""

NEEDED = ("study.json", "runs.json", "scores.csv")
"""The files of a published study that a repetition is compared with."""

Run = tuple[str, str, int]
"""Dataset, variant and seed."""


def main() -> int:
    """Repeats what the command line names; returns the exit status."""
    return repeat_study(_read_arguments())


def repeat_study(options: argparse.Namespace) -> int:
    """Repeats the chosen runs and compares them; returns the exit status."""
    published = ROOT / "results/published" / options.study
    file = find_study_file(options.study)
    if problem := find_problem(published, file):
        print(problem)
        return 1
    study = json.loads((published / "study.json").read_text(encoding="utf-8"))
    config = yaml.safe_load(file.read_text(encoding="utf-8"))
    shipped = studies.drop_execution(studies.resolve(config, str(file)))
    if changed := differences(shipped, study):
        print(f"{file}: not the published study any more; it differs in {', '.join(changed)}")
        return 1
    chosen = options.variants or list(study["variants"])[:2]
    seeds = options.seeds or study["seeds"][:1]
    runs = [
        (dataset, variant, seed)
        for dataset, variant, seed in studies.list_runs(study)
        if variant in chosen and seed in seeds
    ]
    if not runs:
        variants = ", ".join(study["variants"])
        print(f"no such run: variants are {variants}; seeds {study['seeds']}")
        return 1
    return int(repeat_and_compare(published, file, runs, options) > 0)


def find_study_file(study: str) -> Path:
    """The shipped file of a study; the default study has another name than its file."""
    for file in sorted((ROOT / "config").glob("*.yaml")):
        if yaml.safe_load(file.read_text(encoding="utf-8"))["study"] == study:
            return file
    return ROOT / f"config/{study}.yaml"


def repeat_and_compare(
    published: Path, file: Path, runs: list[Run], options: argparse.Namespace
) -> int:
    """Repeats `runs` of the study in `file` below results/verify; returns how many do not hold.

    `published` has its resolved study, endings and scores; `options` has its name, `study`, and the
    number of `cores`.
    """
    study = json.loads((published / "study.json").read_text(encoding="utf-8"))
    config = yaml.safe_load(file.read_text(encoding="utf-8"))
    if "grid" in config:  # its cells are variants, each of which may get a twin
        config = write_study(study)
    folder, place = ROOT / "results/verify", f"results/{options.study}"
    shutil.rmtree(folder, ignore_errors=True)  # or Snakemake would find old runs and repeat none
    _repeat_runs(file, options, runs, folder)
    others = [run for run in runs if _is_of_other_machine(published, folder / place, run)]
    twins = [folder / f"twin{number}" for number in range(1, len(TWINS) + 1)] if others else []
    if others:
        print(f"another processor: {len(others)} runs {len(TWINS)} times more, for their drift")
    for twin, factor in zip(twins, TWINS, strict=False):
        for dataset in dict.fromkeys(dataset for dataset, _, _ in others):
            of_dataset = [run for run in others if run[0] == dataset]
            twin_file = twin / dataset / "study.yaml"
            _write_twin(config, study, of_dataset, factor, twin_file)
            _repeat_runs(twin_file, options, of_dataset, twin)
    places = [twin / place for twin in twins]
    return compare_runs(study, published, folder / place, runs, places)


def _write_twin(config: dict, study: dict, runs: list[Run], factor: float, file: Path) -> None:
    """Writes the study with learning rates times `factor` in the variants of these runs."""
    variants = {name: variant or {} for name, variant in config["variants"].items()}
    for dataset, name, _ in runs:
        optimizer = scale_rates(study["runs"][dataset][name]["optimizer"], factor)
        training = variants[name].get("training", {}) | {"optimizer": optimizer}
        variants[name] = variants[name] | {"training": training}
    file.parent.mkdir(parents=True)
    file.write_text(yaml.safe_dump(config | {"variants": variants}), encoding="utf-8")


def scale_rates(options: Any, factor: float) -> Any:
    """The options of an optimizer, or of both players', with each learning rate times `factor`."""
    if not isinstance(options, dict):
        return options
    return {
        key: value * factor if key == "lr" else scale_rates(value, factor)
        for key, value in options.items()
    }


def _is_of_other_machine(published: Path, results: Path, run: Run) -> bool:
    """Whether a repeated run has other bits than the published one, and may have."""
    name = _name_folder(run)
    published_run = _read_json(published / "runs.json")[name]
    repeated_run = _read_json(results / f"runs/{name}/run.json")
    same_bits = repeated_run["generator_sha256"] == published_run["generator_sha256"]
    return not same_bits and _find_other_origin(repeated_run, published_run) is not None


def _name_folder(run: Run) -> str:
    dataset, variant, seed = run
    return f"{dataset}/{variant}/seed{seed}"


def _read_json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def find_problem(published: Path, file: Path) -> str | None:
    """Why a study cannot be repeated, in one message; None if it can."""
    lacking = [name for name in NEEDED if not (published / name).exists()]
    others = sorted(folder.parent.name for folder in published.parent.glob("*/runs.json"))
    if lacking:
        choice = f"published are {', '.join(others)}" if others else "nothing is published yet"
        return (
            f"{published}: there is no {' and no '.join(lacking)}, so there is nothing to compare "
            f"with; {choice}. Run the study to its end and publish it: "
            f"python results/published/publish.py {published.name}"
        )
    if not file.exists():
        return f"{file}: there is no such study, though its results are published; restore the file"
    return None


def differences(shipped: dict, published: dict) -> list[str]:
    """The keys in which two resolved studies differ in what decides results on a CPU.

    A key that did not exist when the study was published has its default there.
    """
    shipped, published = newer_keys.complete_study(shipped), newer_keys.complete_study(published)
    return [
        key
        for key in shipped
        if key not in ("title", "description")
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


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", nargs="?", default="goodfellow2014")
    parser.add_argument("--variants", nargs="+", help="the first two if left out")
    parser.add_argument("--seeds", nargs="+", type=int, help="the first one if left out")
    parser.add_argument("--cores", default="all")
    return parser.parse_args()


def _repeat_runs(file: Path, options: argparse.Namespace, runs: list[Run], folder: Path) -> None:
    scores = [f"results/{options.study}/runs/{_name_folder(run)}/scores.csv" for run in runs]
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "snakemake", "--cores", options.cores]
    command += ["--directory", str(folder), "--configfile", str(file), "--", *scores]
    subprocess.run(command, cwd=ROOT, check=True)


def compare_runs(
    study: dict, published: Path, results: Path, runs: list[Run], twins: Sequence[Path] = ()
) -> int:
    """Prints a line for each run and returns how many do not hold.

    `study` is the resolved study, `published` its published folder, `results` the folder of its
    repetition, and `twins` those of the runs that were trained once more
    with other learning rates.
    """
    scores, failed = read_scores(published / "scores.csv"), 0
    others = [run for run in runs if twins and _is_of_other_machine(published, results, run)]
    for run in runs:
        holds, words = _judge_run(study, published, results, run, scores)
        if holds and run in others:
            near = [other for other in others if other[0] == run[0]]
            holds, drift = _judge_drift(study, results, twins, [run, *near], scores)
            words += f"; {drift}"
        failed += not holds
        dataset, variant, seed = run
        print(f"{'holds' if holds else 'FAILS'}  {dataset} {variant} seed {seed}: {words}")
    print(f"{len(runs) - failed} of {len(runs)} runs hold")
    return failed


def _judge_run(
    study: dict, published: Path, results: Path, name: Run, all_scores: pd.DataFrame
) -> tuple[bool, str]:
    """Whether a run has the bits, or else the score, that are expected of it, and why."""
    dataset, variant, seed = name
    folder, primary = results / f"runs/{_name_folder(name)}", study["datasets"][dataset]["primary"]
    run, published_run = (
        _read_json(folder / "run.json"),
        _read_json(published / "runs.json")[_name_folder(name)],
    )
    of_variant = all_scores[(all_scores.dataset == dataset) & (all_scores.variant == variant)]
    scores = _final_scores(read_scores(folder / "scores.csv"), primary)
    published_scores = _final_scores(of_variant, primary)
    same_bits = run["generator_sha256"] == published_run["generator_sha256"]
    reason = _find_other_origin(run, published_run)
    same_machine = reason is None
    bits = f"{'the same' if same_bits else 'other'} bits"
    bits += "" if same_machine else f", judged by the interval: {reason}"
    # a diverged run has no final score, only those of the snapshots that it reached
    diverged = "diverged" in (run["status"], published_run["status"])
    if diverged or seed not in scores or seed not in published_scores:
        holds = run["status"] == published_run["status"] and (same_bits or not same_machine)
        return holds, f"{run['status']}, published {published_run['status']}; {bits}"
    low, high = repetitions.expect_score(primary["metric"], published_scores.to_numpy(), CONFIDENCE)
    holds = same_bits if same_machine else low <= scores[seed] <= high
    return holds, (
        f"{scores[seed]:.4g}, published {published_scores[seed]:.4g}; "
        f"one more seed is expected in {low:.4g} to {high:.4g}; {bits}"
    )


def _judge_drift(
    study: dict,
    results: Path,
    twins: Sequence[Path],
    runs: list[Run],
    scores: pd.DataFrame,
) -> tuple[bool, str]:
    """Whether rounding explains how far the first run is from the published one, and in words.

    `runs` are on one dataset; the twins of all of them tell how far rounding goes.
    """
    dataset, variant, seed = runs[0]
    reference = study["datasets"][dataset]["primary"]["reference"]
    curves = repetitions.tabulate_curves(scores[scores.dataset == dataset], reference)
    spread = repetitions.pool_spread(curves)
    of_twins = [
        repetitions.measure_distances(
            _read_curve(results, other, reference), _read_curve(twin, other, reference), spread
        )
        for twin in twins
        for other in runs
    ]
    repeated = _read_curve(results, runs[0], reference)
    drift = repetitions.find_drift(repeated, curves.loc[variant, seed], of_twins, spread)
    return not drift.is_too_far, (
        f"at step {drift.step} {drift.distance:.2f} standard deviations of seeds away, where "
        f"rounding explains {drift.allowed:.2f}"
    )


def _read_curve(results: Path, run: Run, reference: str) -> pd.DataFrame:
    """The learning curve of a run; of one that diverged before its first snapshot, no rows."""
    scores = read_scores(results / f"runs/{_name_folder(run)}/scores.csv")
    return repetitions.tabulate_curves(scores, reference).droplevel(["variant", "seed"])


def _final_scores(scores: pd.DataFrame, primary: dict[str, str]) -> pd.Series:
    """The primary score at the end of the budget, by seed."""
    final = scores[
        (scores.metric == primary["metric"])
        & (scores.reference == primary["reference"])
        & (scores.repeat == 0)
        & (scores.step == scores.step.max())
    ]
    return final.set_index("seed").value


def _find_other_origin(run: dict, published_run: dict) -> str | None:
    """Why equal bits cannot be demanded of a run; None if the fingerprints agree."""
    if "fingerprint" not in published_run:
        return "the published run has no fingerprint of its machine"
    fingerprint, published = run["fingerprint"], published_run["fingerprint"]
    if fingerprint["digest"] == published["digest"]:
        return None
    others = [
        key for key in fingerprint if key != "digest" and fingerprint[key] != published.get(key)
    ]
    return f"this machine differs from the published run's in {', '.join(others)}"


if __name__ == "__main__":
    sys.exit(main())

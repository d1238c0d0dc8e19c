"""Repeats a part of a published study and compares it with what was published.

    python results/published/verify.py [STUDY] [--variants NAME ...] [--seeds N ...] [--cores N]

The chosen runs are trained and scored below results/verify, by the same workflow. With the
fingerprint of the published run (processor, instruction sets, caches, threads, versions), each must
give the same bits. Elsewhere, or if the published run has none, its primary score must lie in the
interval where one more seed of the published study is expected with confidence 0.99. Prints a line
for each run, and exits with status 1 if one does not hold.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from ganbench.evidence.estimators import prediction_interval  # noqa: E402 (the same)
from ganbench.report.results import read_scores  # noqa: E402 (the same)
from ganbench.study import newer_keys  # noqa: E402 (the same)
from ganbench.study import resolve as studies  # noqa: E402 (found by the line above)

CONFIDENCE = 0.99

NEEDED = ("study.json", "runs.json", "scores.csv")
"""The files of a published study that a repetition is compared with."""

Run = tuple[str, str, int]
"""Dataset, variant and seed."""


def main() -> int:
    """Repeats the chosen runs and compares them; returns the exit status."""
    options = _read_arguments()
    published = ROOT / "results/published" / options.study
    file = ROOT / f"config/{options.study}.yaml"
    if problem := find_problem(published, file):
        print(problem)
        return 1
    study = json.loads((published / "study.json").read_text(encoding="utf-8"))
    config = yaml.safe_load(file.read_text(encoding="utf-8"))
    shipped = studies.drop_execution(studies.resolve(config, str(file)))
    if changed := differences(shipped, study):
        print(f"{file}: not the published study any more; it differs in {', '.join(changed)}")
        return 1
    runs = [
        (dataset, variant, seed)
        for dataset, variant, seed in studies.list_runs(study)
        if variant in options.variants and seed in options.seeds
    ]
    if not runs:
        variants = ", ".join(study["variants"])
        print(f"no such run: variants are {variants}; seeds {study['seeds']}")
        return 1
    _repeat_runs(file, options, runs)
    results = ROOT / f"results/verify/results/{options.study}"
    return int(compare_runs(study, published, results, runs) > 0)


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
    parser.add_argument("study", nargs="?", default="fashion_mnist_cpu")
    parser.add_argument("--variants", nargs="+", default=["minimax", "non_saturating"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--cores", default="all")
    return parser.parse_args()


def _repeat_runs(file: Path, options: argparse.Namespace, runs: list[Run]) -> None:
    scores = [
        f"results/{options.study}/runs/{dataset}/{variant}/seed{seed}/scores.csv"
        for dataset, variant, seed in runs
    ]
    folder = ROOT / "results/verify"
    shutil.rmtree(folder, ignore_errors=True)  # or Snakemake would find old runs and repeat none
    folder.mkdir()
    command = [sys.executable, "-m", "snakemake", "--cores", options.cores]
    command += ["--directory", str(folder), "--configfile", str(file), "--", *scores]
    subprocess.run(command, cwd=ROOT, check=True)


def compare_runs(study: dict, published: Path, results: Path, runs: list[Run]) -> int:
    """Prints a line for each run and returns how many do not hold.

    `study` is the resolved study, `published` its published folder, `results` the folder of its
    repetition.
    """
    scores = read_scores(published / "scores.csv")
    published_runs = json.loads((published / "runs.json").read_text(encoding="utf-8"))
    failed = 0
    for dataset, variant, seed in runs:
        folder = results / f"runs/{dataset}/{variant}/seed{seed}"
        primary = study["datasets"][dataset]["primary"]
        of_variant = scores[(scores.dataset == dataset) & (scores.variant == variant)]
        holds, words = _judge_run(
            json.loads((folder / "run.json").read_text(encoding="utf-8")),
            published_runs[f"{dataset}/{variant}/seed{seed}"],
            _final_scores(read_scores(folder / "scores.csv"), primary),
            _final_scores(of_variant, primary),
        )
        failed += not holds
        print(f"{'holds' if holds else 'FAILS'}  {dataset} {variant} seed {seed}: {words}")
    print(f"{len(runs) - failed} of {len(runs)} runs hold")
    return failed


def _judge_run(
    run: dict, published_run: dict, scores: pd.Series, published_scores: pd.Series
) -> tuple[bool, str]:
    """Whether a run holds, and why; scores are by seed."""
    seed = run["seed"]
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
    low, high = prediction_interval(published_scores.to_numpy(), CONFIDENCE)
    holds = same_bits if same_machine else low <= scores[seed] <= high
    return holds, (
        f"{scores[seed]:.4g}, published {published_scores[seed]:.4g}; "
        f"one more seed is expected in {low:.4g} to {high:.4g}; {bits}"
    )


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

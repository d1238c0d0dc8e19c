"""Repeats a part of a published study and holds it against what was published.

    python results/published/verify.py [STUDY] [--variants NAME ...] [--seeds N ...] [--cores N]

Trains and scores the chosen runs below results/verify, by the same workflow. On the published
machine's processor and versions each run must give the same bits. Elsewhere each primary score
must lie in the interval where one more seed of the published study is expected, with confidence
0.99. Prints a line for each run and exits with status 1 where one is elsewhere.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from ganbench.evidence.estimators import prediction_interval  # noqa: E402 (the same)
from ganbench.study import resolve as studies  # noqa: E402 (found by the line above)

CONFIDENCE = 0.99


def main() -> int:
    """Runs what was chosen, compares, prints; gives the exit status."""
    chosen = _arguments()
    published = ROOT / "results/published" / chosen.study
    given = ROOT / f"config/{chosen.study}.yaml"
    there = json.loads((published / "study.json").read_text(encoding="utf-8"))
    config = yaml.safe_load(given.read_text(encoding="utf-8"))
    here = studies.without_execution(studies.resolve(config, str(given)))
    if here != there:
        changed = [key for key in here if here[key] != there.get(key)]
        print(f"{given}: not the published study any more; it differs in {', '.join(changed)}")
        return 1
    runs = [
        (dataset, variant, seed)
        for dataset, variant, seed in studies.list_runs(there)
        if variant in chosen.variants and seed in chosen.seeds
    ]
    if not runs:
        print(f"no such run: variants are {', '.join(there['variants'])}; seeds {there['seeds']}")
        return 1
    _run(given, chosen, runs)
    results = ROOT / f"results/verify/results/{chosen.study}"
    return int(compared(there, published, results, runs) > 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", nargs="?", default="fashion_mnist_cpu")
    parser.add_argument("--variants", nargs="+", default=["minimax", "non_saturating"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--cores", default="all")
    return parser.parse_args()


def _run(given: Path, chosen: argparse.Namespace, runs: list[tuple[str, str, int]]) -> None:
    files = [
        f"results/{chosen.study}/runs/{dataset}/{variant}/seed{seed}/scores.csv"
        for dataset, variant, seed in runs
    ]
    folder = ROOT / "results/verify"
    shutil.rmtree(folder, ignore_errors=True)  # or what is there would be compared, not made again
    folder.mkdir()
    command = [
        *(sys.executable, "-m", "snakemake", "--cores", chosen.cores),
        *("--directory", str(folder), "--configfile", str(given), "--", *files),
    ]
    subprocess.run(command, cwd=ROOT, check=True)


def compared(study: dict, published: Path, results: Path, runs: list[tuple[str, str, int]]) -> int:
    """Prints a line for each of `runs` (dataset, variant, seed); gives how many do not hold.

    `study` is the resolved one, `published` its published folder, `results` that of the repetition.
    """
    scores = pd.read_csv(published / "scores.csv")
    kept = json.loads((published / "runs.json").read_text(encoding="utf-8"))
    failed = 0
    for dataset, variant, seed in runs:
        folder = results / f"runs/{dataset}/{variant}/seed{seed}"
        primary = study["datasets"][dataset]["primary"]
        old = _finals(scores[(scores.dataset == dataset) & (scores.variant == variant)], primary)
        new = _finals(pd.read_csv(folder / "scores.csv"), primary)
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        before = kept[f"{dataset}/{variant}/seed{seed}"]
        held, words = _judged(run, before, old, new)
        failed += not held
        print(f"{'holds' if held else 'FAILS'}  {dataset} {variant} seed {seed}: {words}")
    print(f"{len(runs) - failed} of {len(runs)} runs hold")
    return failed


def _judged(run: dict, before: dict, old: pd.Series, new: pd.Series) -> tuple[bool, str]:
    """Whether a run holds against the published one, and why; scores are by seed."""
    seed, same_bits = run["seed"], run["generator_sha256"] == before["generator_sha256"]
    alike = _made_with(run) == _made_with(before)
    bits = f"{'the same' if same_bits else 'other'} bits"
    bits += "" if alike else ", on another processor or other versions"
    # one that diverged has no final score, only those of the snapshots that it reached
    if "diverged" in (run["status"], before["status"]) or seed not in old or seed not in new:
        held = run["status"] == before["status"] and (same_bits or not alike)
        return held, f"{run['status']}, published {before['status']}; {bits}"
    low, high = prediction_interval(old.to_numpy(), CONFIDENCE)
    held = same_bits if alike else low <= new[seed] <= high
    return held, (
        f"{new[seed]:.4g}, published {old[seed]:.4g}; "
        f"one more seed is expected in {low:.4g} to {high:.4g}; {bits}"
    )


def _finals(scores: pd.DataFrame, primary: dict[str, str]) -> pd.Series:
    """The primary score at the end of the budget, by seed."""
    found = scores[
        (scores.metric == primary["metric"])
        & (scores.reference == primary["reference"])
        & (scores.repeat == 0)
        & (scores.step == scores.step.max())
    ]
    return found.set_index("seed").value


def _made_with(run: dict) -> tuple:
    versions = {name: run["versions"].get(name) for name in ("python", "torch", "numpy")}
    return run["machine"]["processor"], run["device"], versions


if __name__ == "__main__":
    sys.exit(main())

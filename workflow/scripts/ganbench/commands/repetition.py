"""Trains and scores runs of a study again, and compares them with what was published of it.

The runs are made below results/verify, by the same workflow. With the fingerprint of the published
run (processor, instruction sets, caches, threads, versions), each must give the same bits.
Elsewhere rounding makes them differ, and the runs are trained twice more, each time with learning
rates that differ by a millionth. These twins show how far a difference as small as rounding takes a
run apart at each snapshot: the published run may lie twice as far away
(`ganbench.evidence.repetitions`). Besides, the primary score at the end must lie in the interval
where one more seed of the published study is expected with confidence 0.99.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from ganbench.evidence import repetitions
from ganbench.evidence.final_scores import final_scores
from ganbench.jobs import locks
from ganbench.jobs.errors import ActionableError
from ganbench.jobs.files import read_json
from ganbench.jobs.fingerprint import find_other_origin
from ganbench.report.results import read_scores
from ganbench.study.reference_sources import ROOT
from ganbench.study.unresolve import unresolve_runs

CONFIDENCE = 0.99

TWINS = (1 + 1e-6, 1 - 1e-6)
"""Factors of the learning rates of each twin: more than rounding changes in a step, in float32."""

FOLDER = ROOT / "results/verify"
"""Where runs are trained again; each repetition begins with an empty one."""

Run = tuple[str, str, int]
"""Dataset, variant and seed."""


@contextmanager
def empty_folder() -> Iterator[None]:
    """Empties `FOLDER` for one repetition. Raises ActionableError while another one is running."""
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    lock = locks.take(FOLDER.with_suffix(".lock"))
    if lock is None:
        raise ActionableError(f"{FOLDER}: another repetition is running; wait for its end")
    try:
        if FOLDER.exists():  # Snakemake would find the former runs, and repeat none
            shutil.rmtree(FOLDER)
        yield
    finally:
        os.close(lock)


def write_study(
    study: Mapping[str, Any], file: Path, runs: Sequence[Run] = (), factor: float = 1.0
) -> None:
    """Writes a resolved study as a file that trains its runs again.

    The variants of `runs` get learning rates times `factor`. Paths in the study are of the working
    directory.
    """
    written = unresolve_runs(study, Path.cwd())
    for dataset, name, _ in runs:
        optimizer = scale_rates(study["runs"][dataset][name]["optimizer"], factor)
        variant = written["variants"][name]
        training = (variant.get("training") or {}) | {"optimizer": optimizer}
        written["variants"][name] = {**variant, "training": training}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(written, allow_unicode=True), encoding="utf-8")


def repeat_runs(published: Path, study_file: Path, runs: Sequence[Run], cores: str) -> int:
    """Repeats `runs` of the study in `study_file`, with a line for each; returns how many fail.

    `published` has its resolved study, its scores and runs.json. Raises ActionableError where the
    workflow did not come to its end.
    """
    study = read_json(published / "study.json")
    place = f"results/{study['study']}"
    _run_workflow(study_file, place, runs, FOLDER, cores)
    others = [run for run in runs if _is_of_other_machine(published, FOLDER / place, run)]
    twins = [FOLDER / f"twin{number}" for number in range(1, len(TWINS) + 1)] if others else []
    if others:
        print(f"another processor: {len(others)} runs {len(TWINS)} times more, for their drift")
    for twin, factor in zip(twins, TWINS, strict=False):
        for dataset in dict.fromkeys(dataset for dataset, _, _ in others):
            of_dataset = [run for run in others if run[0] == dataset]
            twin_file = twin / dataset / "study.yaml"
            write_study(study, twin_file, of_dataset, factor)
            _run_workflow(twin_file, place, of_dataset, twin, cores)
    return compare_runs(published, FOLDER / place, runs, [twin / place for twin in twins])


def scale_rates(options: Any, factor: float) -> Any:
    """The options of an optimizer, or of both players', with each learning rate times `factor`."""
    if not isinstance(options, dict):
        return options
    return {
        key: value * factor if key == "lr" else scale_rates(value, factor)
        for key, value in options.items()
    }


def _run_workflow(
    study_file: Path, place: str, runs: Sequence[Run], folder: Path, cores: str
) -> None:
    targets = [f"{place}/runs/{_name_folder(run)}/scores.csv" for run in runs]
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "snakemake", "--cores", cores]
    command += ["--directory", str(folder), "--configfile", str(study_file), "--", *targets]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise ActionableError("the runs could not be repeated: Snakemake says why above")


def _name_folder(run: Run) -> str:
    dataset, variant, seed = run
    return f"{dataset}/{variant}/seed{seed}"


def _is_of_other_machine(published: Path, results: Path, run: Run) -> bool:
    """Whether a repeated run has other bits than the published one, and may have."""
    name = _name_folder(run)
    published_run = read_json(published / "runs.json")[name]
    repeated_run = read_json(results / f"runs/{name}/run.json")
    same_bits = repeated_run["generator_sha256"] == published_run["generator_sha256"]
    return not same_bits and find_other_origin(repeated_run, published_run) is not None


def compare_runs(
    published: Path, results: Path, runs: Sequence[Run], twins: Sequence[Path] = ()
) -> int:
    """Prints a line for each run and returns how many do not hold.

    `published` is the published folder of a study, `results` the folder of its repetition, and
    `twins` those of the runs that were trained once more with other learning rates.
    """
    study, scores = read_json(published / "study.json"), read_scores(published / "scores.csv")
    failed = 0
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
    study: Mapping[str, Any], published: Path, results: Path, name: Run, all_scores: pd.DataFrame
) -> tuple[bool, str]:
    """Whether a run has the bits, or else the score, that are expected of it, and why."""
    dataset, variant, seed = name
    place, primary = f"runs/{_name_folder(name)}", study["datasets"][dataset]["primary"]
    endings = read_json(published / "runs.json")
    run, published_run = read_json(results / place / "run.json"), endings[_name_folder(name)]
    of_variant = all_scores[(all_scores.dataset == dataset) & (all_scores.variant == variant)]
    seeds = {other: endings[_name_folder((dataset, variant, other))] for other in study["seeds"]}
    published_scores = _find_final_scores(of_variant, seeds, primary)
    scores = _find_final_scores(read_scores(results / place / "scores.csv"), {seed: run}, primary)
    same_bits = run["generator_sha256"] == published_run["generator_sha256"]
    reason = find_other_origin(run, published_run)
    same_machine = reason is None
    bits = f"{'the same' if same_bits else 'other'} bits"
    if seed not in scores or seed not in published_scores:  # such as a run that diverged
        holds = run["status"] == published_run["status"] and (same_bits or not same_machine)
        bits += "" if same_machine else f", judged by how it ended: {reason}"
        return holds, f"{run['status']}, published {published_run['status']}; {bits}"
    bits += "" if same_machine else f", judged by the interval: {reason}"
    low, high = repetitions.expect_score(primary["metric"], published_scores.to_numpy(), CONFIDENCE)
    holds = same_bits if same_machine else low <= scores[seed] <= high
    return holds, (
        f"{scores[seed]:.4g}, published {published_scores[seed]:.4g}; "
        f"one more seed is expected in {low:.4g} to {high:.4g}; {bits}"
    )


def _find_final_scores(
    scores: pd.DataFrame, endings: Mapping[int, Mapping[str, Any]], primary: Mapping[str, str]
) -> pd.Series:
    """The primary score at the end of each completed run of one variant, by seed.

    `endings` has `status` and `step` of each run.
    """
    runs = pd.DataFrame(
        [
            (*scores[["dataset", "variant"]].iloc[0], seed, ending["status"], ending["step"])
            for seed, ending in endings.items()
            if len(scores)
        ],
        columns=["dataset", "variant", "seed", "status", "step"],
    )
    final = final_scores(scores, runs)
    is_primary = (final.metric == primary["metric"]) & (final.reference == primary["reference"])
    return final[is_primary].set_index("seed").value


def _judge_drift(
    study: Mapping[str, Any],
    results: Path,
    twins: Sequence[Path],
    runs: Sequence[Run],
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

"""What a finished study would have and this one has not: runs that failed, and files not there."""

from typing import Any

import pandas as pd

from ganbench.budget import snapshot_steps
from ganbench.report.numbers import listed
from ganbench.report.results import Results, Run


def missing(results: Results) -> list[str]:
    """What a finished study would have and this one has not, in words; empty when complete."""
    scored = results.scores.dropna(subset="value")
    found: list[str] = []
    for run in results.runs.itertuples():
        if run.status == "completed":
            name = f"{run.variant} seed {run.seed} on {run.dataset}"
            of_dataset = scored[scored["dataset"] == run.dataset]
            mine = (of_dataset["variant"] == run.variant) & (of_dataset["seed"] == run.seed)
            found += [f"{name} has {each}" for each in _unscored(run, of_dataset, of_dataset[mine])]
    return found + [
        f"{variant} seed {seed} on {dataset} is missing"
        for dataset, variant, seed in absent(results)
    ]


def failed(results: Results) -> list[str]:
    """Which seeds of which variants diverged, in words."""
    return [
        f"{variant} on {dataset}: {words}"
        for dataset in results.datasets
        for variant, words in incidents(results, dataset, gone=False).items()
    ]


def incidents(results: Results, dataset: str, *, gone: bool = True) -> dict[str, str]:
    """By variant, in words, which of its runs diverged and, with `gone`, which are missing."""
    found: dict[str, str] = {}
    for variant in results.variants:
        place = (dataset, variant)
        runs = [run for key, run in results.status.items() if key[:2] == place]
        early = [f"{run.seed} at step {run.step:,}" for run in runs if run.status == "diverged"]
        lost = [str(run[2]) for run in absent(results) if run[:2] == place and gone]
        words = [f"seed {listed(early, 5)} diverged"] if early else []
        words += [f"seed {listed(lost, 5)} missing"] if lost else []
        if words:
            found[variant] = "; ".join(words)
    return found


def absent(results: Results) -> list[Run]:
    """The runs that the study names and that left no file."""
    return [
        (dataset, variant, seed)
        for dataset in results.datasets
        for variant in results.variants
        for seed in results.study["seeds"]
        if (dataset, variant, seed) not in results.samples
    ]


def _unscored(run: Any, of_dataset: pd.DataFrame, mine: pd.DataFrame) -> list[str]:
    """The snapshots without any score, then those without one that others of the dataset have."""
    steps = [step for step in snapshot_steps(run.parameters) if step <= run.step]
    without = [step for step in steps if step not in set(mine["step"])]
    found = [f"no scores at step {', '.join(map(str, without))}"] if without else []
    for metric, table in of_dataset.groupby("metric", sort=False):
        for reference in table["reference"].unique():
            has = mine[(mine["metric"] == metric) & (mine["reference"] == reference)]["step"]
            lacks = [step for step in steps if step not in {*without, *has}]
            if lacks:
                against = "" if reference == "none" else f" against {reference}"
                found.append(f"no {metric}{against} at step {', '.join(map(str, lacks))}")
    return found

"""What a finished study would have and this one has not: runs that failed, and files not there."""

from collections.abc import Iterator, Mapping
from typing import Any

from ganbench.report.figures.budgets import RUN
from ganbench.report.results import Results, Run
from ganbench.study.budget import snapshot_steps
from ganbench.wording import listing

MEASURE = ["metric", "reference"]


def missing(results: Results) -> list[str]:
    """What a finished study would have and this one has not, in words; empty when complete."""
    scored = results.scores.dropna(subset="value")
    there = scored.groupby([*RUN, *MEASURE], sort=False)["step"].agg(set).to_dict()
    measures = {
        dataset: list(table[MEASURE].drop_duplicates().itertuples(index=False, name=None))
        for dataset, table in scored.groupby("dataset", sort=False)
    }
    found = []
    for key, run in results.status.items():
        if run.status == "completed":
            dataset, variant, seed = key
            has = {each: there.get((*key, *each), set()) for each in measures.get(dataset, ())}
            found += [f"{variant} seed {seed} on {dataset} has {each}" for each in _lacks(run, has)]
    return found + [
        f"{variant} seed {seed} on {dataset} is missing"
        for dataset, variant, seed in absent(results)
    ]


def _lacks(run: Any, there: Mapping[tuple[str, str], set[int]]) -> Iterator[str]:
    """The snapshots without any score, then those without one that others of the dataset have.

    `there` has the steps at which this run has a score, by metric and reference.
    """
    steps = [step for step in snapshot_steps(run.parameters) if step <= run.step]
    any_score = set().union(*there.values())
    if without := [step for step in steps if step not in any_score]:
        yield f"no scores at step {', '.join(map(str, without))}"
    for (metric, reference), has in there.items():
        if lacks := [step for step in steps if step in any_score - has]:
            against = "" if reference == "none" else f" against {reference}"
            yield f"no {metric}{against} at step {', '.join(map(str, lacks))}"


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
        words = [f"seed {listing(early, 5)} diverged"] if early else []
        words += [f"seed {listing(lost, 5)} missing"] if lost else []
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

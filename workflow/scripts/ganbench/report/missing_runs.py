"""Runs that diverged, runs that left no files, and scores that are missing, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from ganbench.catalogue.metrics import METRICS, base_name
from ganbench.report.figures.budgets import RUN_COLUMNS
from ganbench.report.measures import describe_reference
from ganbench.report.results import Results
from ganbench.study.budget import snapshot_steps
from ganbench.study.references import is_of_reference
from ganbench.wording import listing

_MEASURE_COLUMNS = ["metric", "reference"]
_MOST_SEEDS = 5
"""Seeds that a sentence names before it counts the rest."""


def describe_missing(results: Results) -> list[str]:
    """The runs and scores that a study lacks, one sentence each; empty if it is complete."""
    scored = results.scores.dropna(subset="value")
    groups = scored.groupby([*RUN_COLUMNS, *_MEASURE_COLUMNS], sort=False)
    scored_steps = groups["step"].agg(set).to_dict()
    measures = {  # not every objective has every metric: its optimal discriminator may be unknown
        variant: list(table[_MEASURE_COLUMNS].drop_duplicates().itertuples(index=False, name=None))
        for variant, table in results.scores.groupby(["dataset", "variant"], sort=False)
    }
    sentences = []
    for key, run in results.status.items():
        if run.status == "completed" and not is_of_reference(key[1]):
            dataset, variant, seed = key
            steps = {
                measure: scored_steps.get((*key, *measure), set())
                for measure in measures.get((dataset, variant), ())
            }
            sentences += [
                f"{variant} seed {seed} on {dataset} has {gap}"
                for gap in _describe_gaps(run, steps)
            ]
    sentences += [
        f"{variant} seed {seed} on {dataset} is missing"
        for dataset, variant, seed in results.missing_runs
    ]
    return sentences


def _describe_gaps(run: Any, scored_steps: Mapping[tuple[str, str], set[int]]) -> Iterator[str]:
    """The snapshots without any score, then those that lack only some measures.

    `scored_steps` has the steps at which the run has a score, by metric and reference. Metrics of
    training have none where no row of the history was due since the snapshot before.
    """
    snapshots = [step for step in snapshot_steps(run.parameters) if step <= run.step]
    with_any_score = set().union(*scored_steps.values())
    unscored = [step for step in snapshots if step not in with_any_score]
    if unscored:
        yield f"no scores at {_name_steps(unscored)}"
    for (metric, reference), steps in scored_steps.items():
        if METRICS[base_name(metric)].of == "training":
            continue
        lacking = [step for step in snapshots if step in with_any_score - steps]
        if lacking:
            against = describe_reference(metric, reference)
            yield f"no {metric}{against} at {_name_steps(lacking)}"


def _name_steps(steps: list[int]) -> str:
    return f"step{'s' if len(steps) > 1 else ''} {', '.join(map(str, steps))}"


def describe_diverged(results: Results) -> list[str]:
    """The seeds that diverged, a sentence for each dataset and variant that has any."""
    sentences = []
    for dataset in results.datasets:
        for variant in results.variants:
            seeds = _describe_diverged_seeds(results, dataset, variant)
            if seeds:
                sentences.append(f"{variant} on {dataset}: {seeds}")
    return sentences


def describe_failures(results: Results, dataset: str) -> dict[str, str]:
    """The seeds that diverged or are missing, in words, for each variant that has any."""
    sentences = {}
    for variant in results.variants:
        parts = (
            _describe_diverged_seeds(results, dataset, variant),
            _describe_missing_seeds(results, dataset, variant),
        )
        if any(parts):
            sentences[variant] = "; ".join(filter(None, parts))
    return sentences


def _describe_diverged_seeds(results: Results, dataset: str, variant: str) -> str:
    seeds = [
        f"{run.seed} (step {run.step:,})"
        for run in results.status.values()
        if (run.dataset, run.variant, run.status) == (dataset, variant, "diverged")
    ]
    return f"{_name_seeds(seeds)} diverged" if seeds else ""


def _describe_missing_seeds(results: Results, dataset: str, variant: str) -> str:
    seeds = [
        str(seed)
        for place, name, seed in results.missing_runs
        if (place, name) == (dataset, variant)
    ]
    if not seeds:
        return ""
    return f"{_name_seeds(seeds)} {'is' if len(seeds) == 1 else 'are'} missing"


def _name_seeds(seeds: list[str]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {listing(seeds, _MOST_SEEDS)}"

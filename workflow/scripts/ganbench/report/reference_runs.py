"""Joins the runs of references to a study's own, and says in words where they are from.

Variants of references are named `study/variant`. Their seeds pair with the study's own only where
processor, libraries and lock are the same: elsewhere one seed gives other weights and batches.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from ganbench.jobs import files
from ganbench.report.dynamics import MEASURED
from ganbench.report.figures.budgets import add_budgets
from ganbench.report.results import Results, average_repeats, read_scores, tabulate_records
from ganbench.study.references import is_of_reference
from ganbench.wording import count, listing


@dataclass(frozen=True)
class ReferenceRuns:
    """The runs of one reference. `facts` are the keys of its `runs.json` beside the runs."""

    name: str
    facts: Mapping[str, Any]
    runs: pd.DataFrame
    scores: pd.DataFrame
    history: pd.DataFrame


def read_reference_runs(inputs: Mapping[str, Sequence[Path]]) -> list[ReferenceRuns]:
    """The references of a study, whose files are named as in the rule `report`."""
    names = ("reference_runs", "reference_scores", "reference_histories")
    return [
        _read_reference(*paths)
        for paths in zip(*(inputs.get(name, ()) for name in names), strict=True)
    ]


def _read_reference(runs_file: Path, scores_file: Path, history_file: Path) -> ReferenceRuns:
    facts = files.read_json(runs_file)
    records = facts.pop("runs")
    history = pd.DataFrame()
    if history_file.stat().st_size > 1:  # a file without rows has an empty header
        history = pd.read_csv(history_file, dtype={"dataset": str, "variant": str})
    return ReferenceRuns(
        runs_file.parent.name, facts, tabulate_records(records), read_scores(scores_file), history
    )


def join_references(results: Results, references: Sequence[ReferenceRuns]) -> Results:
    """The results of a study with the runs of its references behind its own.

    Of a reference there are the scores by measures that the study has, too.
    """
    if not references:
        return results
    measured = results.scores[["metric", "reference"]].drop_duplicates()
    scores = [reference.scores.merge(measured) for reference in references]
    histories = [reference.history for reference in references if len(reference.history)]
    runs = pd.concat([reference.runs for reference in references], ignore_index=True)
    history = pd.concat(histories, ignore_index=True) if histories else results.history[:0]
    joined = pd.concat(scores, ignore_index=True)[results.scores.columns]
    curves = add_budgets(average_repeats(_leave_out_dynamics(joined)), history, runs)
    unpaired = {
        reference.name: reasons
        for reference in references
        if (reasons := list(_list_differences(results, reference)))
    }
    return replace(
        results,
        unpaired=unpaired,
        runs=pd.concat([results.runs, runs], ignore_index=True),
        scores=pd.concat([results.scores, joined], ignore_index=True),
        curves=pd.concat([results.curves, curves]),
        history=pd.concat([results.history, history], ignore_index=True),
    )


def _leave_out_dynamics(scores: pd.DataFrame) -> pd.DataFrame:
    return scores[~scores["metric"].isin(MEASURED)]


def _list_differences(results: Results, reference: ReferenceRuns) -> Iterator[str]:
    """What of machine and software differs between a study's runs and those of a reference."""
    own, theirs = (_list_digests(runs) for runs in (results.runs, reference.runs))
    if len(own | theirs) != 1 or None in own | theirs:
        yield "processor, device or libraries"
    if reference.facts["lock_sha256"] != results.lock_sha256:
        yield "lock file"


def _list_digests(runs: pd.DataFrame) -> set[str | None]:
    if "fingerprint" not in runs:
        return {None}
    return {run["digest"] if isinstance(run, dict) else None for run in runs["fingerprint"]}


def drop_unmeasured(
    tables: Mapping[str, pd.DataFrame], results: Results
) -> dict[str, pd.DataFrame]:
    """The tables without rows that count the runs of a reference as failed by a metric which the
    reference did not have at all."""
    columns = ["dataset", "variant", "metric", "reference"]
    scored = set(results.scores[columns].itertuples(index=False, name=None))
    return {name: _drop_rows(table, scored) for name, table in tables.items()}


def _drop_rows(table: pd.DataFrame, scored: set[tuple[str, ...]]) -> pd.DataFrame:
    if not {"dataset", "variant", "metric", "reference"} <= set(table.columns):
        return table
    sides = [side for side in ("variant", "baseline") if side in table]
    kept = [
        all(
            not is_of_reference(row[side])
            or (row["dataset"], row[side], row["metric"], row["reference"]) in scored
            for side in sides
        )
        for row in table[["dataset", "metric", "reference", *sides]].to_dict("records")
    ]
    return table[kept].reset_index(drop=True) if not all(kept) else table


def describe_references(results: Results) -> list[str]:
    """A sentence on each reference for the page: where it is from, and whether seeds pair."""
    return [
        _describe_reference(results, name, facts)
        for name, facts in results.study.get("references", {}).items()
    ]


def _describe_reference(results: Results, name: str, facts: Mapping[str, Any]) -> str:
    own = results.runs[results.runs["variant"].str.startswith(f"{name}/")]
    reasons = results.unpaired.get(name)
    pairing = "Runs with the same seed are paired with the study’s own."
    if reasons:
        pairing = (
            f"Its {listing(reasons)} {'differs' if len(reasons) == 1 else 'differ'} from the "
            "study’s own, so that comparisons with it are not paired by seed."
        )
    return (
        f"{count(len(own), 'run')} of {listing(list(dict.fromkeys(own['variant'])))} "
        f"{'is' if len(own) == 1 else 'are'} not of this study: read from {facts['source']} "
        f"(SHA-256 {facts['sha256'][:16]}), with the same data, extractor, samples, networks and "
        f"budget. {pairing}"
    )

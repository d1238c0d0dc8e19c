"""The headline of a report: the answer of the study in one sentence per primary metric."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ganbench.evidence.final_scores import Measure, Row, measure_name, primary_measures, select
from ganbench.evidence.sentences import describe_comparison
from ganbench.evidence.verdict import VerdictKind, exactly_equal
from ganbench.wording import count, listing, number, percent

SummaryRows = Mapping[tuple[str, str], Row]
"""The summary rows of one measure by (dataset, variant)."""

EQUAL = "equal"
"""The outcome of a comparison whose scores are exactly equal; others have their verdict's kind."""

_PHRASES = {
    VerdictKind.BETTER: "{} did better",
    VerdictKind.WORSE: "{} did worse",
    EQUAL: "{} scored exactly the same",
    VerdictKind.NO_DIFFERENCE: "no difference was shown for {}",
    VerdictKind.CANNOT_TELL: "inconclusive for {}",
}
_MIXED = "mixed results for {}"
_PARTLY = "shown on some datasets only: {}"
_UNDECIDED = "no difference shown or inconclusive for {}"


def write_headline(
    comparisons: pd.DataFrame,
    summary: pd.DataFrame,
    runs: pd.DataFrame,
    study: Mapping[str, Any],
    rates: pd.DataFrame | None = None,
) -> str:
    """The answer by each primary metric, followed by how certain it is and which runs failed.

    There are at most two primary metrics: one of images and one of points. `study` is the resolved
    study; `runs` has one row per run with its `status`. With `rates`, the rows of `rates.csv`,
    collapsed runs are counted too.
    """
    confidence = study["report"]["confidence"]
    answers, summaries, overviews = [], [], []
    for measure, datasets in _datasets_by_measure(study).items():
        where = {"metric": measure[0], "reference": measure[1], "dataset": datasets}
        rows, summary_rows = select(comparisons, **where), select(summary, **where)
        answers.append(_answer(measure, rows, summary_rows, confidence))
        summaries.append(summary_rows)
        if len(rows) > 1:
            overviews.append(rows)
    notes = [_certainty(pd.concat(overviews), confidence)] if overviews else []
    compared = bool((comparisons["n_pairs"] > 0).any())
    notes += _failures(pd.concat(summaries), runs, compared=compared)
    notes += [] if rates is None else _collapses(rates)
    return " ".join(answers) + (f" {'; '.join(notes)}." if notes else "")


def _datasets_by_measure(study: Mapping[str, Any]) -> dict[Measure, list[str]]:
    datasets: dict[Measure, list[str]] = {}
    for dataset, measure in primary_measures(study).items():
        datasets.setdefault(measure, []).append(dataset)
    return datasets


def _answer(
    measure: Measure, comparisons: pd.DataFrame, summary: pd.DataFrame, confidence: float
) -> str:
    """One sentence on all comparisons by one measure."""
    if len(comparisons) == 0:
        return _without_comparison(measure, summary)
    summary_rows = {(row["dataset"], row["variant"]): row for _, row in summary.iterrows()}
    if len(comparisons) > 1:
        return _overview(measure, comparisons, summary_rows)
    row = comparisons.iloc[0]
    variant, baseline = (
        summary_rows[row["dataset"], row[side]] for side in ("variant", "baseline")
    )
    return describe_comparison(row, variant, baseline, confidence)


def _without_comparison(measure: Measure, summary: pd.DataFrame) -> str:
    """The answer of a study in which nothing was compared."""
    name = measure_name(measure)
    scored = summary[summary["n"] > 0]
    if len(scored) == 0:
        return f"No run has a final score in {name}, so there is nothing to compare."
    means = [
        f"{number(row['mean'])} on {row['dataset']} ({count(row['n'], 'seed')})"
        for _, row in scored.iterrows()
    ]
    return f"Only {scored.iloc[0]['variant']} was trained: {name} {listing(means)}."


def _overview(measure: Measure, rows: pd.DataFrame, summary_rows: SummaryRows) -> str:
    """Which variants did better and which worse than the baseline."""
    datasets = list(rows["dataset"].unique())
    if len(datasets) == 1:
        where, clauses = datasets[0], _on_one_dataset(rows, summary_rows)
    else:
        where, clauses = count(len(datasets), "dataset"), _on_several(rows, len(datasets))
    baseline = rows.iloc[0]["baseline"]
    return f"By {measure_name(measure)} on {where}, compared with {baseline}: {'; '.join(clauses)}."


def _by_outcome(rows: pd.DataFrame, column: str) -> dict[str, list[str]]:
    """The entries of a column for each outcome."""
    entries: dict[str, list[str]] = {}
    for _, row in rows.iterrows():
        outcome = EQUAL if exactly_equal(row) else row["verdict"].kind
        entries.setdefault(outcome, []).append(row[column])
    return entries


def _on_one_dataset(rows: pd.DataFrame, summary_rows: SummaryRows) -> list[str]:
    """A clause for each outcome, with the variants that have it."""
    variants = _by_outcome(rows, "variant")
    clauses = []
    for outcome, phrase in _PHRASES.items():
        if outcome in variants:
            clause = phrase.format(listing(variants[outcome]))
            if outcome == VerdictKind.BETTER:
                clause += _best(select(rows, variant=variants[outcome]), summary_rows)
            clauses.append(clause)
    return clauses


def _best(better: pd.DataFrame, summary_rows: SummaryRows) -> str:
    """The variant furthest from the baseline, with both means, in parentheses."""
    best = better.loc[better["difference"].abs().idxmax()]
    variant, baseline = (
        summary_rows[best["dataset"], best[side]] for side in ("variant", "baseline")
    )
    name = f"best: {best['variant']}, " if len(better) > 1 else ""
    return f" ({name}{number(variant['mean'])} against {number(baseline['mean'])})"


def _on_several(rows: pd.DataFrame, n_datasets: int) -> list[str]:
    """Clauses on mixed results, then on variants with one outcome everywhere, then on the rest."""
    everywhere = {outcome: _everywhere(outcome, n_datasets) for outcome in _PHRASES}
    clauses: dict[str, list[str]] = {
        clause: [] for clause in (_MIXED, *everywhere.values(), _PARTLY, _UNDECIDED)
    }
    for variant, group in rows.groupby("variant", sort=False):
        datasets = _by_outcome(group, "dataset")
        decided = [
            f"{kind} on {listing(datasets[kind])}"
            for kind in (VerdictKind.BETTER, VerdictKind.WORSE)
            if kind in datasets
        ]
        if len(datasets) == 1:
            clauses[everywhere[next(iter(datasets))]].append(variant)
        elif decided:
            clause = _MIXED if len(decided) == 2 else _PARTLY
            clauses[clause].append(f"{variant} ({', '.join(decided)})")
        else:
            clauses[_UNDECIDED].append(variant)
    return [clause.format(listing(variants)) for clause, variants in clauses.items() if variants]


def _everywhere(outcome: str, n_datasets: int) -> str:
    """The phrase of an outcome that is the same on all datasets."""
    if outcome == VerdictKind.NO_DIFFERENCE:
        return (
            f"{_PHRASES[outcome]} on {'either' if n_datasets == 2 else f'any of the {n_datasets}'}"
        )
    return f"{_PHRASES[outcome]} on {'both' if n_datasets == 2 else f'all {n_datasets}'}"


def _certainty(rows: pd.DataFrame, confidence: float) -> str:
    """On how many seeds the verdicts of an overview rest, and their level of confidence."""
    fewest, most = int(rows["n_pairs"].min()), int(rows["n_pairs"].max())
    seeds = count(most, "shared seed") if fewest == most else f"{fewest} to {most} shared seeds"
    level = f"{percent(confidence)} confidence after Holm's correction"
    per_dataset = " in each dataset" if rows["dataset"].nunique() > 1 else ""
    return f"Each verdict rests on {seeds}, at {level}{per_dataset}"


def _failures(summary: pd.DataFrame, runs: pd.DataFrame, *, compared: bool) -> list[str]:
    """How many runs diverged or have no score, and that only the others are compared."""
    diverged = int((runs["status"] == "diverged").sum())
    unscored = int(summary["failed"].sum()) - diverged
    clauses = [f"{diverged} of {count(len(runs), 'run')} diverged"] if diverged else []
    if unscored > 0:
        verb = "has" if unscored == 1 else "have"
        clauses.append(f"{count(unscored, 'completed run')} {verb} no finite score")
    if clauses and compared:
        clauses.append("only the other runs are compared")
    return [listing(clauses)] if clauses else []


def _collapses(rates: pd.DataFrame) -> list[str]:
    """How many of the completed runs collapsed."""
    collapsed = rates.loc[rates["outcome"] == "collapsed", ["count", "n"]].sum()
    completed = count(int(collapsed["n"]), "completed run")
    return [f"{int(collapsed['count'])} of {completed} collapsed"] if collapsed["count"] else []

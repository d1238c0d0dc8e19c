"""The leaderboard: one row a variant, best first, above the score of real samples."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pandas as pd

from ganbench.catalogue.metrics import METRICS, base_name, companion
from ganbench.evidence.final_scores import select
from ganbench.evidence.scales import MEANS
from ganbench.report.measures import (
    describe_measure,
    final_means,
    list_measures,
    primary_measure,
    spans_powers,
)
from ganbench.report.results import Results
from ganbench.wording import interval, listing, number

Published = Sequence[dict[str, Any]]

Collapses = Mapping[tuple[str, str], int]
"""How many completed runs of each (dataset, variant) collapsed."""

_UNSCORED = {
    "mean": None,
    "low": None,
    "high": None,
    "value": "–",
    "interval": "",
    "best": None,
    "seeds": [],
    "of_seeds": [],
    "n": 0,
}
"""The scores of a variant none of whose runs has any."""


def build_leaderboards(
    results: Results,
    summary: pd.DataFrame,
    published: Published,
    *,
    collapses: Collapses = MappingProxyType({}),
) -> list[dict[str, Any]]:
    """One board for each dataset and measure; of each dataset, the primary measure comes first."""
    return [
        build_board(results, summary, published, dataset, measure, collapses=collapses)
        for dataset in results.datasets
        for measure in list_measures(results, summary, dataset)
    ]


def build_board(
    results: Results,
    summary: pd.DataFrame,
    published: Published,
    dataset: str,
    measure: tuple[str, str],
    *,
    collapses: Collapses = MappingProxyType({}),
) -> dict[str, Any]:
    """The rows of one dataset by one (metric, reference), best first."""
    metric, reference = measure
    definition = METRICS[base_name(metric)]
    rows = [
        row | _count_lost(row, collapses.get((dataset, row["variant"]), 0))
        for row in _rank_rows(results, summary, dataset, measure)
    ]
    comparable = [
        number | {"index": results.variants.index(number["variant"])}
        for number in published
        if number["comparable"] and (number["dataset"], number["metric"]) == (dataset, metric)
        if reference == "held_out"
    ]
    floor = results.floor(dataset, metric, reference)
    unequal = _find_unequal_budgets(rows)
    shown = _list_values(rows, [floor, *(number["mean"] for number in comparable)])
    return {
        "dataset": dataset,
        "metric": metric,
        "reference": reference,
        "measure": describe_measure(metric, reference),
        "primary": measure == primary_measure(results, dataset),
        "better": definition.better,
        "mean_name": name_mean(summary, dataset, measure),
        "rows": rows,
        "floor": floor,
        "floor_meaning": definition.floor,
        "published": comparable,
        "low": min(shown, default=0.0),
        "high": max(shown, default=1.0),
        "logarithmic": spans_powers(metric, shown),
        "samples": _count_samples(results, dataset),
        "unequal": unequal,
        "equal": _find_equal_budgets(rows, unequal),
    }


def _rank_rows(
    results: Results, summary: pd.DataFrame, dataset: str, measure: tuple[str, str]
) -> list[dict[str, Any]]:
    """A row for each variant, best first, those without a score last."""
    metric, reference = measure
    scores = select(summary, dataset=dataset, metric=metric, reference=reference)
    scores = scores.set_index("variant")
    variants = results.variants_on(dataset)
    rows = [_build_row(results, scores, dataset, variant) for variant in variants]
    if other := companion(metric):
        title, means = (
            METRICS[base_name(other)].title,
            final_means(summary, dataset, other, reference),
        )
        for row in rows:
            row["beside"] = f"{title} {number(means.get(row['variant']))}"
    sign = -1 if METRICS[base_name(metric)].better == "higher" else 1
    return sorted(rows, key=lambda row: (row["mean"] is None, sign * (row["mean"] or 0)))


def _build_row(
    results: Results, scores: pd.DataFrame, dataset: str, variant: str
) -> dict[str, Any]:
    """One variant: its runs, budget and scores; `scores` has the summary of each scored variant."""
    spent = results.spent[dataset, variant]
    trained = spent["trained"]
    missing = sum(run[:2] == (dataset, variant) for run in results.missing_runs)
    row = spent | {
        "variant": variant,
        "index": results.variants.index(variant),
        "of": len(trained) + missing,
        "missing": missing,
        "beside": "",
    }
    if variant not in scores.index or pd.isna(scores.loc[variant, "mean"]):
        return row | _UNSCORED | {"failed": len(trained)}
    summary = scores.loc[variant]
    value, around = interval(summary["centre"], summary["ci_low"], summary["ci_high"])
    scored = {
        seed: score
        for seed, score in zip(trained, map(float, summary["values"].split()), strict=True)
        if math.isfinite(score)
    }
    return row | {
        "mean": float(summary["centre"]),
        "low": _none_if_missing(summary["ci_low"]),
        "high": _none_if_missing(summary["ci_high"]),
        "value": value,
        "interval": around,
        "best": float(summary["best_mean"]),
        "seeds": list(scored.values()),
        "of_seeds": list(scored),
        "n": int(summary["n"]),
        "failed": int(summary["failed"]),
    }


def count_collapses(rates: pd.DataFrame) -> Collapses:
    """The collapsed runs in the rows of `rates.csv`."""
    rows = rates[rates["outcome"] == "collapsed"]
    counts = zip(rows["dataset"], rows["variant"], rows["count"], strict=True)
    return {(dataset, variant): int(count) for dataset, variant, count in counts}


def _count_lost(row: Mapping[str, Any], collapsed: int) -> dict[str, Any]:
    """How many runs collapsed, and what a row lost in words: "1 failed, 2 collapsed"."""
    counts = {"failed": row["failed"], "collapsed": collapsed, "missing": row["missing"]}
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    return {"collapsed": collapsed, "outcomes": outcomes}


def name_lost_runs(boards: Sequence[Mapping[str, Any]]) -> str:
    """The words of a link to failures and collapses; empty where no run failed or collapsed."""
    rows = [row for board in boards if board["primary"] for row in board["rows"]]
    failed, collapsed = (any(row[outcome] for row in rows) for outcome in ("failed", "collapsed"))
    if failed and collapsed:
        return "Which runs"
    return "Which failed" if failed else "Which collapsed" if collapsed else ""


def name_mean(summary: pd.DataFrame, dataset: str, measure: tuple[str, str]) -> str:
    """The kind of mean that a measure's scores have, which is that of its scale."""
    metric, reference = measure
    rows = select(summary, dataset=dataset, metric=metric, reference=reference)
    names = set(rows.loc[rows["n"] > 0, "scale"].map(MEANS))
    return names.pop() if len(names) == 1 else "mean"


def describe_means(names: Mapping[str, str]) -> str:
    """The kind of mean of all columns, or of which columns it is another than the arithmetic one.

    `names` has the kind by column: "mean (geometric for FD; arcsine for precision)".
    """
    if len(set(names.values())) == 1:
        return next(iter(names.values()))
    columns: dict[str, list[str]] = {}
    for column, name in names.items():
        if name != MEANS["identity"]:
            columns.setdefault(name.removesuffix(" mean"), []).append(column)
    kinds = [f"{kind} for {listing(of, len(of))}" for kind, of in columns.items()]
    return f"mean ({'; '.join(kinds)})"


def _none_if_missing(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


def _list_values(rows: list[dict[str, Any]], marks: Sequence[float | None]) -> list[float]:
    """What the board's axis shows: every seed, every interval and `marks`."""
    values = [score for row in rows for score in row["seeds"]]
    values += [row[end] for row in rows for end in ("low", "high") if row[end] is not None]
    return values + [mark for mark in marks if mark is not None]


def place_on_axis(value: float, board: Mapping[str, Any]) -> float:
    """Where a score lies between the ends of its board's axis, 0 and 1."""
    low, high = board["low"], board["high"]
    if board["logarithmic"]:
        value, low, high = math.log(value), math.log(low), math.log(high)
    return (value - low) / ((high - low) or 1)


def _find_unequal_budgets(rows: list[dict[str, Any]]) -> list[str]:
    """The budgets of which variants used different amounts."""
    return [
        unit
        for unit in ("D updates", "G updates", "images")
        if len({row["budget"][unit]["text"] for row in rows if row["n"]}) > 1
    ]


def _find_equal_budgets(rows: list[dict[str, Any]], unequal: Sequence[str]) -> list[str]:
    """The budgets that all variants with a score used alike: "100 G updates"."""
    budgets = [row["budget"] for row in rows if row["n"]][:1]
    return [
        f"{spent['text']} {unit}"
        for budget in budgets
        for unit, spent in budget.items()
        if unit not in unequal
    ]


def _count_samples(results: Results, dataset: str) -> int:
    """Generated samples per snapshot; the floor is measured on as many real ones."""
    floors = results.floors[results.floors["dataset"] == dataset]
    return int(floors["n"].iloc[0]) if len(floors) else 0


def group_incomparable(published: Published) -> list[dict[str, Any]]:
    """The published numbers that are not comparable, grouped by source, dataset and reasons."""
    groups: dict[tuple[str, ...], dict[str, Any]] = {}
    for entry in published:
        if not entry["comparable"]:
            key = (entry["source"], entry["dataset"], *entry["mismatches"])
            group = groups.setdefault(key, entry | {"variants": []})
            group["variants"].append(f"{entry['variant']} {number(entry['mean'])}")
    return list(groups.values())

"""The leaderboard: one row a variant, best first, above the score of real samples."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ganbench.catalogue.metrics import METRICS, base_name, companion
from ganbench.evidence.final_scores import select
from ganbench.report.measures import (
    describe_measure,
    final_means,
    list_measures,
    primary_measure,
    spans_powers,
)
from ganbench.report.missing_runs import find_missing_runs
from ganbench.report.results import Results
from ganbench.study.budget import images_per_step
from ganbench.wording import interval, number, operations

Published = Sequence[dict[str, Any]]

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
    results: Results, summary: pd.DataFrame, published: Published
) -> list[dict[str, Any]]:
    """One board for each dataset and measure; of each dataset, the primary measure comes first."""
    return [
        board
        for dataset in results.datasets
        for board in build_boards(
            results, summary, published, dataset, list_measures(results, summary, dataset)
        )
    ]


def build_boards(
    results: Results,
    summary: pd.DataFrame,
    published: Published,
    dataset: str,
    measures: Sequence[tuple[str, str]],
) -> list[dict[str, Any]]:
    """The boards of one dataset, one for each (metric, reference)."""
    entries = [
        _describe_runs(results, dataset, variant) for variant in results.variants_on(dataset)
    ]
    summary = select(summary, dataset=dataset)
    return [
        _build_board(
            results, entries, summary, published=published, dataset=dataset, measure=measure
        )
        for measure in measures
    ]


def _build_board(
    results: Results,
    entries: Sequence[dict[str, Any]],
    summary: pd.DataFrame,
    *,
    published: Published,
    dataset: str,
    measure: tuple[str, str],
) -> dict[str, Any]:
    """The rows of one dataset by one measure, best first; `entries` are of all its variants."""
    metric, reference = measure
    definition = METRICS[base_name(metric)]
    rows = _rank_rows(entries, summary, dataset, measure)
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
    entries: Sequence[dict[str, Any]],
    summary: pd.DataFrame,
    dataset: str,
    measure: tuple[str, str],
) -> list[dict[str, Any]]:
    """A row for each variant, best first, those without a score last."""
    metric, reference = measure
    scores = select(summary, metric=metric, reference=reference).set_index("variant")
    by_variant = scores.to_dict("index")
    rows = [_build_row(entry, by_variant.get(entry["variant"])) for entry in entries]
    if other := companion(metric):
        title, means = (
            METRICS[base_name(other)].title,
            final_means(summary, dataset, other, reference),
        )
        for row in rows:
            row["beside"] = f"{title} {number(means.get(row['variant']))}"
    sign = -1 if METRICS[base_name(metric)].better == "higher" else 1
    return sorted(rows, key=lambda row: (row["mean"] is None, sign * (row["mean"] or 0)))


def _describe_runs(results: Results, dataset: str, variant: str) -> dict[str, Any]:
    """What all rows of one variant have in common: its runs and the budget that they used."""
    runs = select(results.runs, dataset=dataset, variant=variant)
    missing = sum(run[:2] == (dataset, variant) for run in find_missing_runs(results))
    return {
        "variant": variant,
        "index": results.variants.index(variant),
        "of": len(runs) + missing,
        "missing": missing,
        "seconds": float(runs["seconds"].median()),
        "beside": "",
        "run_seeds": [int(seed) for seed in runs["seed"]],
        **_summarise_budget(runs, results.parameters[dataset][variant]),
    }


def _build_row(entry: dict[str, Any], summary: Mapping[str, Any] | None) -> dict[str, Any]:
    """One variant by one measure; `summary` is its row of `summary.csv`, if it has one."""
    row, seeds = dict(entry), entry["run_seeds"]
    if summary is None or pd.isna(summary["mean"]):
        return row | _UNSCORED | {"failed": len(seeds)}
    value, around = interval(summary["centre"], summary["ci_low"], summary["ci_high"])
    scored = {
        seed: score
        for seed, score in zip(seeds, map(float, summary["values"].split()), strict=True)
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


def _none_if_missing(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


def _summarise_budget(runs: pd.DataFrame, parameters: dict[str, Any]) -> dict[str, Any]:
    """The budgets that the completed runs of a variant used, and their median FLOPs."""
    completed = runs[runs["status"] == "completed"]
    work = [
        step * flops["step"]
        for step, flops in zip(completed["step"], completed["flops"], strict=True)
    ]
    median = float(pd.Series(work, dtype=float).median()) if work else None
    return {
        "budget": {
            "D updates": _summarise_steps(completed, parameters["discriminator_steps"]),
            "G updates": _summarise_steps(completed, 1),
            "images": _summarise_steps(completed, images_per_step(parameters)),
        },
        "flops": median,
        "work": operations(median),
    }


def _summarise_steps(completed: pd.DataFrame, units_per_step: int) -> dict[str, Any]:
    """The units of a budget that runs used; in words a range if some stopped early."""
    units = completed["step"] * units_per_step
    if not len(units):
        return {"most": 0, "text": "–"}
    low, high = int(units.min()), int(units.max())
    return {"most": high, "text": f"{high:,}" if low == high else f"{low:,} to {high:,}"}


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

"""The leaderboard: one row a variant, best first, above what real samples score."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

import pandas as pd

from ganbench.catalogue.metrics import METRICS, base_name
from ganbench.evidence.final_scores import select
from ganbench.report.missing_runs import absent
from ganbench.report.results import Results
from ganbench.study.budget import images_per_step
from ganbench.wording import interval, number, operations

MEMORISING = ("FD", "memorisation")
"""Of metrics against `train`, those that tell whether samples are memorised."""

Published = Sequence[dict[str, Any]]


def leaderboards(results: Results, summary: pd.DataFrame, published: Published) -> list[dict]:
    """Every board: for each dataset its primary metric's first, then those of its other metrics."""
    return [
        board(results, summary, published, dataset, measure)
        for dataset in results.datasets
        for measure in measures(results, summary, dataset)
    ]


def measures(results: Results, table: pd.DataFrame, dataset: str) -> list[tuple[str, str]]:
    """The (metric, reference) of a dataset that the page ranks by, the primary one first."""
    primary = results.study["datasets"][dataset]["primary"]
    main = (primary["metric"], primary["reference"])
    found = table[table["dataset"] == dataset][["metric", "reference"]]
    others = dict.fromkeys(found.itertuples(index=False, name=None))
    return [
        main,
        *(each for each in others if each != main and _worth_a_board(*each)),
    ]


def _worth_a_board(metric: str, reference: str) -> bool:
    return reference != "train" or base_name(metric) in MEMORISING


def board(
    results: Results,
    summary: pd.DataFrame,
    published: Published,
    dataset: str,
    measure: tuple[str, str],
) -> dict[str, Any]:
    """The rows of one dataset by one metric, best first."""
    metric, reference = measure
    better = METRICS[base_name(metric)].better
    mine = select(summary, dataset=dataset, metric=metric, reference=reference)
    mine = mine.set_index("variant")
    rows = [_row(results, mine, dataset, variant) for variant in results.variants]
    sign = -1 if better == "higher" else 1
    rows.sort(key=lambda row: (row["mean"] is None, sign * (row["mean"] or 0)))
    beside = [
        {**each, "index": results.variants.index(each["variant"])}
        for each in published
        if each["laid_beside"] and (each["dataset"], each["metric"]) == (dataset, metric)
        if reference == "held_out"
    ]
    floor = results.floor(dataset, metric, reference)
    seen = [value for row in rows for value in row["seeds"]]
    seen += [row[end] for row in rows for end in ("low", "high")]
    seen += [floor, *(each["mean"] for each in beside)]
    seen = [each for each in seen if each is not None]
    primary = results.study["datasets"][dataset]["primary"]
    return {
        "dataset": dataset,
        "metric": metric,
        "reference": reference,
        "measure": named(metric, reference),
        "primary": measure == (primary["metric"], primary["reference"]),
        "title": METRICS[base_name(metric)].title,
        "better": better,
        "rows": rows,
        "floor": floor,
        "published": beside,
        "low": min(seen, default=0.0),
        "high": max(seen, default=1.0),
        "samples": _sample_count(results, dataset),
        "unequal": _unequal(rows),
    }


def named(metric: str, reference: str) -> str:
    """A metric with its reference, where it has one: FD-classifier against held_out."""
    return metric if reference == "none" else f"{metric} against {reference}"


def _row(results: Results, mine: pd.DataFrame, dataset: str, variant: str) -> dict[str, Any]:
    runs = results.runs.query("dataset == @dataset and variant == @variant")
    missing = sum(run[:2] == (dataset, variant) for run in absent(results))
    row = {
        "variant": variant,
        "index": results.variants.index(variant),
        "of": len(runs) + missing,
        "diverged": int((runs["status"] == "diverged").sum()),
        "missing": missing,
        "seconds": float(runs["seconds"].median()),
        **budget(runs, results.study["runs"][dataset][variant]),
    }
    if variant not in mine.index or pd.isna(mine.loc[variant, "mean"]):
        return row | _NOTHING | {"failed": len(runs)}
    found = mine.loc[variant]
    value, around = interval(found["mean"], found["ci_low"], found["ci_high"])
    return row | {
        "mean": float(found["mean"]),
        "low": _number(found["ci_low"]),
        "high": _number(found["ci_high"]),
        "value": value,
        "interval": around,
        "best": float(found["best_mean"]),
        "seeds": [each for each in map(float, found["values"].split()) if isfinite(each)],
        "n": int(found["n"]),
        "failed": int(found["failed"]),
    }


_NOTHING = {"mean": None, "low": None, "high": None, "value": "–", "interval": ""}
_NOTHING |= {"best": None, "seeds": [], "n": 0}


def _number(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


def budget(runs: pd.DataFrame, parameters: dict[str, Any]) -> dict[str, Any]:
    """What completed runs of a variant used of each budget, and their FLOPs in words."""
    completed = runs[runs["status"] == "completed"]
    work = [run.step * run.flops["step"] for run in completed.itertuples()]
    return {
        "budget": {
            "D updates": _spent(completed, parameters["discriminator_steps"]),
            "G updates": _spent(completed, 1),
            "images": _spent(completed, images_per_step(parameters)),
        },
        "flops": float(pd.Series(work, dtype=float).median()) if work else None,
        "work": operations(pd.Series(work, dtype=float).median()) if work else "–",
    }


def _spent(completed: pd.DataFrame, each_step: int) -> dict[str, Any]:
    """What runs used of a budget, and in words: a range where some stopped early."""
    steps = completed["step"] * each_step
    if not len(steps):
        return {"most": 0, "shown": "–"}
    low, high = int(steps.min()), int(steps.max())
    return {"most": high, "shown": f"{high:,}" if low == high else f"{low:,} to {high:,}"}


def _unequal(rows: list[dict[str, Any]]) -> list[str]:
    """The budgets of which variants used different amounts."""
    return [
        unit
        for unit in ("D updates", "G updates", "images")
        if len({row["budget"][unit]["shown"] for row in rows if row["n"]}) > 1
    ]


def _sample_count(results: Results, dataset: str) -> int:
    floors = results.floors[results.floors["dataset"] == dataset]
    return int(floors["n"].iloc[0]) if len(floors) else 0


def refused(published: Published) -> list[dict[str, Any]]:
    """Published numbers that are not shown, each reason once, with whom it keeps out."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for each in published:
        if not each["laid_beside"]:
            place = (each["source"], each["dataset"], *each["mismatches"])
            entry = found.setdefault(place, {**each, "variants": []})
            entry["variants"].append(f"{each['variant']} {number(each['mean'])}")
    return list(found.values())

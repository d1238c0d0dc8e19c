"""The leaderboard: one row a variant, best first, above what real samples score."""

from typing import Any

import pandas as pd

from ganbench.budget import images_per_step
from ganbench.metrics import DEFINITIONS, base
from ganbench.report.numbers import interval
from ganbench.report.results import Results


def leaderboard(results: Results, summary: pd.DataFrame, dataset: str) -> dict[str, Any]:
    """The rows of one dataset's leaderboard, best first by its primary metric."""
    primary = results.study["datasets"][dataset]["primary"]
    shown = summary[(summary["dataset"] == dataset) & (summary["reference"] != "train")]
    measures = list(dict.fromkeys(zip(shown["metric"], shown["reference"], strict=True)))
    main = (primary["metric"], primary["reference"])
    measures = [main, *(each for each in measures if each != main)]
    rows = [_row(results, shown, dataset, variant, measures) for variant in results.variants]
    sign = -1 if DEFINITIONS[base(main[0])].better == "higher" else 1
    rows.sort(
        key=lambda row: (row["cells"][0]["mean"] is None, sign * (row["cells"][0]["mean"] or 0))
    )
    floors = [results.floor(dataset, *measure) for measure in measures]
    seeds = [value for row in rows for value in row["seeds"]]
    bounds = [*seeds, *(floors[:1] if floors[0] is not None else [])]
    return {
        "dataset": dataset,
        "primary": primary,
        "measures": [
            {"metric": metric, "reference": reference, **_described(metric)}
            for metric, reference in measures
        ],
        "rows": rows,
        "floors": floors,
        "low": min(bounds, default=0.0),
        "high": max(bounds, default=1.0),
        "samples": _sample_count(results, dataset),
        "unequal": [
            unit
            for unit in ("D updates", "G updates", "images")
            if len({row["budget"][unit]["shown"] for row in rows if row["n"]}) > 1
        ],
    }


def _row(
    results: Results, shown: pd.DataFrame, dataset: str, variant: str, measures: list
) -> dict[str, Any]:
    runs = results.runs.query("dataset == @dataset and variant == @variant")
    found = shown[shown["variant"] == variant].set_index(["metric", "reference"])
    parameters = results.study["runs"][dataset][variant]
    return {
        "variant": variant,
        "index": results.variants.index(variant),
        "cells": [
            _cell(found.loc[measure]) if measure in found.index else _EMPTY for measure in measures
        ],
        "seeds": _final_values(results, runs, measures[0]),
        "n": int((runs["status"] == "completed").sum()),
        "failed": int((runs["status"] != "completed").sum()),
        "budget": {
            "D updates": _spent(runs, parameters["discriminator_steps"]),
            "G updates": _spent(runs, 1),
            "images": _spent(runs, images_per_step(parameters)),
        },
        "seconds": float(runs["seconds"].median()),
    }


def _spent(runs: pd.DataFrame, each_step: int) -> dict[str, Any]:
    """What completed runs used of a budget, and in words: a range where some stopped early."""
    steps = runs[runs["status"] == "completed"]["step"] * each_step
    if not len(steps):
        return {"most": 0, "shown": "–"}
    low, high = int(steps.min()), int(steps.max())
    return {"most": high, "shown": f"{high:,}" if low == high else f"{low:,} to {high:,}"}


_EMPTY = {"mean": None, "value": "–", "interval": ""}


def _cell(row: pd.Series) -> dict[str, float | str | None]:
    if pd.isna(row["mean"]):
        return _EMPTY
    value, around = interval(row["mean"], row["ci_low"], row["ci_high"])
    return {"mean": float(row["mean"]), "value": value, "interval": around}


def _final_values(results: Results, runs: pd.DataFrame, measure: tuple[str, str]) -> list[float]:
    final = runs[runs["status"] == "completed"][["dataset", "variant", "seed", "step"]]
    scores = results.scores.merge(final, on=["dataset", "variant", "seed", "step"])
    found = scores[(scores["metric"] == measure[0]) & (scores["reference"] == measure[1])]
    return found["value"].dropna().tolist()


def _described(metric: str) -> dict[str, str]:
    definition = DEFINITIONS[base(metric)]
    return {"title": definition.title, "better": definition.better}


def _sample_count(results: Results, dataset: str) -> int:
    floors = results.floors[results.floors["dataset"] == dataset]
    return int(floors["n"].iloc[0]) if len(floors) else 0

"""Effects of a grid's factors on the page: a table in words for each dataset and measure."""

from typing import Any

import pandas as pd

from ganbench.catalogue.metrics import METRICS, base_name
from ganbench.evidence.final_scores import select
from ganbench.report.measures import describe_measure, list_measures, primary_measure
from ganbench.report.results import Results
from ganbench.wording import interval, is_missing, number

CROSS = " × "
"""What joins two factors of an interaction, and their levels, in factors.csv."""


def describe_factors(results: Results, effects: pd.DataFrame) -> list[dict[str, Any]]:
    """A table for each dataset and measure that has effects, the primary measure's first.

    Each has the rows of main effects and of interactions, in the order of factors.csv.
    """
    tables = []
    for dataset in results.datasets:
        for metric, reference in list_measures(results, effects, dataset):
            rows = select(effects, dataset=dataset, metric=metric, reference=reference)
            if len(rows):
                described = [_describe_row(row) for row in rows.itertuples()]
                table = {
                    "dataset": dataset,
                    "metric": metric,
                    "measure": describe_measure(metric, reference),
                    "better": METRICS[base_name(metric)].better,
                    "primary": (metric, reference) == primary_measure(results, dataset),
                    "is_ratio": rows["scale"].iloc[0] == "log",
                    "main": [row for row in described if not row["is_interaction"]],
                    "interactions": [row for row in described if row["is_interaction"]],
                }
                tables.append(table)
    return tables


def _describe_row(row: Any) -> dict[str, Any]:
    text, around = _describe_effect(row)
    return {
        "is_interaction": CROSS in row.factor,
        "factor": row.factor,
        "level": row.level,
        "against": row.against,
        "effect": None if is_missing(row.effect) else float(row.effect),
        "effect_text": text,
        "interval": around,
        "kind": _judge(row),
        "p_value": None if is_missing(row.p_value) else float(row.p_value),
        "cells": int(row.cells),
        "seeds": int(row.seeds),
        "failed": int(row.failed),
        "failed_against": int(row.failed_against),
    }


def _describe_effect(row: Any) -> tuple[str, str]:
    """The effect with its interval: a ratio as ×0.82, a difference with its sign."""
    text, around = interval(row.effect, row.ci_low, row.ci_high)
    if is_missing(row.effect):
        return text, ""
    if row.scale == "log":
        return f"×{text}" if around else f"×{number(row.effect)}", around
    return text if row.effect <= 0 else f"+{text}", around


def _judge(row: Any) -> str:
    """`better` or `worse` where the interval of a main effect excludes no effect, else empty."""
    neutral = 1.0 if row.scale == "log" else 0.0
    if CROSS in row.factor or is_missing(row.ci_low) or row.ci_low <= neutral <= row.ci_high:
        return ""
    is_lower = row.effect < neutral
    return "better" if is_lower == (METRICS[base_name(row.metric)].better == "lower") else "worse"

"""Differences between variants: every pair in a matrix, and each variant against the baseline."""

from typing import Any

import pandas as pd

from ganbench.catalogue.metrics import METRICS, base_name
from ganbench.evidence.final_scores import select
from ganbench.evidence.verdict import VerdictKind
from ganbench.report.measures import describe_measure, list_measures, primary_measure
from ganbench.report.results import Results
from ganbench.wording import interval, p_equals

SIGNS = {
    VerdictKind.BETTER: "▲",
    VerdictKind.WORSE: "▼",
    VerdictKind.NO_DIFFERENCE: "=",
    VerdictKind.CANNOT_TELL: "?",
}
"""The sign of a verdict in a cell, for readers who cannot see the cell's colour."""


def build_matrices(results: Results, pairs: pd.DataFrame) -> list[dict[str, Any]]:
    """One matrix for each dataset and measure that has pairs, the primary measure's first."""
    matrices = []
    for dataset in results.datasets:
        for metric, reference in list_measures(results, pairs, dataset):
            rows = select(pairs, dataset=dataset, metric=metric, reference=reference)
            if len(rows):
                matrix = {
                    "dataset": dataset,
                    "metric": metric,
                    "measure": describe_measure(metric, reference),
                    "better": METRICS[base_name(metric)].better,
                    "primary": (metric, reference) == primary_measure(results, dataset),
                    "rows": _build_rows(results, rows),
                }
                matrices.append(matrix)
    return matrices


def _build_rows(results: Results, pairs: pd.DataFrame) -> list[dict[str, Any]]:
    """Each variant's differences from all others; None on the diagonal."""
    by_pair = {(row.variant, row.baseline): row for row in pairs.itertuples()}
    return [
        {
            "variant": variant,
            "index": index,
            "cells": [_build_cell(by_pair, variant, other) for other in results.variants],
        }
        for index, variant in enumerate(results.variants)
    ]


def _build_cell(
    by_pair: dict[tuple[str, str], Any], variant: str, other: str
) -> dict[str, Any] | None:
    """Row minus column. The table has each pair once; the matrix has it twice, mirrored."""
    if variant == other:
        return None
    row, sign = by_pair.get((variant, other)), 1
    if row is None:
        row, sign = by_pair.get((other, variant)), -1
    if row is None or pd.isna(row.difference):
        return {"kind": "missing", "value": "–", "sign": "", "tooltip": "no shared seed"}
    verdict = row.verdict if sign > 0 else row.verdict.swapped()
    low, high = sorted((sign * row.ci_low, sign * row.ci_high))
    value, around = interval(sign * row.difference, low, high)
    tooltip = verdict.words
    if around:
        tooltip += f"; interval {around}; p {p_equals(row.p_adjusted)} after Holm’s correction"
    return {
        "kind": verdict.kind.replace(" ", "-"),
        "value": value,
        "sign": SIGNS[verdict.kind],
        "tooltip": tooltip,
    }


def build_comparison_rows(results: Results, comparisons: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of the table of comparisons with the baseline, the primary measures' first."""
    records = comparisons.astype(object).where(comparisons.notna(), None).to_dict("records")
    rows = []
    for record in records:
        dataset, measure = record["dataset"], (record["metric"], record["reference"])
        if measure in list_measures(results, comparisons, dataset):
            difference, around = interval(record["difference"], record["ci_low"], record["ci_high"])
            row = {
                "primary": measure == primary_measure(results, dataset),
                "index": results.variants.index(record["variant"]),
                "measure": describe_measure(*measure),
                "kind": record["verdict"].kind,
                "difference_text": difference,
                "interval": around,
            }
            rows.append(record | row)
    return sorted(rows, key=lambda row: not row["primary"])

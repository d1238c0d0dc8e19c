"""Differences between variants: every pair in a matrix, and the contrasts of the study."""

from typing import Any

import pandas as pd

from ganbench.catalogue.metrics import METRICS, base_name
from ganbench.evidence.comparisons import DECLARED
from ganbench.evidence.final_scores import select
from ganbench.evidence.verdict import Verdict, VerdictKind
from ganbench.report.measures import describe_measure, list_measures, primary_measure
from ganbench.report.results import Results
from ganbench.wording import interval, p_equals

SIGNS = {
    VerdictKind.BETTER: "▲",
    VerdictKind.WORSE: "▼",
    VerdictKind.HIGHER: "▲",
    VerdictKind.LOWER: "▼",
    VerdictKind.EQUIVALENT: "≈",
    VerdictKind.SUGGESTIVE: "~",
    VerdictKind.INCONCLUSIVE: "?",
}
"""The sign of a verdict in a cell, for readers who cannot see the cell's colour."""


MOST_CELLS = 6_000
"""Cells of all matrices of a page; if there are more, only primary measures have rows."""


def build_matrices(results: Results, pairs: pd.DataFrame) -> list[dict[str, Any]]:
    """One matrix for each dataset and measure that has pairs, the primary measure's first.

    It has no rows where it is left to pairs.csv.
    """
    cells = 2 * sum(
        len(select(pairs, dataset=dataset, metric=metric, reference=reference))
        for dataset in results.datasets
        for metric, reference in list_measures(results, pairs, dataset)
    )
    matrices = []
    for dataset in results.datasets:
        for metric, reference in list_measures(results, pairs, dataset):
            rows = select(pairs, dataset=dataset, metric=metric, reference=reference)
            if len(rows):
                primary = (metric, reference) == primary_measure(results, dataset)
                is_shown = primary or cells <= MOST_CELLS
                matrix = {
                    "dataset": dataset,
                    "metric": metric,
                    "measure": describe_measure(metric, reference),
                    "better": METRICS[base_name(metric)].better,
                    "primary": primary,
                    "rows": _build_rows(results, rows, dataset) if is_shown else [],
                }
                matrices.append(matrix)
    return matrices


def _build_rows(results: Results, pairs: pd.DataFrame, dataset: str) -> list[dict[str, Any]]:
    """Each variant's differences from all others; None on the diagonal."""
    by_pair = {(row.variant, row.baseline): row for row in pairs.itertuples()}
    variants = results.variants_on(dataset)
    return [
        {
            "variant": variant,
            "index": results.variants.index(variant),
            "cells": [_build_cell(by_pair, variant, other) for other in variants],
        }
        for variant in variants
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
    verdict = None if row is None else row.verdict if sign > 0 else row.verdict.swapped()
    if verdict is None or (pd.isna(row.difference) and not verdict.is_decided):
        return {"kind": "missing", "value": "–", "sign": "", "tooltip": "nothing to compare"}
    return {
        "kind": str(verdict.kind),
        "value": _describe_difference(row, sign)[0],
        "sign": SIGNS[verdict.kind],
        "tooltip": _describe_tests(row, sign, verdict),
    }


def _describe_difference(row: Any, sign: int) -> tuple[str, str]:
    """The difference with its simultaneous interval, as far as there is one."""
    low, high = sorted((sign * row.simultaneous_low, sign * row.simultaneous_high))
    return interval(sign * row.difference, low, high)


def _describe_tests(row: Any, sign: int, verdict: Verdict) -> str:
    """The text over a cell: verdict, role, interval, failures and p-value."""
    parts = [str(verdict), row.role]
    if around := _describe_difference(row, sign)[1]:
        parts.append(f"interval {around}")
    if row.failed_variant + row.failed_baseline:
        sides = (row.failed_variant, row.failed_baseline)[::sign]
        parts.append(f"failed {sides[0]} against {sides[1]}")
    if not pd.isna(row.p_adjusted):
        parts.append(f"p {p_equals(row.p_adjusted)} after correction")
    return "; ".join(parts)


def build_comparison_rows(results: Results, comparisons: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of the table of contrasts, the declared ones first."""
    records = comparisons.astype(object).where(comparisons.notna(), None).to_dict("records")
    shown = {name: set(list_measures(results, comparisons, name)) for name in results.datasets}
    rows = []
    for record in records:
        measure = record["metric"], record["reference"]
        if measure in shown[record["dataset"]]:
            limits = record["simultaneous_low"], record["simultaneous_high"]
            difference, around = interval(record["difference"], *limits)
            row = {
                "declared": record["role"] == DECLARED,
                "index": results.variants.index(record["variant"]),
                "measure": describe_measure(*measure),
                "kind": str(record["verdict"].kind),
                "difference_text": difference,
                "interval": around,
            }
            rows.append(record | row)
    return sorted(rows, key=lambda row: not row["declared"])

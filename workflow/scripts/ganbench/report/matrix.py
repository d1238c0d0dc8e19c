"""Differences between variants: every pair as a matrix, and each against the baseline."""

from typing import Any

import pandas as pd

from ganbench.evidence.final_scores import select
from ganbench.evidence.verdict import VerdictKind
from ganbench.report.leaderboard import measures, named
from ganbench.report.results import Results
from ganbench.wording import interval, p_value

SIGNS = {
    VerdictKind.BETTER: "▲",
    VerdictKind.WORSE: "▼",
    VerdictKind.NO_DIFFERENCE: "=",
    VerdictKind.CANNOT_TELL: "?",
}
"""What stands in a cell beside its colour, for those who do not see it."""


def matrices(results: Results, pairs: pd.DataFrame) -> list[dict[str, Any]]:
    """One matrix for each dataset and metric that has pairs, the primary metric's first."""
    found = []
    for dataset in results.datasets:
        for metric, reference in measures(results, pairs, dataset):
            mine = select(pairs, dataset=dataset, metric=metric, reference=reference)
            if len(mine):
                primary = results.study["datasets"][dataset]["primary"]
                found.append(
                    {
                        "dataset": dataset,
                        "metric": metric,
                        "reference": reference,
                        "measure": named(metric, reference),
                        "primary": (metric, reference) == (primary["metric"], primary["reference"]),
                        "rows": _rows(results, mine),
                    }
                )
    return found


def _rows(results: Results, pairs: pd.DataFrame) -> list[dict[str, Any]]:
    """Each variant's differences from all others; None on the diagonal."""
    by_pair = {(row.variant, row.baseline): row for row in pairs.itertuples()}
    return [
        {
            "variant": variant,
            "index": index,
            "cells": [_cell(by_pair, variant, other) for other in results.variants],
        }
        for index, variant in enumerate(results.variants)
    ]


def _cell(by_pair: dict[tuple[str, str], Any], variant: str, other: str) -> dict[str, Any] | None:
    """Row minus column; a pair stands once in the table and twice, mirrored, in the matrix."""
    if variant == other:
        return None
    row, sign = by_pair.get((variant, other)), 1
    if row is None:
        row, sign = by_pair.get((other, variant)), -1
    if row is None or pd.isna(row.difference):
        return {"kind": "missing", "value": "–", "sign": "", "said": "no seed that both completed"}
    verdict = row.verdict if sign > 0 else row.verdict.swapped()
    low, high = sorted((sign * row.ci_low, sign * row.ci_high))
    value, around = interval(sign * row.difference, low, high)
    said = [f"interval {around}", f"p {p_value(row.p_adjusted)} after Holm"] if around else []
    return {
        "kind": verdict.kind.replace(" ", "-"),
        "value": value,
        "sign": SIGNS[verdict.kind],
        "said": "; ".join([str(verdict), *said]),
    }


def comparison_rows(results: Results, comparisons: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of the table of comparisons with the baseline, for the template."""
    rows = comparisons.astype(object).where(comparisons.notna(), None).to_dict("records")
    shown = []
    for row in rows:
        if (row["metric"], row["reference"]) not in measures(results, comparisons, row["dataset"]):
            continue
        primary = results.study["datasets"][row["dataset"]]["primary"]
        row["primary"] = (row["metric"], row["reference"]) == tuple(
            primary[key] for key in ("metric", "reference")
        )
        row["index"] = results.variants.index(row["variant"])
        row["measure"] = named(row["metric"], row["reference"])
        row["kind"] = row["verdict"].kind
        row["shown"], row["interval"] = interval(row["difference"], row["ci_low"], row["ci_high"])
        shown.append(row)
    return sorted(shown, key=lambda row: not row["primary"])

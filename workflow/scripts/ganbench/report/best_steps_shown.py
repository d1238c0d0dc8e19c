"""The best snapshot of each run by the primary metric, as the page shows it."""

from collections import Counter
from typing import Any

import pandas as pd

from ganbench.evidence.final_scores import select
from ganbench.report.measures import describe_measure, primary_measure
from ganbench.report.results import Results
from ganbench.wording import count as number_of


def describe_best_steps(results: Results, table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """By dataset, a row for each variant, from the rows of `best_steps.csv` by the primary metric.

    `steps` says after how many steps the best snapshots of its runs were taken; `best` and `last`
    are medians over runs, and `ended_best` counts the runs whose last snapshot was their best. A
    dataset whose runs have only one snapshot each is left out, as there is nothing to choose from.
    """
    described = {}
    several = results.scores.groupby("dataset")["step"].nunique() > 1
    for dataset in results.datasets:
        metric, _ = primary_measure(results, dataset)
        rows = select(table, dataset=dataset, metric=metric)
        if len(rows) and several.get(dataset):
            first = rows.iloc[0]
            described[dataset] = {
                "measure": describe_measure(metric, first["reference"]),
                "chosen_on": first["chosen_on"],
                "rows": [
                    _summarise(results, variant, own)
                    for variant, own in rows.groupby("variant", sort=False)
                ],
            }
    return described


def _summarise(results: Results, variant: str, rows: pd.DataFrame) -> dict[str, Any]:
    counts = Counter(rows["best_step"].tolist())
    return {
        "variant": variant,
        "index": results.variants.index(variant),
        "steps": "; ".join(
            f"{step:,} ({number_of(times, 'run')})" for step, times in sorted(counts.items())
        ),
        "best": float(rows["value"].median()),
        "last": float(rows["last_value"].median()),
        "ended_best": int((rows["best_step"] == rows["last_step"]).sum()),
        "runs": len(rows),
    }

"""How often runs fail: the share that diverged, and of the others the share that collapsed."""

import numpy as np
import pandas as pd

from ganbench.evidence.finals import Values, final_values
from ganbench.evidence.measures import Measure, places
from ganbench.evidence.proportions import wilson
from ganbench.metrics import base

RATE_COLUMNS = ["dataset", "variant", "outcome", "n", "count", "rate", "ci_low", "ci_high"]

MOST_COLLAPSED_MODES = 1
"""Points count as collapsed when they cover this many modes or fewer."""


def failure_rates(
    scores: pd.DataFrame,
    runs: pd.DataFrame,
    collapse_recall: float = 0.05,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Two rows per dataset and variant, with Wilson intervals: the columns of `rates.csv`.

    `diverged` is a share of all runs. `collapsed` is a share of the completed runs in which
    collapse shows: on images those whose last snapshot has recall against `held_out`, collapsed
    below `collapse_recall`; on points those with a count of modes, collapsed at one or none.
    Without such runs `n` is 0 and the rate unknown. Both thresholds are declared before training.
    """
    values = final_values(scores, runs)
    diverged = runs.assign(count=runs["status"] == "diverged")
    counts = diverged.groupby(["dataset", "variant"])["count"].sum()
    rows = []
    for dataset, measures, variants in places(scores, runs):
        for variant, seeds in variants.items():
            collapsed = _collapsed(values, dataset, variant, measures, collapse_recall)
            for outcome, count, n in (
                ("diverged", int(counts[dataset, variant]), len(seeds)),
                ("collapsed", int(np.sum(collapsed)), len(collapsed)),
            ):
                row = (dataset, variant, outcome, n, count)
                rows.append((*row, *wilson(count, n, confidence)))
    return pd.DataFrame(rows, columns=RATE_COLUMNS)


def _collapsed(
    values: Values, dataset: str, variant: str, measures: list[Measure], collapse_recall: float
) -> list[bool]:
    """Whether each run collapsed, for the completed runs in which this shows."""
    found: list[bool] = []
    for metric, reference in measures:
        finals = values[dataset, variant, metric, reference].values()
        if base(metric) == "recall" and reference == "held_out":
            found += [value < collapse_recall for value in finals]
        elif base(metric) == "modes":
            found += [value <= MOST_COLLAPSED_MODES for value in finals]
    return found

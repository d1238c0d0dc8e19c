"""Measures, which are metrics with their references: the ones on the page, and their names."""

from collections.abc import Iterable
from math import isfinite

import pandas as pd

from ganbench.catalogue.metrics import METRICS, base_name
from ganbench.evidence.final_scores import select
from ganbench.evidence.scales import choose_scale
from ganbench.report.results import Results

_ONLY_AGAINST_TRAIN = ("memorisation", "copies")
"""The metrics whose titles name the training images."""

SHOWN_AGAINST_TRAIN = ("FD", *_ONLY_AGAINST_TRAIN)
"""The metrics against `train` that reveal memorised samples; the others are left to the CSV."""

HIDDEN = ("FD_infinity_error",)
"""The metrics that qualify another one; they are left to the CSV."""

LOG_SPAN = 10.0
"""Scores on a logarithmic scale that differ by more than this factor have a logarithmic axis."""

_REFERENCES = {"train": "training images", "held_out": "held-out images"}


def list_measures(results: Results, table: pd.DataFrame, dataset: str) -> list[tuple[str, str]]:
    """The (metric, reference) pairs that the page ranks a dataset by, the primary one first."""
    primary = primary_measure(results, dataset)
    rows = table[table["dataset"] == dataset][["metric", "reference"]]
    others = dict.fromkeys(rows.itertuples(index=False, name=None))
    others.pop(primary, None)
    return [
        primary,
        *(
            (metric, reference)
            for metric, reference in others
            if reference != "train" or base_name(metric) in SHOWN_AGAINST_TRAIN
            if base_name(metric) not in HIDDEN
        ),
    ]


def spans_powers(metric: str, scores: Iterable[float]) -> bool:
    """Whether a linear axis would show little but the largest of these scores."""
    finite = [score for score in scores if isfinite(score)]
    is_log = choose_scale(metric, finite).name == "log"
    return is_log and len(finite) > 0 and max(finite) > LOG_SPAN * min(finite)


def final_means(
    summary: pd.DataFrame, dataset: str, metric: str, reference: str
) -> dict[str, float]:
    """The mean final score of each variant that has one."""
    rows = select(summary, dataset=dataset, metric=metric, reference=reference)
    means = zip(rows["variant"], rows["mean"].astype(float), strict=True)
    return {variant: mean for variant, mean in means if isfinite(mean)}


def primary_measure(results: Results, dataset: str) -> tuple[str, str]:
    """The (metric, reference) that a dataset's variants are compared by."""
    primary = results.study["datasets"][dataset]["primary"]
    return primary["metric"], primary["reference"]


def column_heading(metric: str, reference: str) -> str:
    """A measure in a LaTeX table, by its names in the CSV files: FD-classifier against held_out."""
    return metric if reference == "none" else f"{metric} against {reference}"


def describe_measure(metric: str, reference: str) -> str:
    """A measure in words, without its extractor: Fréchet distance against held-out images."""
    return METRICS[base_name(metric)].title + describe_reference(metric, reference)


def describe_metric(metric: str) -> str:
    """A metric in words, with its extractor if it has one: Fréchet distance (FD-classifier)."""
    definition = METRICS[base_name(metric)]
    return f"{definition.title} ({metric})" if definition.of == "images" else definition.title


def describe_reference(metric: str, reference: str) -> str:
    """The real images of a measure as they follow its name: " against held-out images", or ""."""
    if reference == "none" or base_name(metric) in _ONLY_AGAINST_TRAIN:
        return ""
    return f" against {_REFERENCES[reference]}"

"""Curves over training: every seed, their mean, and what surrounds them."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ganbench.report.figures.drawing import colour, dash, mark_variant
from ganbench.report.figures.svg import INK
from ganbench.report.results import Results

OUTLIERS, FARTHER = 0.005, 8.0
"""This share of values at either end may be left out of view, if they lie so many times as far out
as the others."""

THIN = {"lw": 0.6, "alpha": 0.65}
THICK = {"lw": 2.0}
BESIDE = {"lw": 1.2, "linestyle": (0, (6, 2, 1, 2))}


def seeds_and_mean(
    axes: Axes,
    results: Results,
    table: pd.DataFrame,
    column: str,
    *,
    budget: str = "images",
    aside: pd.DataFrame | None = None,
) -> dict[int, str]:
    """Draws `column` of `table` over `budget`: every seed, and the mean of completed runs.

    Of `aside` it draws only the mean. Says whose lines there are.
    """
    shown, completed = {}, _completed(results, table)
    beside = table[:0] if aside is None else _completed(results, aside)
    for index, variant in enumerate(results.variants):
        found, whole, other = (
            each[each["variant"] == variant] for each in (table, completed, beside)
        )
        if not len(found):
            continue
        before = len(axes.lines)
        style = {"color": colour(index), "linestyle": dash(index)}
        for _, seed in found.groupby("seed", sort=False):
            axes.plot(seed[budget], seed[column], **style | THIN)
        for each, line in ((whole, THICK), (other, BESIDE)):
            if len(each):
                mean = each.groupby("step")[[budget, column]].mean()
                axes.plot(mean[budget], mean[column], **style | line)
        mark_variant(axes, before, index)
        shown[index] = variant
    return shown


def _completed(results: Results, table: pd.DataFrame) -> pd.DataFrame:
    """The rows of completed runs: tables average over them, and so do figures."""
    completed = results.runs[results.runs["status"] == "completed"]
    return table.merge(completed[["dataset", "variant", "seed"]])


def keep_in_view(axes: Axes, values: pd.Series) -> str:
    """Keeps a few extreme values from flattening all others; says so in a sentence."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return ""
    low, high = finite.quantile([OUTLIERS, 1 - OUTLIERS])
    if finite.max() - finite.min() <= FARTHER * (high - low) or high == low:
        return ""
    margin = 0.1 * (high - low)
    axes.set_ylim(low - margin, high + margin)
    outside = int(((finite < low - margin) | (finite > high + margin)).sum())
    return f" {outside} of {len(finite):,} values lie outside the axis."


def level(axes: Axes, value: float, label: str) -> None:
    """A dotted line across, with its label above the right end."""
    axes.axhline(value, color=INK, linestyle=":", lw=1)
    axes.annotate(
        label,
        (1, value),
        xytext=(0, 1.5),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=8,
        gid=f"label-{label}",
    )


def mark_diverged(axes: Axes, results: Results, history: pd.DataFrame, column: str) -> None:
    """A cross at the last finite value of every run that diverged."""
    diverged = results.runs[results.runs["status"] == "diverged"]
    low, high = axes.get_ylim()
    for run in diverged.itertuples():
        mine = history[(history["variant"] == run.variant) & (history["seed"] == run.seed)]
        last = mine[(mine["dataset"] == run.dataset) & np.isfinite(mine[column])].tail(1)
        if len(last):
            index, before = results.variants.index(run.variant), len(axes.lines)
            at = np.clip(last[column], low, high)
            axes.plot(last["images"], at, "x", color=colour(index), ms=7, mew=2, clip_on=False)
            mark_variant(axes, before, index)

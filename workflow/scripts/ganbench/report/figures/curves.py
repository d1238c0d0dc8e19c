"""Curves over training: every seed, the mean of seeds, reference lines and marks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator
from scipy.optimize import isotonic_regression

from ganbench.evidence.scales import IDENTITY, Scale
from ganbench.report.figures.drawing import choose_colour, choose_dash, mark_variant
from ganbench.report.figures.equilibrium_levels import Level
from ganbench.report.figures.svg import INK
from ganbench.report.results import Results

OUTLIERS, FARTHER = 0.005, 8.0
"""The axis leaves out this share of values at either end if they would make it longer by more than
this factor."""

MANY_RUNS = 400
"""Of a study of more runs, the files of all but the main figures show means only."""

SEEDS = "seeds"
"""What marks the line of all seeds of a variant."""

AXES_SHARE = 0.78
"""The share of a figure's height that its axes take."""

LEVEL_LINE = 0.13
"""Inches from the label of a level to the next one."""

THIN = {"lw": 0.6}
THICK = {"lw": 2.0}
DASH_DOTTED = {"lw": 1.2, "linestyle": (0, (6, 2, 1, 2))}


@dataclass(frozen=True)
class Curves:
    """The lines of some axes with the rows that they show, and their variants by place."""

    variants: dict[int, str]
    lines: list[tuple[pd.DataFrame, Line2D]]

    def move(self, axes: Axes, budget: str) -> None:
        """Draws the same lines over another budget, a column of their rows."""
        for rows, line in self.lines:
            line.set_xdata(rows[budget].to_numpy())
        axes.relim()
        axes.autoscale_view(scaley=False)


def draw_seeds_and_mean(
    axes: Axes,
    results: Results,
    table: pd.DataFrame,
    column: str,
    *,
    budgets: Sequence[str] = ("generator_steps",),
    other: pd.DataFrame | None = None,
    seeds: bool = True,
    scale: Scale = IDENTITY,
) -> Curves:
    """Draws `column` of `table` over the first budget: every seed, and the mean of completed runs.

    Of the table `other`, which has the same columns, it draws only the mean; without `seeds`, of
    both. The mean is taken on `scale`: by default it is arithmetic.
    """
    variants, lines = {}, []
    columns = [*budgets, column]
    runs_by_variant = {name: rows for name, rows in table.groupby("variant", sort=False)}
    averaged = [
        _average_by_variant(results, runs, columns, scale)
        for runs in (table, other)
        if runs is not None
    ]
    for index, variant in enumerate(results.variants):
        if variant not in runs_by_variant:
            continue
        style = {"color": choose_colour(index), "linestyle": choose_dash(index)}
        before = len(axes.lines)
        if seeds:
            joined = _join_seeds(runs_by_variant[variant], columns)
            lines += [(joined, _draw_line(axes, joined, budgets[0], column, style | THIN))]
            mark_variant(axes, before, index, SEEDS)
        before = len(axes.lines)
        for means, mean_style in zip(averaged, (THICK, DASH_DOTTED), strict=False):
            if variant in means:
                line = _draw_line(axes, means[variant], budgets[0], column, style | mean_style)
                lines += [(means[variant], line)]
        mark_variant(axes, before, index)
        variants[index] = variant
    return Curves(variants, lines)


def _average_by_variant(
    results: Results, table: pd.DataFrame, columns: Sequence[str], scale: Scale
) -> dict[str, pd.DataFrame]:
    """The mean over the completed runs of each variant that has any."""
    completed, column = _select_completed(results, table), columns[-1]
    with np.errstate(divide="ignore"):  # of a gradient that is zero, which has no logarithm
        positions = completed.assign(**{column: scale.to_positions(completed[column].to_numpy())})
    means = average_seeds(positions, columns[:-1], column)
    return {
        variant: rows.assign(**{column: scale.to_values(rows[column].to_numpy())})
        for variant, rows in means.items()
    }


def _join_seeds(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The rows of all seeds with a gap between two: one line in pieces takes a tenth of the time
    of as many lines.
    """
    values, seeds = rows[columns].to_numpy(dtype=float), rows["seed"].to_numpy()
    gaps = np.flatnonzero(seeds[1:] != seeds[:-1]) + 1
    return pd.DataFrame(np.insert(values, gaps, np.nan, axis=0), columns=columns)


def _draw_line(
    axes: Axes, rows: pd.DataFrame, budget: str, column: str, style: dict[str, Any]
) -> Line2D:
    """A line that no layout measures: it lies within the axes."""
    (line,) = axes.plot(rows[budget].to_numpy(), rows[column].to_numpy(), **style)
    line.set_in_layout(False)
    return line


def average_seeds(
    rows: pd.DataFrame, budgets: Sequence[str], column: str
) -> dict[str, pd.DataFrame]:
    """For each variant the mean of `budgets` and `column` over seeds, by step, as far as all got.

    Past the end of a run that stopped early, the mean of the others would jump. A seed that has no
    finite value at all does not count.
    """
    finite = rows[np.isfinite(rows[column])]
    steps = finite.groupby(["variant", "step"])  # of each seed one row or none
    seeds = finite.groupby("variant")["seed"].nunique()
    means = steps[[*budgets, column]].mean()
    means = means[steps.size() == seeds.reindex(means.index, level="variant")]
    by_variant = {name: own.droplevel("variant") for name, own in means.groupby("variant")}
    nothing = means[:0].droplevel("variant")
    return {name: by_variant.get(name, nothing) for name in dict.fromkeys(rows["variant"])}


def _select_completed(results: Results, table: pd.DataFrame) -> pd.DataFrame:
    """The rows of completed runs: tables average over them, and so do figures."""
    completed = results.runs[results.runs["status"] == "completed"]
    return table.merge(completed[["dataset", "variant", "seed"]])


def keep_in_view(axes: Axes, values: pd.Series) -> str:
    """Keeps a few extreme values from flattening all others; returns a sentence that counts them.

    The sentence begins with a space; it is empty if the axis shows everything.
    """
    finite = values[np.isfinite(values)]
    view = find_view(finite.to_numpy())
    if view is None or (view[0] <= finite.min() and view[1] >= finite.max()):
        return ""
    axes.set_ylim(*view)
    outside = int(((finite < view[0]) | (finite > view[1])).sum())
    return f" Outside the axis: {outside} of {len(finite):,} values."


def find_view(finite: np.ndarray) -> tuple[float, float] | None:
    """The range that an axis of these values shows, None if there are none.

    It is that of all values, unless a few at its ends would make it much longer.
    """
    if not len(finite):
        return None
    low, high = np.quantile(finite, [OUTLIERS, 1 - OUTLIERS])
    whole = float(finite.min()), float(finite.max())
    if whole[1] - whole[0] <= FARTHER * (high - low) or high == low:
        return whole
    margin = 0.1 * (high - low)
    return float(low - margin), float(high + margin)


def label_ends(axes: Axes, curves: Curves) -> None:
    """The name of each variant at the right edge, level with the end of its mean, none overlapping.

    The axis must have its final scale and data. Lines from the edge lead to the names.
    """
    axes.set_ylim(axes.get_ylim())  # matplotlib computes limits no sooner than they are asked for
    ends: dict[int, float] = {}
    for line in axes.lines:
        match = re.match(r"variant-(\d+)-line", line.get_gid() or "")
        values = np.asarray(line.get_ydata(), dtype=float)
        values = values[np.isfinite(values)]
        if match and len(values):
            ends.setdefault(int(match[1]), float(np.clip(_find_height(axes, values[-1]), 0, 1)))
    size = min(8.0, 0.85 * axes.figure.get_figheight() * 72 / max(len(ends), 1) / 1.15)
    heights = spread(
        list(ends.values()), 1.15 * size / (axes.figure.get_figheight() * 72 * AXES_SHARE)
    )
    for (index, end), height in zip(ends.items(), heights, strict=True):
        axes.annotate(
            curves.variants[index],
            (1, end),
            xytext=(1.04, height),
            xycoords="axes fraction",
            textcoords="axes fraction",
            va="center",
            fontsize=size,
            gid=f"variant-{index}-end",
            arrowprops={
                "arrowstyle": "-",
                "color": choose_colour(index),
                "lw": 0.8,
                "relpos": (0, 0.5),
                "shrinkA": 1,
                "shrinkB": 0,
                "gid": f"variant-{index}-lead",
            },
        )


def spread(values: Sequence[float], gap: float) -> list[float]:
    """The values moved as little as it takes for two neighbours to be `gap` apart, in their order.

    They stay between 0 and 1 if there is room for all of them.
    """
    if not len(values):
        return []
    order = np.argsort(values, kind="stable")
    steps = gap * np.arange(len(values))
    # without the steps, "at least `gap` apart" is "not decreasing"
    placed = isotonic_regression(np.asarray(values, dtype=float)[order] - steps).x
    result = np.empty(len(values))
    result[order] = np.clip(placed, 0, max(0.0, 1 - steps[-1])) + steps
    return result.tolist()


def set_log_scale(axes: Axes, side: str = "y") -> None:
    """A logarithmic axis with ticks at 1, 2 and 5 of every power of ten."""
    axis = getattr(axes, f"{side}axis")
    axes.set(**{f"{side}scale": "log"})
    axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=12))
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_locator(NullLocator())


def draw_levels(axes: Axes, levels: Sequence[Level], *, on_paper: bool = False) -> None:
    """Dotted horizontal lines, with their labels above the right ends, none overlapping.

    The axis must have its final scale and data. Of a figure that is a file alone, `on_paper`, the
    labels have a white ground, because curves may cross them.
    """
    ground = {"boxstyle": "square,pad=0.1", "fc": "white", "alpha": 0.8, "lw": 0}
    for level in levels:
        axes.axhline(level.value, color=INK, linestyle=":", lw=1)
    axes.set_ylim(axes.get_ylim())
    heights = {
        level.label: _find_height(axes, level.value)
        for level in levels
        if min(axes.get_ylim()) <= level.value <= max(axes.get_ylim())
    }
    gap = LEVEL_LINE / (AXES_SHARE * axes.figure.get_figheight())
    for label, height in zip(heights, spread(list(heights.values()), gap), strict=True):
        axes.annotate(
            label,
            (1, height),
            xytext=(0, 1.5),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=8,
            gid=f"label-{label}",
            bbox=ground if on_paper else None,
        )


def _find_height(axes: Axes, value: float) -> float:
    """Where a value is on the y-axis, as a share of its length."""
    to_height = axes.transData + axes.transAxes.inverted()
    return float(to_height.transform((0, value))[1])


def mark_diverged(axes: Axes, results: Results, history: pd.DataFrame, column: str) -> None:
    """A cross at the last finite value of every run that diverged."""
    low, high = axes.get_ylim()
    finite = history[np.isfinite(history[column])]
    for run in results.runs[results.runs["status"] == "diverged"].itertuples():
        place = (
            (finite["dataset"] == run.dataset)
            & (finite["variant"] == run.variant)
            & (finite["seed"] == run.seed)
        )
        last = finite[place].tail(1)
        if len(last):
            index, lines_before = results.variants.index(run.variant), len(axes.lines)
            axes.plot(
                last["generator_steps"],
                np.clip(last[column], low, high),
                "x",
                color=choose_colour(index),
                ms=7,
                mew=2,
                clip_on=False,
            )
            mark_variant(axes, lines_before, index)

"""How far G moves beside the gradient that it is given: where an optimizer hides its size."""

import math
from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from ganbench.evidence.scales import LOG
from ganbench.report.figures.budgets import BUDGETS, label_budget
from ganbench.report.figures.curves import (
    MANY_RUNS,
    draw_seeds_and_mean,
    mark_diverged,
)
from ganbench.report.figures.drawing import (
    Drawing,
    Sketch,
    choose_colour,
    finish,
    mark_variant,
    open_figure,
)
from ganbench.report.figures.game_curves import thin_out
from ganbench.report.figures.plots import Plot
from ganbench.report.results import Results
from ganbench.wording import fixed, listing

GRADIENT, UPDATE = "g_grad_norm", "g_update_size"

DOTS = 600
"""The most steps that a figure shows as dots."""

SPREAD = 2.0
"""Gradients that differ by less than this factor show no slope."""

_LABEL = "‖Δw‖ / ‖w‖ of G (log scale)"

_UPDATE_CAPTION = (
    "‖w − w′‖ / ‖w′‖ over all weights of G in one step: how far G really moves. If it vanishes, G "
    "stands still."
)
_SLOPE_CAPTION = (
    "Each dot is a step, a row of history.csv: the norm of G's gradient, and how far G moved. "
    "In theory, the slope is 1 with SGD, whose move is proportional to the gradient, and 0 with "
    "Adam, which divides by the gradient's own size."
)


def list_update_plots(dataset: str) -> tuple[Plot, Plot]:
    """The size of G's update over training, and against the size of its gradient."""
    over_training = Plot(
        name=f"game-{dataset}-g-update-size",
        title="Update of G",
        label=_LABEL,
        subtitle=_LABEL,
        column=UPDATE,
        logarithmic=True,
        scale=LOG,
    )
    against_gradient = Plot(
        name=f"game-{dataset}-g-update-against-gradient",
        title="Update of G against its gradient",
        label=_LABEL,
        subtitle=_LABEL,
        column=UPDATE,
        against=GRADIENT,
        against_label="‖∂L/∂w‖₂ of G (log scale)",
        logarithmic=True,
    )
    return over_training, against_gradient


def measured_updates(history: pd.DataFrame) -> bool:
    """Whether any run measured the size of G's update; runs of earlier versions did not."""
    return UPDATE in history and not history[UPDATE].isna().all()


def sketch_update_sizes(results: Results, dataset: str) -> list[Sketch]:
    """The figures of `list_update_plots`, none where no run has measured its updates."""
    history = results.history[results.history["dataset"] == dataset]
    if not measured_updates(history):
        return []
    rows = thin_out(history)
    over_training, against_gradient = list_update_plots(dataset)
    return [
        partial(_draw_over_training, results, dataset, rows, over_training),
        partial(_draw_against_gradient, results, dataset, rows, against_gradient),
    ]


def _draw_over_training(results: Results, dataset: str, rows: pd.DataFrame, plot: Plot) -> Drawing:
    with open_figure() as (figure, (axes,)):
        seeds = len(results.runs) <= MANY_RUNS
        curves = draw_seeds_and_mean(axes, results, rows, UPDATE, seeds=seeds, scale=plot.scale)
        _scale(axes, rows, UPDATE, "y")
        mark_diverged(axes, results, rows, UPDATE)
        axes.set(title=plot.title, ylabel=plot.label)
        label_budget(axes, BUDGETS[0], results.study, dataset)
        return _finish(figure, plot, dataset, _UPDATE_CAPTION + _count_still(rows), curves.variants)


def _draw_against_gradient(
    results: Results, dataset: str, rows: pd.DataFrame, plot: Plot
) -> Drawing:
    every = math.ceil(len(rows) / DOTS)
    variants, slopes = {}, {}
    with open_figure() as (figure, (axes,)):
        for index, variant in enumerate(results.variants):
            dots = _drop_still(rows[rows["variant"] == variant])
            if not len(dots):
                continue
            lines_before = len(axes.lines)
            _draw_dots(axes, dots.iloc[::every], choose_colour(index))
            mark_variant(axes, lines_before, index)
            variants[index] = variant
            slopes[variant] = fit_slope(dots)
        _scale(axes, rows, GRADIENT, "x")
        _scale(axes, rows, UPDATE, "y")
        axes.set(title=plot.title, xlabel=plot.against_label, ylabel=plot.label)
        caption = _SLOPE_CAPTION + _list_slopes(slopes) + _count_still(rows)
        return _finish(figure, plot, dataset, caption, variants)


def _finish(
    figure: Figure, plot: Plot, dataset: str, caption: str, variants: dict[int, str]
) -> Drawing:
    title = f"{plot.title}, on {dataset}"
    return finish(figure, plot.name, title, caption, variants, inline=False)


def fit_slope(rows: pd.DataFrame) -> float | None:
    """The least-squares slope of log update by log gradient; None where gradients hardly differ.

    Rows are weighted equally; both sizes of all rows must be positive.
    """
    gradient, update = np.log(rows[GRADIENT]), np.log(rows[UPDATE])
    if len(rows) < 3 or gradient.max() - gradient.min() < np.log(SPREAD):
        return None
    return float(np.polyfit(gradient, update, 1)[0])


def _list_slopes(slopes: Mapping[str, float | None]) -> str:
    """A sentence with the slope of every variant, and one on those without."""
    known = [f"{name} {fixed(slope, 2)}" for name, slope in slopes.items() if slope is not None]
    unknown = [name for name, slope in slopes.items() if slope is None]
    measured = f" Measured slopes: {listing(known, len(known))}." if known else ""
    if unknown:
        names = listing(unknown, len(unknown))
        measured += f" The gradients of {names} differ too little to show a slope."
    return measured


def _draw_dots(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    """Dots as one line of many pieces without length: a tenth of the size of as many markers."""
    places = [
        np.column_stack([rows[column], rows[column], np.full(len(rows), np.nan)]).ravel()
        for column in (GRADIENT, UPDATE)
    ]
    axes.plot(*places, color=colour, lw=3, alpha=0.6, solid_capstyle="round")


def _drop_still(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that have a place on logarithmic axes."""
    sizes = rows[[GRADIENT, UPDATE]]
    return rows[(np.isfinite(sizes) & (sizes > 0)).all(axis=1)]


def _count_still(rows: pd.DataFrame) -> str:
    """A sentence on the rows that a logarithmic axis leaves out, empty if there are none."""
    still = int((rows[UPDATE] == 0).sum())
    return f" Not drawn: {still} of {len(rows):,} steps that moved no weight at all." * bool(still)


def _scale(axes: Axes, rows: pd.DataFrame, column: str, side: str) -> None:
    """A logarithmic axis with a tick at powers of ten; linear if no value is positive."""
    if not (rows[column] > 0).any():
        return
    axis = getattr(axes, f"{side}axis")
    getattr(axes, f"set_{side}scale")("log")
    axis.set_major_locator(LogLocator(numticks=8))
    axis.set_minor_locator(NullLocator())

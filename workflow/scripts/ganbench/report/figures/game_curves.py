"""What the two players do over training: outputs, value, gradients, losses."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator

from ganbench.report.figures.budgets import BUDGETS, label_budget
from ganbench.report.figures.curves import keep_in_view, level, mark_diverged, seeds_and_mean
from ganbench.report.figures.drawing import Drawing, colour, dash, figure, finish, mark_variant
from ganbench.report.results import Results

_UNDECIDED = (0.5, "½: undecided")
_CAUTION = "Losses of different objectives are different quantities: compare shapes, not heights."
_GAME = (
    (
        *("d_real", "D(x): does D know real samples?", "mean D(x)", _UNDECIDED),
        "1: sure that they are real. 0: sure that they are generated.",
    ),
    (
        *("d_fake", "D(G(z)): does G fool D?", "mean D(G(z))", _UNDECIDED),
        "1: taken for real. 0: found out, every one.",
    ),
    (
        *("value", "V(D, G): −log 4 where D is undecided", "V(D, G) (nats)"),
        *(
            (-math.log(4), "−log 4"),
            "E log D(x) + E log(1 − D(G(z))): 0 where D is right and sure.",
        ),
    ),
    (
        *("g_grad_norm", "The gradient that G follows", "‖∂L/∂θ‖₂ of G (log scale)", None),
        "Euclidean norm over all weights of G. Where it falls to nothing, G no longer learns.",
    ),
    (
        *("d_grad_norm", "The gradient that D follows", "‖∂L/∂θ‖₂ of D (log scale)", None),
        "Euclidean norm over all weights of D.",
    ),
    ("d_loss", "What D minimises", "loss of D", None, _CAUTION),
    ("g_loss", "What G minimises", "loss of G", None, _CAUTION),
)

DOTS = 2000
"""Measured gradient weights that are drawn."""

MOST = 100
"""Rows of a run's history that are drawn: more would lie closer than a line is thick."""


def draw_game_curves(results: Results, dataset: str) -> list[Drawing]:
    """One figure for each quantity of `history.csv`, over images."""
    history = results.history[results.history["dataset"] == dataset]
    drawn_rows = _thinned(history)
    drawings = []
    for column, title, label, line, reading in _GAME:
        caption = reading
        with figure() as (drawn, (axes,)):
            variants = seeds_and_mean(axes, results, drawn_rows, column)
            if column.endswith("norm"):
                _log_scale(axes)
            else:
                caption += keep_in_view(axes, history[column])
            if line:
                level(axes, *line)
            mark_diverged(axes, results, history, column)
            axes.set(title=title, ylabel=label)
            label_budget(axes, BUDGETS[0], results.study, dataset)
            name = f"game-{dataset}-{column.replace('_', '-')}"
            drawings.append(finish(drawn, name, f"{title} On {dataset}", caption, variants))
    return drawings


def _thinned(history: pd.DataFrame) -> pd.DataFrame:
    """Every so many rows, and the last, of runs with more rows than are drawn."""
    place = history.groupby(["variant", "seed"], sort=False).cumcount(ascending=False)
    longest = int(place.max()) + 1 if len(place) else 1
    return history[place % -(-longest // MOST) == 0]


def _log_scale(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=12))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_locator(NullLocator())


def draw_gradient_weights(results: Results) -> list[Drawing]:
    """∂L_G/∂f against D(G(z)), derived and measured: where a generator's gradient vanishes."""
    known = {
        variant: results.theory[found["objective"]]["gradient_weight"]
        for variant, found in results.study["variants"].items()
        if "gradient_weight" in results.theory.get(found["objective"], {})
    }
    if not known:
        return []
    title = "Where the generator's gradient vanishes"
    every = -(-len(results.history) // DOTS)
    caption = (
        "Size of the weight ∂L/∂f that a generated sample's gradient carries in G's loss, against "
        "D(G(z)). Lines: derived from each generator's formula. Dots: measured in training, the "
        f"means of one batch, {'every row' if every == 1 else f'one row in {every}'} of "
        "history.csv, all seeds and datasets. Left: D rejects the sample."
    )
    for variant, curve in known.items():
        caption += f" The line of {variant} takes {curve['given']}." if curve["given"] else ""
    with figure(height=2.9) as (drawn, (axes,)):
        for index, variant in enumerate(results.variants):
            if variant not in known:
                continue
            curve, before = known[variant], len(axes.lines)
            measured = results.history[results.history["variant"] == variant].iloc[::every]
            _dots(axes, measured["g_d_fake"], measured["g_weight"], colour(index))
            weight = np.abs(curve["weight"])
            axes.plot(curve["d_fake"], weight, color=colour(index), ls=dash(index), lw=2)
            mark_variant(axes, before, index)
        axes.set(title=title, xlabel="D(G(z)): 0 is rejected, 1 taken for real", ylabel="|∂L/∂f|")
        axes.set(xlim=(0, 1), ylim=(0, min(axes.get_ylim()[1], 3)))
        shown = {index: name for index, name in enumerate(results.variants) if name in known}
        return [finish(drawn, "gradient-weights", title, caption, shown)]


def _dots(axes: Axes, x: pd.Series, y: pd.Series, color: str) -> None:
    """Dots as one line of many pieces without length: a tenth of the size of as many markers.

    Larger than the derived line is thick, for they lie on it.
    """
    gaps = [np.column_stack([each, each, np.full(len(each), np.nan)]).ravel() for each in (x, y)]
    axes.plot(*gaps, color=color, lw=7, alpha=0.3, solid_capstyle="round")

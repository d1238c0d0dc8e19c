"""What the two players do over training: outputs, value, gradients, losses."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ganbench.evidence.scales import IDENTITY, LOG
from ganbench.report.figures.budgets import BUDGETS, label_budget
from ganbench.report.figures.coinciding import describe_coinciding
from ganbench.report.figures.curves import (
    MANY_RUNS,
    draw_levels,
    draw_seeds_and_mean,
    keep_in_view,
    mark_diverged,
    set_log_scale,
)
from ganbench.report.figures.drawing import (
    Drawing,
    Sketch,
    choose_colour,
    choose_dash,
    finish,
    mark_variant,
    open_figure,
)
from ganbench.report.figures.equilibrium_levels import (
    Level,
    list_probability_levels,
    list_unread_critics,
    list_value_levels,
)
from ganbench.report.figures.plots import Plot
from ganbench.report.results import Results
from ganbench.wording import listing


@dataclass(frozen=True)
class GameCurve:
    """One quantity of `history.csv`: the column, the texts of its figure, and its guide lines.

    A `main` one shows single seeds however many runs there are. One `of_probabilities` leaves out
    variants whose D has no zero that would make σ(D) a probability.
    """

    column: str
    title: str
    label: str
    caption: str
    levels: Callable[[Mapping[str, Any]], list[Level]] = lambda _study: []
    main: bool = False
    of_probabilities: bool = False


_LEVELS_CAPTION = " Dotted: each objective’s own D* where p_g = p_data."

_LOSS_CAPTION = (
    "Losses of different objectives are different quantities: compare their shapes, not their "
    "values."
)

GAME_CURVES = (
    GameCurve(
        column="d_real",
        title="D(x): D on real samples",
        label="mean D(x)",
        caption="1: D is certain that real samples are real. 0: D is certain that they are fake.",
        main=True,
        of_probabilities=True,
        levels=list_probability_levels,
    ),
    GameCurve(
        column="d_fake",
        title="D(G(z)): D on generated samples",
        label="mean D(G(z))",
        caption="1: D takes all generated samples for real. 0: D recognises all of them.",
        main=True,
        of_probabilities=True,
        levels=list_probability_levels,
    ),
    GameCurve(
        column="value",
        title="V(D, G) of the minimax game",
        label="V(D, G) (nats)",
        caption="E log D(x) + E log(1 − D(G(z))), which is 0 if D is certain and right.",
        main=True,
        of_probabilities=True,
        levels=list_value_levels,
    ),
    GameCurve(
        column="g_grad_norm",
        title="Gradient norm of G",
        label="‖∂L/∂θ‖₂ of G (log scale)",
        caption="Euclidean norm over all weights of G. If it vanishes, G stops learning.",
        main=True,
    ),
    GameCurve(
        column="d_grad_norm",
        title="Gradient norm of D",
        label="‖∂L/∂θ‖₂ of D (log scale)",
        caption="Euclidean norm over all weights of D.",
    ),
    GameCurve(column="d_loss", title="Loss of D", label="loss of D", caption=_LOSS_CAPTION),
    GameCurve(column="g_loss", title="Loss of G", label="loss of G", caption=_LOSS_CAPTION),
)

DOTS = 800
"""The most measured gradient weights that a figure shows."""

MOST_ROWS = 100
"""The most rows of a run's history that are drawn: more would be closer than a line is thick."""

MOST_POINTS, FEWEST_ROWS = 2400, 12
"""Points that all runs on a dataset may take in a figure, and the rows that a run keeps anyway."""


def describe_game_plot(study: Mapping[str, Any], dataset: str, curve: GameCurve) -> Plot:
    """What the figure of one quantity shows."""
    logarithmic = curve.column.endswith("norm")
    return Plot(
        name=f"game-{dataset}-{curve.column.replace('_', '-')}",
        title=curve.title,
        label=curve.label,
        subtitle=curve.label,
        column=curve.column,
        logarithmic=logarithmic,
        scale=LOG if logarithmic else IDENTITY,
        levels=tuple(curve.levels(study)),
    )


def sketch_game_curves(results: Results, dataset: str) -> list[Sketch]:
    """One figure for each quantity of `history.csv` that any variant has, over updates of G."""
    history = results.history[results.history["dataset"] == dataset]
    tables, unread = (history, thin_out(history)), list_unread_critics(results, dataset)
    are_all_unread = history["variant"].isin(unread).all() and len(history)
    return [
        partial(_draw_curve, results, dataset, tables, curve, unread)
        for curve in GAME_CURVES
        if not (curve.of_probabilities and are_all_unread)
    ]


def hide_critics(rows: pd.DataFrame, unread: Sequence[str]) -> pd.DataFrame:
    """The rows of a history without the numbers that read outputs of D as probabilities."""
    columns = [curve.column for curve in GAME_CURVES if curve.of_probabilities]
    is_hidden = rows["variant"].isin(unread)
    return rows.assign(**{name: rows[name].mask(is_hidden) for name in columns})


def _draw_curve(
    results: Results,
    dataset: str,
    tables: tuple[pd.DataFrame, pd.DataFrame],
    curve: GameCurve,
    unread: Sequence[str],
) -> Drawing:
    """One quantity; `tables` are the history and its rows to draw, `unread` variants without it."""
    history, rows = tables
    if curve.of_probabilities:
        history, rows = (table[~table["variant"].isin(unread)] for table in tables)
    plot, outside = describe_game_plot(results.study, dataset, curve), ""
    with open_figure() as (figure, (axes,)):
        seeds = curve.main or len(results.runs) <= MANY_RUNS
        curves = draw_seeds_and_mean(
            axes, results, rows, curve.column, seeds=seeds, scale=plot.scale
        )
        if plot.logarithmic:
            set_log_scale(axes)
        else:
            outside = keep_in_view(axes, history[curve.column])
        draw_levels(axes, plot.levels, on_paper=True)
        mark_diverged(axes, results, history, curve.column)
        axes.set(title=plot.title, ylabel=plot.label)
        label_budget(axes, BUDGETS[0], results.study, dataset)
        return finish(
            figure,
            plot.name,
            f"{plot.title}, on {dataset}",
            curve.caption
            + (_LEVELS_CAPTION if plot.levels else "")
            + (_name_unread(unread) if curve.of_probabilities else ""),
            curves.variants,
            outside=outside,
            inline=False,
        )


def _name_unread(unread: Sequence[str]) -> str:
    """A sentence on the variants that a figure leaves out, empty if there are none."""
    if not unread:
        return ""
    is_one = len(unread) == 1
    return (
        f" Not drawn: {listing(unread, len(unread))}, whose objective{'' if is_one else 's'} "
        f"give{'s' if is_one else ''} the output of D no zero, so that σ of it is no probability."
    )


def thin_out(history: pd.DataFrame) -> pd.DataFrame:
    """Every n-th row, counted from the last of the longest run, so that few enough are left.

    They are at the same steps in all runs, which are averaged. Each run's last row is kept too.
    """
    runs = history.groupby(["variant", "seed"], sort=False)
    most = max(FEWEST_ROWS, min(MOST_ROWS, MOST_POINTS // max(1, runs.ngroups)))
    position, rows_to_end = runs.cumcount(), runs.cumcount(ascending=False)
    longest = int(position.max()) + 1 if len(position) else 1
    every = math.ceil(longest / most)
    return history[((longest - 1 - position) % every == 0) | (rows_to_end == 0)]


def sketch_gradient_weights(results: Results) -> list[Sketch]:
    """|∂L_G/∂f| against D(G(z)), derived and measured: where a generator's gradient vanishes."""
    curves = {
        variant: results.theory[definition["objective"]]["gradient_weight"]
        for variant, definition in results.study["variants"].items()
        if "gradient_weight" in results.theory.get(definition["objective"], {})
    }
    return [partial(_draw_gradient_weights, results, curves)] if curves else []


def _draw_gradient_weights(results: Results, curves: dict[str, dict]) -> Drawing:
    """The figure; `curves` are the derived weights by variant."""
    title = "Where the generator's gradient vanishes"
    every = math.ceil(len(results.history) / DOTS)
    caption = (
        "The weight |∂L/∂f| of a generated sample in the gradient of G's loss, against D(G(z)). "
        "Lines: derived from each generator's formula. Dots: measured in training, on all datasets "
        "and with all seeds; each is the mean over one batch. On the left, D is certain that a "
        "sample is fake."
    )
    if every > 1:
        caption += f" One dot is drawn for every {every} rows of history.csv."
    caption += describe_coinciding(
        {name: (curve["d_fake"], np.abs(curve["weight"])) for name, curve in curves.items()}
    )
    for variant, curve in curves.items():
        caption += f" The line of {variant} assumes {curve['given']}." if curve["given"] else ""
    with open_figure(height=2.9) as (figure, (axes,)):
        variants = {}
        for index, variant in enumerate(results.variants):
            if variant in curves:
                lines_before = len(axes.lines)
                measured = results.history[results.history["variant"] == variant].iloc[::every]
                _draw_weights(axes, index, curves[variant], measured)
                mark_variant(axes, lines_before, index)
                variants[index] = variant
        axes.set(title=title, xlabel="D(G(z)) = σ(f)", ylabel="|∂L/∂f|")
        axes.set(xlim=(0, 1), ylim=(0, min(axes.get_ylim()[1], 3)))
        return finish(figure, "gradient-weights", title, caption, variants)


def _draw_weights(axes: Axes, index: int, curve: dict, measured: pd.DataFrame) -> None:
    """The measured weights of one variant over its derived ones."""
    colour = choose_colour(index)
    axes.plot(curve["d_fake"], np.abs(curve["weight"]), color=colour, ls=choose_dash(index), lw=2)
    _draw_dots(axes, measured["g_d_fake"], measured["g_weight"], colour)


def _draw_dots(axes: Axes, x: pd.Series, y: pd.Series, color: str) -> None:
    """Dots as one line of many pieces without length: a tenth of the size of as many markers.

    They are wider than the derived lines, which show through them.
    """
    x, y = (
        np.column_stack([values, values, np.full(len(values), np.nan)]).ravel() for values in (x, y)
    )
    axes.plot(x, y, color=color, lw=7, alpha=0.3, solid_capstyle="round", zorder=3)

"""The figures of a report: one message each, every seed visible."""

import math
from dataclasses import dataclass
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator

from ganbench.metrics import DEFINITIONS, base
from ganbench.report import drawing
from ganbench.report.curves import keep_in_view, label_images, level, mark_diverged, seeds_and_mean
from ganbench.report.drawing import colour, dash, figure, mark_variant, to_svg
from ganbench.report.numbers import listed, short
from ganbench.report.results import Results

READ_CURVES = (
    "Thin lines: each seed. Thick: the mean of completed runs. Dash-dotted: their mean against "
    "train; far better there than against held_out would mean memorised samples. Dotted: what as "
    "many real samples score."
)
READ_GAME = (
    "Each point is one batch, a row of history.csv. Thin lines: each seed. Thick: the mean of "
    "completed runs. ×: where a run diverged."
)

LINE = 38
"""Characters of a title that fit above a figure."""

_NATS = {"JSD", "value", "optimal_value", "duality_gap"}
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


@dataclass(frozen=True)
class Drawing:
    """A figure of the page: its file name, its SVG, what to read in it, and whose lines it has."""

    name: str
    svg: str
    caption: str
    variants: dict[int, str]

    @property
    def standalone(self) -> str:
        """The SVG as a file of its own, for light paper, with a legend."""
        return drawing.standalone(self.svg, self.variants)


def learning_curves(results: Results, dataset: str) -> list[Drawing]:
    """One figure for each metric of a dataset: score over images shown, against `held_out`."""
    scores = results.scores[results.scores["dataset"] == dataset]
    drawings = []
    for metric, both in scores.groupby("metric", sort=False):
        on_train = both["reference"] == "train"
        found, trained = both[~on_train], both[on_train]
        if not len(found):
            continue
        definition = DEFINITIONS[base(metric)]
        reference = found["reference"].iloc[0]
        floor = results.floor(dataset, metric, reference)
        better = "" if definition.better == "neither" else f", {definition.better} is better"
        unit = " (nats)" if base(metric) in _NATS else ""
        name = f"curve-{dataset}-{metric.lower()}"
        caption = _ends(results, found, metric, floor)
        with figure() as (drawn, (axes,)):
            shown = seeds_and_mean(axes, results, found, "value", trained)
            caption += keep_in_view(axes, found["value"])
            if base(metric) in ("value", "optimal_value"):
                level(axes, -math.log(4), "−log 4")
            elif floor is not None:
                level(axes, floor, "real samples")
            title = fill(f"{definition.title}{better}", LINE)
            axes.set(title=title, ylabel=f"{metric}{unit}")
            label_images(axes, results, dataset)
            svg = to_svg(drawn, name, f"{definition.title}{better}. {caption}")
        drawings.append(Drawing(name, svg, caption, shown))
    return drawings


def _ends(results: Results, scores: pd.DataFrame, metric: str, floor: float | None) -> str:
    """Where every variant ends, best first, in words."""
    completed = results.runs[results.runs["status"] == "completed"]
    last = scores.merge(completed[["dataset", "variant", "seed", "step"]])
    means = last.groupby("variant", sort=False)["value"].mean().dropna()
    better = DEFINITIONS[base(metric)].better
    if better != "neither":
        means = means.sort_values(ascending=better == "lower", kind="stable")
    reference = scores["reference"].iloc[0]
    against = "" if reference == "none" else f" against {reference}"
    ends = listed([f"{variant} {short(mean)}" for variant, mean in means.items()], 5)
    real = "" if floor is None else f"; real samples {short(floor)}"
    return f"{metric}{against} at the end, mean of seeds: {ends or 'no run got there'}{real}."


def game(results: Results, dataset: str) -> list[Drawing]:
    """What the two players do over training: outputs, value, gradients, losses."""
    history = results.history[results.history["dataset"] == dataset]
    drawings = []
    for column, title, label, line, reading in _GAME:
        name, caption = f"game-{dataset}-{column.replace('_', '-')}", reading
        with figure() as (drawn, (axes,)):
            shown = seeds_and_mean(axes, results, history, column)
            if column.endswith("norm"):
                _log_scale(axes)
            else:
                caption += keep_in_view(axes, history[column])
            if line:
                level(axes, *line)
            mark_diverged(axes, results, history, column)
            axes.set(title=title, ylabel=label)
            label_images(axes, results, dataset)
            svg = to_svg(drawn, name, f"{title}, on {dataset}. {caption}")
        drawings.append(Drawing(name, svg, caption, shown))
    return drawings


def _log_scale(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=12))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_locator(NullLocator())


def gradient_weights(results: Results) -> list[Drawing]:
    """∂L_G/∂f against D(G(z)), derived and measured: where a generator's gradient vanishes."""
    known = {
        variant: results.theory[found["objective"]]["gradient_weight"]
        for variant, found in results.study["variants"].items()
        if "gradient_weight" in results.theory.get(found["objective"], {})
    }
    if not known:
        return []
    name, title = "gradient-weights", "Where the generator's gradient vanishes"
    every = max(1, len(results.history) // (1000 * len(known)))
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
        svg = to_svg(drawn, name, f"{title}. {caption}")
    shown = {index: name for index, name in enumerate(results.variants) if name in known}
    return [Drawing(name, svg, caption, shown)]


def _dots(axes: Axes, x: pd.Series, y: pd.Series, color: str) -> None:
    """Dots as one line of many pieces without length: a tenth of the size of as many markers.

    Larger than the derived line is thick, for they lie on it.
    """
    gaps = [np.column_stack([each, each, np.full(len(each), np.nan)]).ravel() for each in (x, y)]
    axes.plot(*gaps, color=color, lw=7, alpha=0.3, solid_capstyle="round")

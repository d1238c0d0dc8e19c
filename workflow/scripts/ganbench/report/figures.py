"""The figures of a report: one message each, every seed visible."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter

from ganbench.metrics import DEFINITIONS, base
from ganbench.report.drawing import (
    FAINT,
    INK,
    colour,
    dash,
    figure,
    mark_variant,
    standalone,
    to_svg,
)
from ganbench.report.numbers import short
from ganbench.report.results import Results


@dataclass(frozen=True)
class Drawing:
    """A figure of the page: its file name, its SVG, and what to read in it."""

    name: str
    svg: str
    caption: str

    @property
    def standalone(self) -> str:
        """The SVG as a file of its own, for light paper."""
        return standalone(self.svg)


def learning_curves(results: Results, dataset: str) -> list[Drawing]:
    """One figure for each metric of a dataset: score over images shown, against `held_out`."""
    scores = results.scores[results.scores["dataset"] == dataset]
    scores = scores[scores["reference"] != "train"]
    drawings = []
    for (metric, reference), found in scores.groupby(["metric", "reference"], sort=False):
        definition = DEFINITIONS[base(metric)]
        floor = results.floor(dataset, metric, reference)
        against = "" if reference == "none" else f" against {reference}"
        better = "" if definition.better == "neither" else f" ({definition.better} is better)"
        name = f"curve-{dataset}-{metric.lower()}"
        caption = f"{metric}{against} on {dataset} over images shown to the discriminator{better}."
        caption += " Thin: each seed. Thick: their mean."
        with figure() as (drawn, (axes,)):
            _seeds_and_mean(axes, found.rename(columns={"value": metric}), metric, results.variants)
            if base(metric) in ("value", "optimal_value"):
                caption += " Dotted: −log 4, the value at p_g = p_data."
                _level(axes, -math.log(4), "−log 4")
            elif floor is not None:
                caption += f" Dotted: what as many real samples score, {short(floor)}."
                _level(axes, floor, "real samples")
            axes.set(title=f"{definition.title}{better}", ylabel=metric)
            drawings.append(Drawing(name, to_svg(drawn, name, caption), caption))
    return drawings


def game(results: Results, dataset: str) -> list[Drawing]:
    """What the two players do over training: outputs, value, gradients, losses."""
    history = results.history[results.history["dataset"] == dataset]
    pictures = [
        ("d_real", "D(x), on real samples", "mean D(x)", (0.5, "½"), "linear"),
        ("d_fake", "D(G(z)), on generated samples", "mean D(G(z))", (0.5, "½"), "linear"),
        ("value", "The value of the game", "V(D, G) in nats", (-math.log(4), "−log 4"), "linear"),
        ("g_grad_norm", "The generator's gradient", "‖∇L_G‖₂", None, "log"),
        ("d_grad_norm", "The discriminator's gradient", "‖∇L_D‖₂", None, "log"),
        ("d_loss", "The discriminator's loss", "L_D", None, "linear"),
        ("g_loss", "The generator's loss", "L_G", None, "linear"),
    ]
    drawings = []
    for column, title, label, level, scale in pictures:
        name = f"game-{dataset}-{column.replace('_', '-')}"
        caption = f"{title}, on {dataset}: each row of history.csv, one batch. Thin: each seed."
        caption += " Thick: their mean."
        with figure() as (drawn, (axes,)):
            _seeds_and_mean(axes, history, column, results.variants)
            if level:
                caption += f" Dotted: {level[1]}, where neither side can be told from the other."
                _level(axes, *level)
            axes.set(title=title, ylabel=label, yscale=scale)
            drawings.append(Drawing(name, to_svg(drawn, name, caption), caption))
    return drawings


def gradient_weights(results: Results) -> list[Drawing]:
    """∂L_G/∂f against D(G(z)), derived and measured: where a generator's gradient vanishes."""
    known = {
        variant: results.theory[found["objective"]]["gradient_weight"]
        for variant, found in results.study["variants"].items()
        if "gradient_weight" in results.theory[found["objective"]]
    }
    if not known:
        return []
    name = "gradient-weights"
    caption = (
        "Size of the weight ∂L_G/∂f that a generated sample's gradient carries, against D(G(z)). "
        "Lines: derived from each generator's formula. Dots: measured in training, the means of "
        "one batch, every seed and dataset. Left: the discriminator rejects the sample."
    )
    for variant, curve in known.items():
        caption += f" The line of {variant} takes {curve['given']}." if curve["given"] else ""
    with figure(width=5.2, height=3.4) as (drawn, (axes,)):
        for index, variant in enumerate(results.variants):
            if variant in known:
                curve, before = known[variant], len(axes.lines)
                measured = results.history[results.history["variant"] == variant]
                measured = measured.iloc[:: max(1, len(measured) // 400)]
                style = {"color": colour(index), "linestyle": "", "marker": "o", "ms": 2}
                axes.plot(measured["g_d_fake"], measured["g_weight"], alpha=0.35, mew=0, **style)
                weight = np.abs(curve["weight"])
                axes.plot(curve["d_fake"], weight, color=colour(index), ls=dash(index), lw=2)
                mark_variant(axes, before, index)
        axes.set(title="The gradient's weight", xlabel="D(G(z))", ylabel="|∂L_G/∂f|", xlim=(0, 1))
        axes.set_ylim(0, min(axes.get_ylim()[1], 3))
        return [Drawing(name, to_svg(drawn, name, caption), caption)]


def densities(results: Results, dataset: str) -> list[Drawing]:
    """p_data, p_g, D and D* at every snapshot: Figure 1 of Goodfellow et al. 2014, really trained.

    A figure for each variant, of the first seed; in two dimensions one each for p_g, D and D*.
    """
    drawings = []
    for variant in results.variants:
        runs = [key for key in results.maps if key[:2] == (dataset, variant)]
        maps = results.maps[runs[0]] if runs else None
        if maps is None or not len(maps["steps"]):
            continue
        flat = maps["centers"].shape[1] == 1
        for what, draw, height in _LINES if flat else _MAPS:
            name = f"density-{dataset}-{variant}{what}"
            with figure(width=11, height=height, columns=len(maps["steps"])) as (drawn, row):
                for number, axes in enumerate(row):
                    draw(axes, maps, number)
                    axes.set_title(f"step {maps['steps'][number]:,}")
                if flat:
                    row[-1].legend(frameon=False, fontsize=8, loc="upper left", handlelength=1.4)
                caption = f"{variant} on {dataset}, seed {runs[0][2]}, at each snapshot. "
                caption += draw.__doc__
                drawings.append(Drawing(name, to_svg(drawn, name, caption), caption))
    return drawings


def _density_line(axes: Axes, maps: dict[str, np.ndarray], number: int) -> None:
    """Filled: p_data. Solid: p_g. Dashed: the trained D. Dotted: D*, where there is density."""
    x = maps["centers"][:, 0]
    axes.fill_between(x, maps["data"], color=FAINT, alpha=0.6, lw=0, label="p_data")
    axes.plot(x, maps["generated"][number], color=colour(2), lw=1.2, label="p_g")
    axes.plot(x, maps["discriminator"][number], color=colour(0), ls="--", lw=1.5, label="D")
    known = maps["data"] + maps["generated"][number] > 0.005  # beyond, D* is a ratio of noise
    best = np.where(known, maps["optimal"][number], np.nan)
    axes.plot(x, best, color=INK, ls=":", lw=1.2, label="D*")
    axes.set(xlabel="x", ylim=(-0.03, 1.05))


def _generated_map(axes: Axes, maps: dict[str, np.ndarray], number: int) -> None:
    """p_g: darker where more points are generated. Rings: where p_data is."""
    _map(axes, maps, np.sqrt(maps["generated"][number]), cmap="Greens")


def _discriminator_map(axes: Axes, maps: dict[str, np.ndarray], number: int) -> None:
    """The trained D, from 0 (purple: generated) over ½ (white) to 1 (orange: real)."""
    _map(axes, maps, maps["discriminator"][number], cmap="PuOr_r", vmin=0, vmax=1)


def _optimal_map(axes: Axes, maps: dict[str, np.ndarray], number: int) -> None:
    """The optimal D* = p_data/(p_data + p_g), in the same colours as D."""
    _map(axes, maps, maps["optimal"][number], cmap="PuOr_r", vmin=0, vmax=1)


def _map(axes: Axes, maps: dict[str, np.ndarray], values: np.ndarray, **colours: object) -> None:
    side = math.isqrt(len(maps["data"]))
    x, y = maps["centers"].T.reshape(2, side, side)
    shown = values.reshape(side, side)
    axes.pcolormesh(x, y, shown, shading="nearest", rasterized=True, **colours)
    data = maps["data"].reshape(side, side)
    axes.contour(x, y, data, levels=[0.1 * data.max()], colors=[INK], linewidths=0.7)
    axes.set(xlabel="x₁", aspect="equal")


_LINES = (("", _density_line, 2.9),)
_MAPS = (
    ("-generated", _generated_map, 2.7),
    ("-discriminator", _discriminator_map, 2.7),
    ("-optimal", _optimal_map, 2.7),
)


def _seeds_and_mean(axes: Axes, table: pd.DataFrame, column: str, variants: list[str]) -> None:
    for index, variant in enumerate(variants):
        found, before = table[table["variant"] == variant], len(axes.lines)
        if not len(found):
            continue
        options = {"data": found, "x": "images", "y": column, "ax": axes, "color": colour(index)}
        sns.lineplot(
            **options, units="seed", estimator=None, lw=0.6, alpha=0.45, linestyle=dash(index)
        )
        sns.lineplot(**options, errorbar=None, lw=2, linestyle=dash(index))
        mark_variant(axes, before, index)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlabel("images shown to the discriminator")


def _level(axes: Axes, value: float, label: str) -> None:
    axes.axhline(value, color=INK, linestyle=":", lw=1)
    axes.annotate(
        label,
        (1, value),
        xycoords=("axes fraction", "data"),
        ha="right",
        va="bottom",
        fontsize=9,
    )

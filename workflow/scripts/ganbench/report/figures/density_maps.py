"""Maps of known densities: the data, the generator and the discriminator over training."""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes

from ganbench.report.figures.drawing import (
    Drawing,
    Sketch,
    choose_colour,
    finish,
    open_figure,
)
from ganbench.report.figures.film import average_cells, mask_optimal
from ganbench.report.figures.svg import FAINT, INK
from ganbench.report.results import Results, Run

STILLS = 5
"""The most moments that a figure shows."""

MANY_VARIANTS, FEW_STILLS = 10, 3
"""With more variants than these, a figure shows fewer moments."""

CONTOUR = 0.1
"""The contour of p_data, as a share of its maximum."""


@dataclass(frozen=True)
class _MapRow:
    """One row of maps: an array of `maps.npz`, its label and its colours.

    `limits` are the values of the first and the last colour; None fits them to each map.
    """

    array: str
    label: str
    colours: str
    limits: tuple[float, float] | None = None


_MAP_ROWS = (
    _MapRow("generated", label="p_g", colours="Greens"),
    _MapRow("discriminator", label="D", colours="PuOr_r", limits=(0, 1)),
    _MapRow("optimal", label="D*", colours="PuOr_r", limits=(0, 1)),
)

_LINES_CAPTION = (
    "Shaded: p_data. Coloured line: p_g. Dashed: the trained D. Dotted: the optimal D* of this "
    "objective, if it has one, where a density is above zero."
)
_MAPS_CAPTION = (
    "Top: p_g, darker where more points are generated. Middle: the trained D, from 0 (purple: "
    "generated) through ½ (white) to 1 (orange: real). Bottom: the optimal D* of this objective, "
    "if it has one. Contours: p_data."
)


def sketch_density_maps(results: Results, dataset: str) -> dict[str, Sketch]:
    """p_data, p_g, D and D* at up to `STILLS` moments, as in Figure 1 of Goodfellow et al. 2014.

    One figure for each variant that has a snapshot, of its first seed that has one.
    """
    sketches: dict[str, Sketch] = {}
    for variant in results.variants:
        for run, maps in results.maps.items():
            if run[:2] == (dataset, variant) and len(maps["steps"]) and variant not in sketches:
                one_dimensional = maps["centers"].shape[1] == 1
                draw = _draw_lines if one_dimensional else _draw_maps
                index = results.variants.index(variant)
                most = STILLS if len(results.variants) <= MANY_VARIANTS else FEW_STILLS
                sketches[variant] = partial(
                    draw, run, maps, _choose_stills(len(maps["steps"]), most), index
                )
    return sketches


def _choose_stills(moments: int, most: int = STILLS) -> list[int]:
    """The places of the moments that a figure shows: evenly over training, the last included."""
    return sorted({-(-moments * part // most) - 1 for part in range(1, most + 1)})


def _draw_lines(run: Run, maps: dict[str, np.ndarray], stills: list[int], index: int) -> Drawing:
    """One dimension: densities and discriminators as curves, a panel for each of the snapshots."""
    dataset, variant, seed = run
    with open_figure(width=11, height=2.6, columns=len(stills)) as (figure, panels):
        for number, axes in zip(stills, panels, strict=True):
            draw_density_lines(axes, maps, number, index)
            axes.set_title(f"step {maps['steps'][number]:,}")
        figure.legend(*panels[-1].get_legend_handles_labels(), loc="outside right center")
        title = f"{variant} on {dataset}, seed {seed}, over training"
        return finish(figure, f"density-{dataset}-{variant}", title, _LINES_CAPTION, {})


def draw_density_lines(axes: Axes, maps: dict[str, np.ndarray], number: int, index: int) -> None:
    """The curves of a snapshot; p_g has the colour of the variant at place `index`."""
    x, data = (average_cells(values) for values in (maps["centers"][:, 0], maps["data"]))
    generated, discriminator, optimal = (
        average_cells(values[number])
        for values in (maps["generated"], maps["discriminator"], mask_optimal(maps))
    )
    axes.fill_between(x, data, color=FAINT, alpha=0.6, lw=0, label="p_data")
    axes.plot(x, generated, color=choose_colour(index), lw=1.4, label="p_g")
    axes.plot(x, discriminator, color=INK, ls="--", lw=1.2, label="D")
    axes.plot(x, optimal, color=INK, ls=":", lw=1.2, label="D*")
    axes.set(xlabel="x", ylim=(-0.03, max(1.05, 1.1 * maps["data"].max())))


def _draw_maps(run: Run, maps: dict[str, np.ndarray], stills: list[int], index: int) -> Drawing:
    """Two dimensions: a row of maps for p_g, D and D* each, a column for each of the snapshots."""
    del index  # p_g is a map, which has no colour of its variant
    dataset, variant, seed = run
    count = len(stills)
    with open_figure(width=1.16 * count + 0.4, height=3.9, rows=3, columns=count) as (
        figure,
        panels,
    ):
        for place, axes in enumerate(panels):
            row = _MAP_ROWS[place // count]
            number = stills[place % count]
            values = maps[row.array][number]
            _draw_map(axes, maps, np.sqrt(values) if row.array == "generated" else values, row)
            if place < count:
                axes.set_title(f"step {maps['steps'][number]:,}", fontsize=8)
            if place % count == 0:
                axes.set_ylabel(row.label, rotation=0, ha="right", va="center")
        title = f"{variant} on {dataset}, seed {seed}, over training"
        return finish(figure, f"density-{dataset}-{variant}", title, _MAPS_CAPTION, {})


def _draw_map(axes: Axes, maps: dict[str, np.ndarray], values: np.ndarray, row: _MapRow) -> None:
    side = math.isqrt(len(maps["data"]))
    x, y = maps["centers"].T
    order = np.lexsort((x, y)).reshape(side, side)  # rows of equal y, from left to right
    half = (x.max() - x.min()) / (side - 1) / 2
    extent = (x.min() - half, x.max() + half, y.min() - half, y.max() + half)
    low, high = row.limits or (None, None)
    axes.imshow(
        values[order],
        extent=extent,
        origin="lower",
        interpolation="none",
        cmap=row.colours,
        vmin=low,
        vmax=high,
    )
    axes.contour(
        maps["data"][order],
        levels=[CONTOUR * maps["data"].max()],
        extent=extent,
        colors=[INK],
        linewidths=0.6,
    )
    axes.set(xticks=[], yticks=[])
    axes.grid(False)

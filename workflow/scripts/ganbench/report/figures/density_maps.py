"""Maps of known densities: the data, the generator and the discriminator over training."""

from collections.abc import Iterable
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb

from ganbench.report.figures.drawing import (
    Drawing,
    Sketch,
    choose_colour,
    finish,
    open_figure,
)
from ganbench.report.figures.film import average_cells, mask_optimal
from ganbench.report.figures.film_maps import (
    CONTOUR,
    DARKEST,
    arrange_cells,
    find_extent,
    has_optimal,
    spread_densities,
)
from ganbench.report.figures.svg import FAINT, INK
from ganbench.report.results import Results, Run

STILLS = 5
"""The most moments that a figure shows."""

MANY_VARIANTS, FEW_STILLS = 10, 3
"""With more variants than these, a figure shows fewer moments."""

MAPS = {"generated": "p_g", "discriminator": "D", "optimal": "D*"}
"""The arrays of `maps.npz` that have a row of maps each, and the row's label."""

_GREYS = LinearSegmentedColormap.from_list("D", [(DARKEST,) * 3, (1, 1, 1)])

_LINES_CAPTION = (
    "Shaded: p_data. Coloured line: p_g. Dashed: the trained D. Dotted: the optimal D* of this "
    "objective, if it has one, where a density is above zero."
)
_MAPS_CAPTION = (
    "Top: p_g, fuller where more points are generated; each map has its own scale. Middle: the "
    "trained D, from dark (0: generated) to white (1: real). Bottom: the optimal D* of this "
    "objective, if it has one, where a density is above zero. Outlines: p_data."
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
    dataset, variant, seed = run
    count = len(stills)
    arrays = list_maps([maps])
    height = 1.3 * len(arrays)
    with open_figure(width=1.16 * count + 0.4, height=height, rows=len(arrays), columns=count) as (
        figure,
        panels,
    ):
        for row, (array, label) in enumerate(arrays.items()):
            for number, axes in zip(stills, panels[row * count :], strict=False):
                draw_density_map(axes, maps, array, number, index)
                if row == 0:
                    axes.set_title(f"step {maps['steps'][number]:,}", fontsize=8)
            panels[row * count].set_ylabel(label, rotation=0, ha="right", va="center")
        title = f"{variant} on {dataset}, seed {seed}, over training"
        return finish(figure, f"density-{dataset}-{variant}", title, _MAPS_CAPTION, {})


def list_maps(films: Iterable[dict[str, np.ndarray]]) -> dict[str, str]:
    """The arrays of `maps.npz` that have a map, and its label: D* where an objective has one."""
    optimal = any(map(has_optimal, films))
    return {name: label for name, label in MAPS.items() if optimal or name != "optimal"}


def draw_density_map(
    axes: Axes, maps: dict[str, np.ndarray], array: str, number: int, index: int
) -> None:
    """One map of a snapshot; p_g has the colour of the variant at place `index`, D is grey."""
    is_density = array == "generated"
    values = spread_densities(maps[array]) if is_density else maps[array]
    values = mask_optimal(maps) if array == "optimal" else values
    extent = find_extent(maps)
    colour = to_rgb(choose_colour(index))
    shades = LinearSegmentedColormap.from_list("p_g", [(*colour, 0), (*colour, 1)])
    axes.imshow(
        arrange_cells(maps, values[number]),
        extent=extent,
        interpolation="none",
        cmap=shades if is_density else _GREYS,
        vmin=0,
        vmax=1,
    )
    data = arrange_cells(maps, maps["data"])
    axes.contour(
        data,
        levels=[CONTOUR * data.max()],
        extent=extent,
        origin="upper",
        colors=[INK if is_density else "black"],  # on the page, INK is light in a dark theme
        linewidths=0.6,
    )
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color=FAINT)
    axes.grid(False)

"""Maps of known densities: what is learned beside what is right, snapshot by snapshot."""

import math

import numpy as np
from matplotlib.axes import Axes

from ganbench.report.figures.drawing import Drawing, colour, figure, finish
from ganbench.report.figures.svg import FAINT, INK
from ganbench.report.results import Results, Run

_MAPS = (
    ("generated", "p_g", {"cmap": "Greens"}),
    ("discriminator", "D", {"cmap": "PuOr_r", "vmin": 0, "vmax": 1}),
    ("optimal", "D*", {"cmap": "PuOr_r", "vmin": 0, "vmax": 1}),
)
_READ_LINES = (
    "Filled: p_data. Solid: p_g. Dashed: the trained D. Dotted: D*, where there is density."
)
_READ_MAPS = (
    "Top: p_g, darker where more points are generated. Middle: the trained D, from 0 (purple: "
    "generated) over ½ (white) to 1 (orange: real). Bottom: D* = p_data/(p_data + p_g). "
    "Rings: where p_data is."
)


def draw_density_maps(results: Results, dataset: str) -> dict[str, Drawing]:
    """p_data, p_g, D and D* at every snapshot: Figure 1 of Goodfellow et al. 2014, really trained.

    A figure for each variant that has a snapshot, of its first seed that has one.
    """
    found: dict[str, Drawing] = {}
    for variant in results.variants:
        for run, maps in results.maps.items():
            if run[:2] == (dataset, variant) and len(maps["steps"]) and variant not in found:
                flat = maps["centers"].shape[1] == 1
                found[variant] = (_lines if flat else _maps)(run, maps)
    return found


def _lines(run: Run, maps: dict[str, np.ndarray]) -> Drawing:
    """One dimension: densities and discriminators as curves."""
    dataset, variant, seed = run
    with figure(width=11, height=2.6, columns=len(maps["steps"])) as (drawn, row):
        for number, axes in enumerate(row):
            _density_line(axes, maps, number)
            axes.set_title(f"step {maps['steps'][number]:,}")
        named = row[-1].get_legend_handles_labels()
        drawn.legend(*named, loc="outside right center")
        title = f"{variant} on {dataset}, seed {seed}, at each snapshot"
        return finish(drawn, f"density-{dataset}-{variant}", title, _READ_LINES, {})


def _density_line(axes: Axes, maps: dict[str, np.ndarray], number: int) -> None:
    x = maps["centers"][:, 0]
    axes.fill_between(x, maps["data"], color=FAINT, alpha=0.6, lw=0, label="p_data")
    axes.plot(x, maps["generated"][number], color=colour(2), lw=1.2, label="p_g")
    axes.plot(x, maps["discriminator"][number], color=colour(0), ls="--", lw=1.5, label="D")
    known = maps["data"] + maps["generated"][number] > 0.005  # beyond, D* is a ratio of noise
    best = np.where(known, maps["optimal"][number], np.nan)
    axes.plot(x, best, color=INK, ls=":", lw=1.2, label="D*")
    axes.set(xlabel="x", ylim=(-0.03, 1.05))


def _maps(run: Run, maps: dict[str, np.ndarray]) -> Drawing:
    """Two dimensions: a row of maps each for p_g, D and D*."""
    dataset, variant, seed = run
    count = len(maps["steps"])
    with figure(width=1.16 * count + 0.4, height=3.9, rows=3, columns=count) as (drawn, cells):
        for place, axes in enumerate(cells):
            name, label, colours = _MAPS[place // count]
            values = maps[name][place % count]
            _map(axes, maps, np.sqrt(values) if name == "generated" else values, **colours)
            if place < count:
                axes.set_title(f"step {maps['steps'][place]:,}", fontsize=8)
            if place % count == 0:
                axes.set_ylabel(label, rotation=0, ha="right", va="center")
        title = f"{variant} on {dataset}, seed {seed}, at each snapshot"
        return finish(drawn, f"density-{dataset}-{variant}", title, _READ_MAPS, {})


def _map(axes: Axes, maps: dict[str, np.ndarray], values: np.ndarray, **colours: object) -> None:
    side = math.isqrt(len(maps["data"]))
    x, y = maps["centers"].T
    rows = np.lexsort((x, y)).reshape(side, side)  # of one y each, from left to right
    half = (x.max() - x.min()) / (side - 1) / 2
    box = (x.min() - half, x.max() + half, y.min() - half, y.max() + half)
    axes.imshow(values[rows], extent=box, origin="lower", interpolation="none", **colours)
    levels = [0.1 * maps["data"].max()]
    axes.contour(maps["data"][rows], levels, extent=box, colors=[INK], linewidths=0.6)
    axes.set(xticks=[], yticks=[])
    axes.grid(False)

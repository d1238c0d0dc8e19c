"""Maps of known densities: what is learned beside what is right, snapshot by snapshot."""

import math

import numpy as np
from matplotlib.axes import Axes

from ganbench.report.drawing import FAINT, INK, colour, figure, to_svg
from ganbench.report.figures import Drawing
from ganbench.report.results import Results


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
                    named = row[-1].get_legend_handles_labels()
                    drawn.legend(*named, frameon=False, loc="outside right center")
                caption = f"{variant} on {dataset}, seed {runs[0][2]}, at each snapshot. "
                caption += draw.__doc__
                drawings.append(Drawing(name, to_svg(drawn, name, caption), caption, {}))
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

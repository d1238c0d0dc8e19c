"""p_g, D and D* over training in two dimensions, as maps that a script draws."""

import math
from collections.abc import Mapping
from typing import Any

import contourpy
import numpy as np

from ganbench.report.figures.film import average, mask_optimal, quantise
from ganbench.report.figures.film_reel import Reel, collect_reel
from ganbench.report.results import Results, Run

SIDE = {"generated": 64, "discriminator": 32, "optimal": 32}
"""Cells along each side of a map on the page, where neighbours are averaged. D is smooth."""

LEVELS = {"generated": 12, "discriminator": 24, "optimal": 24}
"""Shades of each map."""

ROOM = 130_000
"""Bytes that the maps of all runs on a dataset may take."""

CONTOUR = 0.1
"""The contour of p_data, as a share of its maximum."""

DARKEST = 0.4
"""The grey of D = 0; that of D = 1 is white, 1. Black contours show on both."""


def collect_map_film(results: Results, dataset: str) -> dict[str, Any] | None:
    """What a script needs to draw the runs on a dataset as maps over training, None without any.

    Beside the entries of a reel, whose `curves` are maps, row by row from the top left: `side` and
    `levels` by the name of a map, `darkest` is the grey of D = 0, `x` the ends of the box and
    `outline` the contour of p_data as path data in cells of p_g. `optimal_of` has the places of the
    variants whose objective has a D*.
    """
    films = {run: maps for run, maps in results.maps.items() if _is_map_film(run, dataset, maps)}
    if not films:
        return None
    levels = {name: {run: _shade(maps, name) for run, maps in films.items()} for name in SIDE}
    steps = {run: maps["steps"] for run, maps in films.items()}
    first = next(iter(films.values()))
    places = [results.variants.index(run[1]) for run in films if has_optimal(films[run])]
    return {
        "side": SIDE,
        "levels": LEVELS,
        "darkest": DARKEST,
        "x": list(find_extent(first))[:2],
        "outline": outline_data(first),
        "optimal_of": sorted(set(places)),
        **collect_reel(Reel(levels, steps), results.variants, ROOM),
    }


def _is_map_film(run: Run, dataset: str, maps: Mapping[str, np.ndarray]) -> bool:
    return run[0] == dataset and maps["centers"].shape[1] == 2 and len(maps["steps"]) > 0


def has_optimal(maps: Mapping[str, np.ndarray]) -> bool:
    """Whether the run's objective has an optimal discriminator."""
    return bool(np.isfinite(maps["optimal"]).any())


def arrange_cells(maps: Mapping[str, np.ndarray], values: np.ndarray) -> np.ndarray:
    """Values `(..., cells)` of a square grid as images `(..., rows, columns)`, from the top."""
    x, y = maps["centers"].T
    side = math.isqrt(len(x))
    return values[..., np.lexsort((x, -y)).reshape(side, side)]


def find_extent(maps: Mapping[str, np.ndarray]) -> tuple[float, float, float, float]:
    """The ends of the grid's box: left, right, bottom, top."""
    x, y = maps["centers"].T
    half = (x.max() - x.min()) / (math.isqrt(len(x)) - 1) / 2
    return x.min() - half, x.max() + half, y.min() - half, y.max() + half


def spread_densities(densities: np.ndarray) -> np.ndarray:
    """Square roots of densities `(..., cells)` as shares of each map's largest: faint ones show."""
    highest = densities.max(axis=-1, keepdims=True)
    return np.sqrt(densities / np.where(highest > 0, highest, 1))


def _shade(maps: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """The levels of a map at every moment, `(moments, cells)`."""
    if name == "generated":
        values = spread_densities(maps[name])
    else:
        values = mask_optimal(maps) if name == "optimal" else maps[name]
    images = average_blocks(arrange_cells(maps, values), SIDE[name])
    return quantise(images.reshape(len(images), -1), LEVELS[name])


def average_blocks(images: np.ndarray, side: int) -> np.ndarray:
    """Images `(count, rows, rows)` with at most `side` rows: means of square blocks without NaN."""
    block = max(1, images.shape[-1] // side)
    rows = images.shape[-1] // block
    split = images.reshape(len(images), rows, block, rows, block).transpose(0, 1, 3, 2, 4)
    return average(split.reshape(len(images), rows, rows, block * block))


def outline_data(maps: Mapping[str, np.ndarray]) -> str:
    """The contour of p_data as the data of an SVG path, in cells from the top left."""
    data = arrange_cells(maps, maps["data"])
    lines = contourpy.contour_generator(z=data).lines(CONTOUR * data.max())
    return "".join(
        "M" + "L".join(f"{x + 0.5:.1f} {y + 0.5:.1f}" for x, y in line) for line in lines
    )

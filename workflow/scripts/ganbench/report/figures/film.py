"""Figure 1 of Goodfellow et al. 2014 over training: p_data, p_g, D and D* in one dimension."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ganbench.report.figures.film_reel import Reel, collect_reel
from ganbench.report.results import Results, Run

POINTS = {"generated": 100, "discriminator": 50, "optimal": 50}
"""Points of each curve on the page, where neighbouring cells of a map are averaged. D is smooth and
D* dotted, so that half as many show as much."""

LEVELS = 180
"""Steps in which a curve is stored: the height of the drawing, in its own units."""

ROOM = 58_000
"""Bytes that the curves of all runs on a dataset may take."""

NEGLIGIBLE = 0.005
"""Where p_data + p_g is lower, D* is a ratio of noise."""

Maps = Mapping[str, np.ndarray]


def collect_film(results: Results, dataset: str) -> dict[str, Any] | None:
    """What a script needs to draw the runs on a dataset over training, None without any.

    Beside the entries of a reel, whose `curves` it names: `x` are the ends of the grid and `data`
    is p_data on it; `top` is the value of the highest of the `levels`.
    """
    films = {run: maps for run, maps in results.maps.items() if _is_film(run, dataset, maps)}
    if not films:
        return None
    first = next(iter(films.values()))
    data = average_cells(first["data"])
    top = round(max(1.05, 1.1 * float(data.max())), 4)
    curves = {
        name: {
            run: quantise(average_cells(values, POINTS[name]) / top, LEVELS)
            for run, values in ((run, _curve(maps, name)) for run, maps in films.items())
        }
        for name in POINTS
    }
    steps = {run: maps["steps"] for run, maps in films.items()}
    centers = first["centers"][:, 0]
    half = (centers[1] - centers[0]) / 2
    return {
        "x": [float(centers[0] - half), float(centers[-1] + half)],
        "data": [round(float(value), 4) for value in data],
        "top": top,
        "levels": LEVELS,
        **collect_reel(Reel(curves, steps), results.variants, ROOM),
    }


def _is_film(run: Run, dataset: str, maps: Maps) -> bool:
    return run[0] == dataset and maps["centers"].shape[1] == 1 and len(maps["steps"]) > 0


def mask_optimal(maps: Maps) -> np.ndarray:
    """D* `(snapshots, cells)`, NaN where both densities are negligible."""
    dense = maps["data"] + maps["generated"] > NEGLIGIBLE
    return np.where(dense, maps["optimal"], np.nan)


def _curve(maps: Maps, name: str) -> np.ndarray:
    return mask_optimal(maps) if name == "optimal" else maps[name]


def average_cells(values: np.ndarray, points: int = POINTS["generated"]) -> np.ndarray:
    """The values `(..., cells)` at so many points: means of as many groups of neighbours."""
    groups = np.array_split(np.arange(values.shape[-1]), min(points, values.shape[-1]))
    return np.stack([average(values[..., group]) for group in groups], axis=-1)


def average(values: np.ndarray, axis: int = -1) -> np.ndarray:
    """The mean along an axis without NaN; NaN if there is nothing else."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def quantise(shares: np.ndarray, levels: int) -> np.ndarray:
    """Shares from 0 to 1 as whole levels from 0 to `levels`; NaN is the level above."""
    whole = (np.clip(np.nan_to_num(shares), 0, 1) * levels).round()
    return np.where(np.isfinite(shares), whole, levels + 1).astype(np.uint8)

"""Figure 1 of Goodfellow et al. 2014 over training: p_data, p_g, D and D* in one dimension."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np

from ganbench.report.results import Results, Run

POINTS = 100
"""Points of a curve on the page; neighbouring cells of a map are averaged."""

ROOM = 180_000
"""Bytes that the curves of all runs on a dataset may take: the more runs, the fewer moments."""

FEWEST_MOMENTS = 12
"""If the runs of all seeds had to have fewer, only those of the first seed are on the page."""

NEGLIGIBLE = 0.005
"""Where p_data + p_g is lower, D* is a ratio of noise."""

LEVELS = 254
"""Steps in which a curve is stored as bytes; the byte above stands for no value."""

CURVES = ("generated", "discriminator", "optimal")

Maps = Mapping[str, np.ndarray]


def collect_film(results: Results, dataset: str) -> dict[str, Any] | None:
    """What a script needs to draw the runs on a dataset over training, None without any.

    `x` and `data` are the grid and p_data; `top` is the value of the highest level. `runs` has, by
    the place of the variant and by seed, the `steps` of the moments that `ROOM` allows, and for
    each of `CURVES` the bytes of all moments, one after the other, in base64. `NaN` is the byte
    above `LEVELS`.
    """
    films = {run: maps for run, maps in results.maps.items() if _is_film(run, dataset, maps)}
    if not films:
        return None
    seeds = list(dict.fromkeys(run[2] for run in films))
    if _count_moments(len(films)) < FEWEST_MOMENTS:
        seeds = seeds[:1]
        films = {run: maps for run, maps in films.items() if run[2] == seeds[0]}
    moments = _choose_moments(films)
    first = next(iter(films.values()))
    data = average_cells(first["data"])
    top = round(max(1.05, 1.1 * float(data.max())), 4)
    runs: dict[str, dict[str, Any]] = {}
    for (_, variant, seed), maps in films.items():
        kept = np.isin(maps["steps"], moments) | (maps["steps"] == maps["steps"][-1])
        curves = {name: _pack(_curve(maps, name)[kept], top) for name in CURVES}
        place = str(results.variants.index(variant))
        runs.setdefault(place, {})[str(seed)] = {"steps": maps["steps"][kept].tolist(), **curves}
    shown = {
        step for of_variant in runs.values() for run in of_variant.values() for step in run["steps"]
    }
    return {
        "x": [float(first["centers"].min()), float(first["centers"].max())],
        "data": [round(float(value), 4) for value in data],
        "top": top,
        "levels": LEVELS,
        "steps": sorted(shown),
        "seeds": seeds,
        "runs": runs,
    }


def _count_moments(runs: int) -> int:
    """How many moments each of this many runs may have on the page."""
    return ROOM // (len(CURVES) * POINTS * runs)


def _choose_moments(films: Mapping[Run, Maps]) -> np.ndarray:
    """Steps for which there is room, evenly over those of all runs, the last one included."""
    steps = np.unique(np.concatenate([maps["steps"] for maps in films.values()]))
    count = min(len(steps), max(1, _count_moments(len(films))))
    return steps[len(steps) - 1 - np.linspace(0, len(steps) - 1, count).round().astype(int)]


def _is_film(run: Run, dataset: str, maps: Maps) -> bool:
    return run[0] == dataset and maps["centers"].shape[1] == 1 and len(maps["steps"]) > 0


def mask_optimal(maps: Maps) -> np.ndarray:
    """D* `(snapshots, cells)`, NaN where both densities are negligible."""
    dense = maps["data"] + maps["generated"] > NEGLIGIBLE
    return np.where(dense, maps["optimal"], np.nan)


def _curve(maps: Maps, name: str) -> np.ndarray:
    return average_cells(mask_optimal(maps) if name == "optimal" else maps[name])


def average_cells(values: np.ndarray) -> np.ndarray:
    """The values `(..., cells)` at `POINTS` points: means of as many groups of neighbours."""
    groups = np.array_split(np.arange(values.shape[-1]), min(POINTS, values.shape[-1]))
    return np.stack([_mean(values[..., group]) for group in groups], axis=-1)


def _mean(values: np.ndarray) -> np.ndarray:
    """The mean along the last axis without NaN; NaN if there is nothing else."""
    known = np.isfinite(values)
    count = known.sum(axis=-1)
    return np.where(count > 0, np.where(known, values, 0).sum(-1) / np.maximum(count, 1), np.nan)


def _pack(curve: np.ndarray, top: float) -> str:
    levels = np.clip(np.nan_to_num(curve) / top, 0, 1) * LEVELS
    levels = np.where(np.isfinite(curve), levels.round(), LEVELS + 1)
    return base64.b64encode(levels.astype(np.uint8).tobytes()).decode()

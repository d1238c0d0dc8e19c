"""Figure 1 of Goodfellow et al. 2014 over training, as a GIF for a README or a talk."""

import io
import re
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from PIL import Image

from ganbench.report.figures.density_maps import (
    draw_density_lines,
    draw_density_map,
    list_maps,
)
from ganbench.report.figures.drawing import open_figure
from ganbench.report.results import Results, Run

MOST_VARIANTS = 3
"""Variants that stand side by side; those after them in the study are left out."""

MOST_FRAMES = 40
FRAME, LAST_FRAME = 150, 2500
"""Milliseconds for which a frame shows."""

MOST_BYTES = 400_000
"""A larger film loses every other frame."""

COLOURS = 96
PAPER = "#fdfdfb"


def draw_gif(results: Results) -> bytes | None:
    """A frame for each moment of the runs on a known density, None if there is none.

    The same results give the same bytes.
    """
    runs = choose_filmed(results)
    return _fit(_draw_frames(results, runs)) if runs else None


def choose_filmed(results: Results) -> list[Run]:
    """The first variants on the first dataset of known density, empty if there is none.

    They are of the first seed with which every one of them has a snapshot.
    """
    for dataset in results.datasets:
        for seed in results.study["seeds"]:
            runs = [(dataset, variant, seed) for variant in results.own_variants[:MOST_VARIANTS]]
            if all(len(results.maps.get(run, {"steps": ()})["steps"]) for run in runs):
                return runs
    return []


def _draw_frames(results: Results, runs: list[Run]) -> list[Image.Image]:
    """The frames: a panel or column for each run, of its last snapshot up to the frame's step."""
    steps = sorted({int(step) for run in runs for step in results.maps[run]["steps"]})
    chosen = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), MOST_FRAMES)).astype(int))
    in_one_dimension = results.maps[runs[0]]["centers"].shape[1] == 1
    draw_frame = _draw_curves if in_one_dimension else _draw_maps
    return [draw_frame(results, runs, steps[place]) for place in chosen]


def _draw_curves(results: Results, runs: list[Run], step: int) -> Image.Image:
    with open_figure(width=3.2 * len(runs) + 0.8, height=2.7, columns=len(runs)) as (
        figure,
        panels,
    ):
        for axes, run in zip(panels, runs, strict=True):
            maps, moment, index = _find_moment(results, run, step)
            draw_density_lines(axes, maps, moment, index)
            axes.set_title(**_fit_name(run[1], 2.8, 10))
        figure.legend(*panels[-1].get_legend_handles_labels(), loc="outside right center")
        return _print_frame(figure, runs, step)


def _draw_maps(results: Results, runs: list[Run], step: int) -> Image.Image:
    arrays = list_maps(results.maps[run] for run in runs)
    count = len(runs)
    with open_figure(
        width=1.5 * count + 0.5, height=1.4 * len(arrays) + 0.7, rows=len(arrays), columns=count
    ) as (figure, panels):
        for row, (array, label) in enumerate(arrays.items()):
            for axes, run in zip(panels[row * count :], runs, strict=False):
                maps, moment, index = _find_moment(results, run, step)
                draw_density_map(axes, maps, array, moment, index)
                if row == 0:
                    axes.set_title(**_fit_name(run[1], 1.3, 9))
            panels[row * count].set_ylabel(label, rotation=0, ha="right", va="center")
        return _print_frame(figure, runs, step)


def _fit_name(name: str, inches: float, size: float) -> dict[str, Any]:
    """The title of a panel: a variant's whole name, broken after underscores and hyphens.

    Its font is smaller only if a part between two of these would be wider than the panel.
    """
    parts = re.findall(r"[^_-]*[_-]+|[^_-]+", name)
    room = 72 * inches
    size *= min(1, room / max(_measure(part, size) for part in parts))
    lines = [""]
    for part in parts:
        if lines[-1] and _measure(lines[-1] + part, size) > room:
            lines.append("")
        lines[-1] += part
    return {"label": "\n".join(lines), "fontsize": size}


def _measure(text: str, size: float) -> float:
    """The width of a line of text in points."""
    return TextPath((0, 0), text, size=size, prop=FontProperties()).get_extents().width


def _find_moment(results: Results, run: Run, step: int) -> tuple[dict[str, np.ndarray], int, int]:
    """The maps of a run, its last moment up to a step, and the place of its variant."""
    maps = results.maps[run]
    moment = max(0, int(np.searchsorted(maps["steps"], step, side="right")) - 1)
    return maps, moment, results.variants.index(run[1])


def _print_frame(figure: Figure, runs: list[Run], step: int) -> Image.Image:
    dataset, _, seed = runs[0]
    figure.set_facecolor(PAPER)
    figure.suptitle(f"{dataset}, seed {seed}, step {step:,}", fontsize=9, x=0.02, ha="left")
    figure.set_dpi(100)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])


def _fit(frames: list[Image.Image]) -> bytes:
    """The frames as a GIF of at most `MOST_BYTES`, with the last one in any case."""
    gif = _encode(frames)
    while len(gif) > MOST_BYTES and len(frames) > 1:
        frames = frames[::-1][::2][::-1]
        gif = _encode(frames)
    return gif


def _encode(frames: list[Image.Image]) -> bytes:
    """A GIF that repeats; all frames have the colours of the last."""
    palette = frames[-1].quantize(COLOURS, dither=Image.Dither.NONE)
    drawn = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    durations = [FRAME if len(frames) > 10 else 4 * FRAME] * (len(frames) - 1) + [LAST_FRAME]
    buffer = io.BytesIO()
    drawn[0].save(
        buffer,
        format="GIF",
        save_all=True,
        append_images=drawn[1:],
        duration=durations,
        loop=0,
        optimize=True,
    )
    return buffer.getvalue()

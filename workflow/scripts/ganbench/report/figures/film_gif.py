"""Figure 1 of Goodfellow et al. 2014 over training, as a GIF for a README or a talk."""

import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from ganbench.report.figures.density_maps import draw_density_lines
from ganbench.report.figures.drawing import open_figure
from ganbench.report.results import Results, Run

MOST_VARIANTS = 3
"""Variants that stand side by side; those after them in the study are left out."""

MOST_FRAMES = 40
FRAME, LAST_FRAME = 150, 2500
"""Milliseconds for which a frame shows."""

MOST_BYTES = 400_000
"""A larger film loses every other frame."""

COLOURS = 48
PAPER = "#fdfdfb"


def draw_gif(results: Results) -> bytes | None:
    """A frame for each moment of the first dataset in one dimension, None if there is none.

    Shows the first seed with which every variant has a snapshot. The same results give the same
    bytes.
    """
    for dataset in results.datasets:
        for seed in results.study["seeds"]:
            runs = [(dataset, variant, seed) for variant in results.own_variants[:MOST_VARIANTS]]
            if all(_has_curves(results, run) for run in runs):
                return _fit(_draw_frames(results, runs))
    return None


def _has_curves(results: Results, run: Run) -> bool:
    maps = results.maps.get(run)
    return maps is not None and maps["centers"].shape[1] == 1 and len(maps["steps"]) > 0


def _draw_frames(results: Results, runs: list[Run]) -> list[Image.Image]:
    """The frames: a panel for each run, with its last snapshot up to the frame's step."""
    steps = sorted({int(step) for run in runs for step in results.maps[run]["steps"]})
    chosen = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), MOST_FRAMES)).astype(int))
    return [_draw_frame(results, runs, steps[place]) for place in chosen]


def _draw_frame(results: Results, runs: list[Run], step: int) -> Image.Image:
    with open_figure(width=3.2 * len(runs) + 0.8, height=2.7, columns=len(runs)) as (
        figure,
        panels,
    ):
        figure.set_facecolor(PAPER)
        for axes, run in zip(panels, runs, strict=True):
            _draw_panel(axes, results, run, step)
        figure.legend(*panels[-1].get_legend_handles_labels(), loc="outside right center")
        dataset, _, seed = runs[0]
        figure.suptitle(f"{dataset}, seed {seed}, step {step:,}", fontsize=9, x=0.02, ha="left")
        figure.set_dpi(100)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])


def _draw_panel(axes: Axes, results: Results, run: Run, step: int) -> None:
    maps = results.maps[run]
    snapshot = max(0, int(np.searchsorted(maps["steps"], step, side="right")) - 1)
    draw_density_lines(axes, maps, snapshot, results.variants.index(run[1]))
    axes.set_title(run[1])


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

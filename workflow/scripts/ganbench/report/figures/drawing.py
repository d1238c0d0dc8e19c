"""How figures are drawn: one style, one colour per variant, the same bytes every time."""

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib as mpl
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ganbench.report.figures import svg
from ganbench.report.figures.svg import FAINT, INK

mpl.rcdefaults()  # a person's own matplotlibrc changes no figure

PALETTE = (
    "#0173b2",
    "#d55e00",
    "#029e73",
    "#a578ff",
    "#5a695a",
    "#6996c3",
    "#a54b0f",
    "#5a5ae1",
)
"""Colours of variants: three of seaborn's `colorblind`, then in turn the one that differs most from
all before it to people with and without a colour vision deficiency. Their contrast is at least 3 on
white and on black."""

DASHES = (("solid", "-"), ("dashed", (0, (4, 2))), ("dotted", (0, (1, 1.2))))
"""Line styles as CSS and matplotlib name them; the next one begins when all colours are used."""

_STYLE = {
    "svg.fonttype": "none",
    "pdf.fonttype": 42,  # conferences refuse the default, Type 3
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.labelsize": 9,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "grid.color": FAINT,
    "grid.linewidth": 0.4,
    "path.simplify": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.frameon": False,
    "legend.fontsize": 8,
}

LEGEND_LINE = 0.19
"""Height of one line of a legend, in inches."""


@dataclass(frozen=True)
class Drawing:
    """One figure, for the page and as files for a paper.

    `inline` is its SVG for the page, `caption` how to read it; `svg` and `pdf` are the contents of
    the files `{name}.svg` and `{name}.pdf`, on light paper, with a legend.
    """

    name: str
    caption: str
    inline: svg.Inline
    svg: str
    pdf: bytes


def choose_colour(index: int) -> str:
    """The colour of the variant at this place in the study."""
    return PALETTE[index % len(PALETTE)]


def choose_dash(index: int) -> str | tuple:
    """The variant's line style: solid for the first eight variants, then dashed, then dotted."""
    return DASHES[index // len(PALETTE) % len(DASHES)][1]


def choose_border(index: int) -> str:
    """The name of the same line style in CSS."""
    return DASHES[index // len(PALETTE) % len(DASHES)][0]


@contextmanager
def open_figure(
    width: float = 3.75, height: float = 2.6, rows: int = 1, columns: int = 1
) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure of `rows` times `columns` axes, in the page's style; closed afterwards.

    `width` and `height` are in inches.
    """
    with mpl.rc_context({**sns.axes_style("ticks"), **_STYLE}):
        figure, axes = plt.subplots(
            rows,
            columns,
            figsize=(width, height),
            sharex="col" if rows > 1 else False,
            sharey=True,
            squeeze=False,
            layout="constrained",
        )
        try:
            yield figure, list(axes.flat)
        finally:
            plt.close(figure)


def mark_variant(axes: Axes, lines_before: int, index: int) -> None:
    """Marks the lines added since there were `lines_before` as those of a variant."""
    for number, line in enumerate(axes.lines[lines_before:], start=lines_before):
        line.set_gid(f"variant-{index}-line-{number}")


def finish(
    figure: Figure, name: str, title: str, caption: str, variants: dict[int, str]
) -> Drawing:
    """The figure in all its forms; `variants` are those it shows, by their place in the study."""
    for axes in figure.axes:
        axes.set_title(axes.get_title(loc="left"), gid="title-")  # the page prints it bold
    text = _save(figure, "svg", name).decode()
    inline = svg.make_inline(text, name, f"{title}. {caption}")
    return Drawing(name, caption, inline, *_save_files(figure, name, variants))


def _save_files(figure: Figure, name: str, variants: dict[int, str]) -> tuple[str, bytes]:
    """SVG and PDF for a paper, laid out as the first drawing was."""
    figure.set_layout_engine("none")
    if variants:
        _add_legend(figure, variants)
    return _save(figure, "svg", name).decode(), _save(figure, "pdf", name)


def _save(figure: Figure, form: str, name: str) -> bytes:
    """The contents of a file without date and program, so that they are the same every time."""
    omitted = {"svg": ("Date", "Creator"), "pdf": ("CreationDate", "Creator", "Producer")}
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(buffer, format=form, metadata=dict.fromkeys(omitted[form]))
    return buffer.getvalue()


def _add_legend(figure: Figure, variants: dict[int, str]) -> None:
    """Adds a legend below the figure, which grows by its height."""
    width, height = figure.get_size_inches()
    columns = max(1, int(width / (0.45 + 0.075 * max(map(len, variants.values())))))
    taller = height + LEGEND_LINE * math.ceil(len(variants) / columns) + 0.1
    figure.set_size_inches(width, taller)
    for axes in figure.axes:
        x, y, across, up = axes.get_position().bounds
        axes.set_position((x, 1 - (1 - y) * height / taller, across, up * height / taller))
    handles = [
        Line2D([], [], color=choose_colour(index), ls=choose_dash(index), lw=2, label=name)
        for index, name in variants.items()
    ]
    figure.legend(handles=handles, loc="lower left", ncols=columns, handlelength=1.8)

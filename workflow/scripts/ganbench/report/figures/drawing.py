"""How figures are drawn: one style, one colour a variant, the same bytes every time."""

import io
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

PALETTE = (
    *("#0173b2", "#d55e00", "#029e73", "#a578ff", "#5a695a", "#6996c3", "#a54b0f", "#5a5ae1"),
)
"""Colours of variants: three of seaborn's `colorblind`, then those furthest from them all as people
with and without a colour deficiency see them; contrast of at least 3 on white and on black."""

DASHES = (("solid", "-"), ("dashed", (0, (4, 2))), ("dotted", (0, (1, 1.2))))
"""Line styles as CSS and matplotlib call them: a new one after each round of the palette."""

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
    """One figure: for the page, and as files for a paper.

    `inline` is its SVG for the page with what is read in it as `caption`; `svg` and `pdf` are the
    contents of the files `{name}.svg` and `{name}.pdf`, on light paper, with a legend.
    """

    name: str
    caption: str
    inline: svg.Inline
    svg: str
    pdf: bytes


def colour(index: int) -> str:
    """The colour of the variant with this place in the study."""
    return PALETTE[index % len(PALETTE)]


def dash(index: int) -> str | tuple:
    """Its line style: solid for the first eight variants, then dashed, then dotted."""
    return DASHES[index // len(PALETTE) % len(DASHES)][1]


def border(index: int) -> str:
    """The same line style by its name in CSS."""
    return DASHES[index // len(PALETTE) % len(DASHES)][0]


@contextmanager
def figure(
    width: float = 3.75, height: float = 2.6, rows: int = 1, columns: int = 1
) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure of `rows` times `columns` axes, in the page's style; closed afterwards."""
    with mpl.rc_context({**sns.axes_style("ticks"), **_STYLE}):
        drawn, axes = plt.subplots(
            *(rows, columns),
            **{"figsize": (width, height), "layout": "constrained"},
            **{"sharex": "col" if rows > 1 else False, "sharey": True, "squeeze": False},
        )
        try:
            yield drawn, list(axes.flat)
        finally:
            plt.close(drawn)


def mark_variant(axes: Axes, before: int, index: int) -> None:
    """Says of the lines added since there were `before` which variant they belong to."""
    for number, line in enumerate(axes.lines[before:]):
        line.set_gid(f"variant-{index}-line-{before + number}")


def finish(drawn: Figure, name: str, title: str, caption: str, variants: dict[int, str]) -> Drawing:
    """The figure in all its forms; `variants` names those it shows, by their place in the study."""
    for axes in drawn.axes:
        axes.set_title(axes.get_title(loc="left"), gid="title-")  # the page prints it bold
    inline = svg.inline(_saved(drawn, "svg", name).decode(), name, f"{title}. {caption}")
    drawn.set_layout_engine("none")  # what the first drawing laid out stays
    if variants:
        _add_legend(drawn, variants)
    files = {kind: _saved(drawn, kind, name) for kind in ("svg", "pdf")}
    return Drawing(name, caption, inline, files["svg"].decode(), files["pdf"])


def _saved(drawn: Figure, kind: str, name: str) -> bytes:
    """The bytes of a file that knows no date and no program."""
    unsaid = {"svg": ("Date", "Creator"), "pdf": ("CreationDate", "Creator", "Producer")}
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        drawn.savefig(buffer, format=kind, metadata=dict.fromkeys(unsaid[kind]))
    return buffer.getvalue()


def _add_legend(drawn: Figure, variants: dict[int, str]) -> None:
    """A legend below the figure, which grows by its height."""
    width, height = drawn.get_size_inches()
    columns = max(1, int(width / (0.45 + 0.075 * max(map(len, variants.values())))))
    taller = height + LEGEND_LINE * -(-len(variants) // columns) + 0.1
    drawn.set_size_inches(width, taller)
    for axes in drawn.axes:
        x, y, across, up = axes.get_position().bounds
        axes.set_position((x, 1 - (1 - y) * height / taller, across, up * height / taller))
    handles = [
        Line2D([], [], color=colour(index), ls=dash(index), lw=2, label=name)
        for index, name in variants.items()
    ]
    drawn.legend(handles=handles, loc="lower left", ncols=columns, handlelength=1.8)

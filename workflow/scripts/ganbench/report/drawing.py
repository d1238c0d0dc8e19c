"""How figures are drawn: one style, colours that follow the page, the same bytes every time."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape

import matplotlib as mpl
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PALETTE = (
    *("#2f7fc1", "#d9660a", "#1f9a6c", "#9467c9", "#d1495b", "#9c6f1a", "#17909b", "#7a7f87"),
)
"""Colours of variants, told apart by the colour-blind, with contrast on white and on black."""

INK, FAINT = "#010203", "#040506"
"""Stand-ins that become the page's own text and line colour, in light and in dark."""

_STYLE = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


def colour(index: int) -> str:
    """The colour of the variant with this place in the study."""
    return PALETTE[index % len(PALETTE)]


def dash(index: int) -> str | tuple:
    """Its line style: solid for the first eight variants, dashed beyond."""
    return "-" if index < len(PALETTE) else (0, (4, 2))


@contextmanager
def figure(width: float = 4.3, height: float = 2.8, columns: int = 1) -> Iterator[tuple]:
    """A figure of `columns` axes side by side, in the page's style; closed afterwards."""
    with mpl.rc_context({**sns.axes_style("ticks"), **_STYLE}):
        drawn, axes = plt.subplots(
            1, columns, figsize=(width, height), layout="constrained", sharey=True, squeeze=False
        )
        try:
            yield drawn, list(axes[0])
        finally:
            plt.close(drawn)


def mark_variant(axes: Axes, before: int, index: int) -> None:
    """Says of the lines added since there were `before` which variant they belong to."""
    for number, line in enumerate(axes.lines[before:]):
        line.set_gid(f"variant-{index}-line-{before + number}")


def to_svg(drawn: Figure, name: str, description: str) -> str:
    """The figure as an `<svg>` element; `name` makes its ids unique on a page."""
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        drawn.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue().decode()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.S)
    svg = re.sub(r'<g id="(variant-\d+)-line-\d+">', r'<g class="\1">', svg)
    referenced = set(re.findall(r"#([\w-]+)", svg))
    svg = re.sub(
        r' id="([\w.-]+)"',
        lambda found: f' id="{name}-{found[1]}"' if found[1] in referenced else "",
        svg,
    )
    svg = re.sub(r"(url\(#|href=\"#)", rf"\g<1>{name}-", svg)
    for stand_in, real in ((INK, "currentColor"), (FAINT, "var(--faint)")):
        svg = svg.replace(stand_in, real)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font: \1px sans-serif", svg)
    size = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', svg)
    svg = svg.replace(size[0], f'width="{float(size[1]) * 4 / 3:.0f}"', 1)
    label = escape(description, quote=True)
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


def standalone(svg: str) -> str:
    """An `<svg>` element of the page as a file of its own, in dark ink for light paper."""
    return svg.replace("currentColor", "#1b1e23").replace("var(--faint)", "#b9bec6")

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
    *("#0173b2", "#d55e00", "#029e73", "#a578ff", "#5a695a", "#6996c3", "#a54b0f", "#5a5ae1"),
)
"""Colours of variants: three of seaborn's `colorblind`, then those furthest from them all as people
with and without a colour deficiency see them; contrast of at least 3 on white and on black."""

DASHES = (("solid", "-"), ("dashed", (0, (4, 2))), ("dotted", (0, (1, 1.2))))
"""Line styles as CSS and matplotlib call them: a new one after each round of the palette."""

INK, FAINT = "#010203", "#040506"
"""Stand-ins that become the page's own text and line colour, in light and in dark."""

_STYLE = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
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
}


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
def figure(width: float = 3.75, height: float = 2.6, columns: int = 1) -> Iterator[tuple]:
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
    svg = re.sub(r'<g id="(variant-\d+|label)-?[^"]*">', r'<g class="\1">', svg)
    referenced = set(re.findall(r"#([\w-]+)", svg))
    svg = re.sub(
        r' id="([\w.-]+)"',
        lambda found: f' id="{name}-{found[1]}"' if found[1] in referenced else "",
        svg,
    )
    svg = re.sub(r' d="([^"]*)"', _rounded, svg)
    svg = re.sub(r"(url\(#|href=\"#)", rf"\g<1>{name}-", svg)
    for stand_in, real in ((INK, "currentColor"), (FAINT, "var(--faint)")):
        svg = svg.replace(stand_in, real)
    svg = re.sub(r"font: (?:(bold|700) )?([\d.]+)px [^;\"]*", _font, svg)
    size = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', svg)
    svg = svg.replace(size[0], f'width="{float(size[1]) * 4 / 3:.0f}"', 1)
    label = escape(description, quote=True)
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


def _rounded(path: re.Match) -> str:
    """A path with its coordinates to a tenth of a point."""
    numbers = re.sub(r"\d+\.\d+", lambda found: f"{float(found[0]):.1f}", path[1])
    return f' d="{" ".join(numbers.split())}"'


def _font(found: re.Match) -> str:
    weight = "600 " if found[1] else ""
    return f"font: {weight}{found[2]}px sans-serif"


def standalone(svg: str, variants: dict[int, str]) -> str:
    """An `<svg>` element of the page as a file of its own: dark ink for light paper, a legend.

    `variants` names those it shows, by their place in the study.
    """
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    width, height = float(box[1]), float(box[2])
    legend, x, y = [], 8.0, height + 10
    for index, name in variants.items():
        wanted = 32 + 5.6 * len(name)
        if x > 8 and x + wanted > width:
            x, y = 8.0, y + 14
        gaps = {"solid": "", "dashed": ' stroke-dasharray="6 3"', "dotted": ' stroke-dasharray="2"'}
        legend.append(
            f'<path d="M{x:.1f} {y:.1f}h16" stroke="{colour(index)}" stroke-width="2"'
            f'{gaps[border(index)]}/><text x="{x + 21:.1f}" y="{y + 3:.1f}" '
            f'style="font: 9px sans-serif" fill="currentColor">{escape(name)}</text>'
        )
        x += wanted
    if legend:
        svg = svg.replace(box[0], f'viewBox="0 0 {width:g} {y + 8:g}"', 1)
        svg = svg.replace("</svg>", "".join(legend) + "</svg>")
    return svg.replace("currentColor", "#1b1e23").replace("var(--faint)", "#b9bec6")

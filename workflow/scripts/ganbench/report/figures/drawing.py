"""How figures are drawn: one style, one colour per variant, the same bytes every time."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogFormatterMathtext, NullFormatter

from ganbench.report.figures import svg
from ganbench.report.figures.saving import save_pdf, save_svg
from ganbench.report.figures.svg import FAINT, INK

mpl.rcdefaults()  # a person's own matplotlibrc changes no figure

PALETTE = (
    "#0173b2",
    "#d55e00",
    "#029e73",
    "#9600ff",
    "#c31e4b",
    "#a578ff",
    "#875a78",
    "#7896a5",
    "#ff1ee1",
    "#87874b",
)
"""Colours of variants: three of seaborn's `colorblind`, then those that differ most from all others
to people with and without a colour vision deficiency (in Oklab, by the simulation of Machado et al.
2009). Their contrast is at least 3 on white, and on the page in both themes."""

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
    "text.parse_math": False,  # a level of a factor may have dollar signs
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

    `inline` is its SVG for the page, None if the page's script draws it; `caption` says how to read
    it and `outside` how many values its axis leaves out. `svg` and `pdf` are the contents of the
    files `{name}.svg` and `{name}.pdf`, on light paper, with a legend.
    """

    name: str
    caption: str
    outside: str
    inline: svg.Inline | None
    svg: str
    pdf: bytes


Sketch = Callable[[], Drawing | dict[str, Drawing]]
"""One figure that is yet to be drawn, or several by name; the process does not matter."""


def choose_colour(index: int) -> str:
    """The colour of the variant at this place in the study."""
    return PALETTE[index % len(PALETTE)]


def choose_dash(index: int) -> str | tuple:
    """The variant's line style: solid for the first ten variants, then dashed, then dotted."""
    return DASHES[index // len(PALETTE) % len(DASHES)][1]


def choose_border(index: int) -> str:
    """The name of the same line style in CSS."""
    return DASHES[index // len(PALETTE) % len(DASHES)][0]


@contextmanager
def open_figure(
    width: float = 3.75, height: float = 2.6, rows: int = 1, columns: int = 1
) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure of `rows` times `columns` axes, in the page's style.

    `width` and `height` are in inches. The style holds until the context ends.
    """
    with mpl.rc_context({**sns.axes_style("ticks"), **_STYLE}):
        figure = Figure(figsize=(width, height), dpi=72, layout="constrained")
        axes = figure.subplots(
            rows, columns, sharex="col" if rows > 1 else False, sharey=True, squeeze=False
        )
        yield figure, list(axes.flat)


def mark_variant(axes: Axes, lines_before: int, index: int, kind: str = "line") -> None:
    """Marks the lines added since there were `lines_before` as those of a variant."""
    for number, line in enumerate(axes.lines[lines_before:], start=lines_before):
        line.set_gid(f"variant-{index}-{kind}-{number}")


def _describe_scale(figure: Figure) -> dict[str, str]:
    """Attributes by which a script reads values off the lines of a figure's only axes.

    `data-scale` has, for x and for y, the value at 0 and at 1 point from the top left corner, in
    logarithms to base 10 for the axes that `data-log` names.
    """
    if len(figure.axes) != 1:
        return {}
    (axes,) = figure.axes
    height = 72 * figure.get_figheight()
    corners = axes.transData.inverted().transform([(0, height), (1, height - 1)])
    logarithmic = [name for name in "xy" if getattr(axes, f"get_{name}scale")() == "log"]
    for name in logarithmic:
        corners[:, "xy".index(name)] = np.log10(corners[:, "xy".index(name)])
    (x, y), (next_x, next_y) = corners
    scale = {"data-scale": f"{x:.8g} {next_x - x:.8g} {y:.8g} {next_y - y:.8g}"}
    return scale | ({"data-log": "".join(logarithmic)} if logarithmic else {})


def _label_powers(axis: Axis) -> None:
    """Labels a logarithmic axis in plain text: matplotlib's own labels are formulas, not parsed."""
    if isinstance(axis.get_major_formatter(), LogFormatterMathtext):
        axis.set_major_formatter(lambda value, _: print_power(value))
        axis.set_minor_formatter(NullFormatter())


def print_power(value: float) -> str:
    """A tick of a logarithmic axis: 0.01, 100, or 10⁻⁵ where that is shorter."""
    exponent = round(math.log10(value))
    if abs(exponent) < 4 or not math.isclose(value, 10.0**exponent):
        return f"{value:g}".replace("-", "−")
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def finish(
    figure: Figure,
    name: str,
    title: str,
    caption: str,
    variants: dict[int, str],
    *,
    outside: str = "",
    inline: bool = True,
) -> Drawing:
    """The figure in all its forms; `variants` are those it shows, by their place in the study.

    The page has its own legend: it gets the SVG of the file without one, unless not `inline`.
    """
    for axes in figure.axes:
        axes.set_title(axes.get_title(loc="left"), gid="title-")  # the page prints it bold
        for axis in (axes.xaxis, axes.yaxis):
            _label_powers(axis)
    FigureCanvasSVG(figure)  # by which text is measured, and not by that of the PDF drawn before
    figure.set_layout_engine("constrained")
    figure.get_layout_engine().execute(figure)
    figure.set_layout_engine("none")  # a legend must not change it
    height, scale = figure.get_figheight(), _describe_scale(figure)
    with _legend_below(figure, variants):
        text, pdf = save_svg(figure, name), save_pdf(figure)
    description = f"{title}. {caption}{outside}"
    shown = svg.make_inline(text, name, description, 72 * height, scale) if inline else None
    return Drawing(name, caption, outside, shown, text, pdf)


@contextmanager
def _legend_below(figure: Figure, variants: dict[int, str]) -> Iterator[None]:
    """The figure with a legend below it, by whose height it grows; afterwards it is as before."""
    if not variants:
        yield
        return
    width, height = figure.get_size_inches()
    columns = max(1, int(width / (0.45 + 0.075 * max(map(len, variants.values())))))
    taller = height + LEGEND_LINE * math.ceil(len(variants) / columns) + 0.1
    figure.set_size_inches(width, taller)
    positions = [axes.get_position() for axes in figure.axes]
    for axes, (x, y, across, up) in zip(figure.axes, [p.bounds for p in positions], strict=True):
        axes.set_position((x, 1 - (1 - y) * height / taller, across, up * height / taller))
    handles = [
        Line2D([], [], color=choose_colour(index), ls=choose_dash(index), lw=2, label=name)
        for index, name in variants.items()
    ]
    legend = figure.legend(handles=handles, loc="lower left", ncols=columns, handlelength=1.8)
    legend.set_gid(svg.FILE_LEGEND)
    yield
    legend.remove()
    figure.set_size_inches(width, height)
    for axes, position in zip(figure.axes, positions, strict=True):
        axes.set_position(position)
        axes.set_in_layout(True)

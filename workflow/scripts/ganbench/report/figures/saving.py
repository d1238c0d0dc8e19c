"""Figures as SVG and PDF: drawn once, without date and program, so the same bytes every time.

`Figure.savefig` would draw each figure once more, to compute a layout.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from fontTools import subset
from fontTools.ttLib import TTFont
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

_NEEDLESS_TABLES = ("GDEF", "GPOS", "GSUB")
"""Large tables of a font, by which a program places glyphs. In a PDF each has its place."""


def save_svg(figure: Figure, name: str) -> str:
    """The figure as SVG; `name` makes its ids."""
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        FigureCanvasSVG(figure).print_svg(buffer, metadata=dict.fromkeys(("Date", "Creator")))
    return buffer.getvalue().decode()


def save_pdf(figure: Figure) -> bytes:
    """The figure as PDF."""
    buffer = io.BytesIO()
    omitted = ("CreationDate", "Creator", "Producer")
    with _small_fonts():
        FigureCanvasPdf(figure).print_pdf(buffer, metadata=dict.fromkeys(omitted))
    return buffer.getvalue()


@contextmanager
def _small_fonts() -> Iterator[None]:
    """Lets matplotlib embed fonts without `_NEEDLESS_TABLES`.

    For each figure it reads all of a font to keep what belongs to the figure's text. With these
    tables that takes a third of a report's time.
    """
    load = subset.load_font

    def load_less(*arguments: Any, **options: Any) -> TTFont:
        font = load(*arguments, **options)
        for tag in _NEEDLESS_TABLES:
            if tag in font:
                del font[tag]
        return font

    subset.load_font = load_less
    try:
        yield
    finally:
        subset.load_font = load

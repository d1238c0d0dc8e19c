"""Figures as SVG and PDF: drawn once, without date and program, so the same bytes every time.

`Figure.savefig` would draw each figure once more, to compute a layout.
"""

import io
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import matplotlib as mpl
from fontTools import subset
from fontTools.ttLib import TTFont
from matplotlib.backends import _backend_pdf_ps
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

USUAL = (*range(0x20, 0x250), *range(0x370, 0x400), *range(0x2000, 0x2300))
"""Characters of the small copy of a font: Latin, Greek, and mathematical signs."""


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
    """Lets matplotlib embed fonts without reading all of one for each figure.

    It keeps the glyphs of a font that belong to a figure's text, and here all of ASCII too: then
    most figures need the same glyphs, which are taken out of the font once.
    """
    make_subset = _backend_pdf_ps.get_glyphs_subset

    @contextmanager
    def make_subset_of_copy(file: Any, glyphs: Collection[int]) -> Iterator[Any]:
        copy = _copy_font(str(file))
        if not copy.places.keys() >= set(glyphs):
            with make_subset(file, glyphs) as result:
                yield result
            return
        font, places = _reduce_font(file, copy.ascii.union(glyphs), make_subset)
        with TTFont(io.BytesIO(font), recalcTimestamp=False) as opened:
            yield _backend_pdf_ps.SubsetResults(opened, places)

    _backend_pdf_ps.get_glyphs_subset = make_subset_of_copy
    try:
        yield
    finally:
        _backend_pdf_ps.get_glyphs_subset = make_subset


@cache
def _reduce_font(
    file: Any, glyphs: frozenset[int], make_subset: Callable
) -> tuple[bytes, dict[int, int]]:
    """A font with these glyphs only, made from the small copy, and their new numbers."""
    copy = _copy_font(str(file))
    with _loading(copy.font), make_subset(file, {copy.places[glyph] for glyph in glyphs}) as result:
        places = {glyph: result.glyph_index_map[copy.places[glyph]] for glyph in glyphs}
        return _backend_pdf_ps.font_as_file(result.font).getvalue(), places


@contextmanager
def _loading(font: bytes) -> Iterator[None]:
    """Lets fontTools load this font, whichever file it is asked for."""
    load = subset.load_font
    subset.load_font = lambda _, *arguments: load(io.BytesIO(font), *arguments)
    try:
        yield
    finally:
        subset.load_font = load


@dataclass(frozen=True)
class FontCopy:
    """A smaller font: the new numbers of its glyphs by the former ones, and the former of ASCII."""

    font: bytes
    places: dict[int, int]
    ascii: frozenset[int]


@cache
def _copy_font(file: str) -> FontCopy:
    """A font with its usual characters only.

    It lacks the large tables by which a program places glyphs: in a PDF each has its place.
    """
    options = subset.Options(glyph_names=True, recommended_glyphs=True)
    options.drop_tables += ["FFTM", "GDEF", "GPOS", "GSUB"]
    font = subset.load_font(file, options)
    names = font.getBestCmap()
    ascii_glyphs = {font.getGlyphID(names[code]) for code in range(0x20, 0x7F) if code in names}
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=USUAL)
    subsetter.subset(font)
    buffer = io.BytesIO()
    font.save(buffer)
    return FontCopy(buffer.getvalue(), subsetter.glyph_index_map, frozenset(ascii_glyphs))

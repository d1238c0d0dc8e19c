"""Figures as SVG and PDF: drawn once, without date and program, so the same bytes every time.

`Figure.savefig` would draw each figure once more, to compute a layout.
"""

import io
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import matplotlib as mpl
from fontTools import subset
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

    It keeps the glyphs of a font that belong to a figure's text. Where all of them are usual ones,
    it is given a small copy of the font.
    """
    make_subset = _backend_pdf_ps.get_glyphs_subset

    @contextmanager
    def make_subset_of_copy(file: Any, glyphs: Collection[int]) -> Iterator[Any]:
        copy, places = _copy_font(str(file))
        if not places.keys() >= set(glyphs):
            with make_subset(file, glyphs) as result:
                yield result
            return
        with _loading(copy), make_subset(file, {places[glyph] for glyph in glyphs}) as result:
            moved = {
                glyph: result.glyph_index_map[place]
                for glyph, place in places.items()
                if place in result.glyph_index_map
            }
            yield result._replace(glyph_index_map=moved)

    _backend_pdf_ps.get_glyphs_subset = make_subset_of_copy
    try:
        yield
    finally:
        _backend_pdf_ps.get_glyphs_subset = make_subset


@contextmanager
def _loading(font: bytes) -> Iterator[None]:
    """Lets fontTools load this font, whichever file it is asked for."""
    load = subset.load_font
    subset.load_font = lambda _, *arguments: load(io.BytesIO(font), *arguments)
    try:
        yield
    finally:
        subset.load_font = load


@cache
def _copy_font(file: str) -> tuple[bytes, dict[int, int]]:
    """A font with its usual characters only, and the new numbers of its glyphs by the former ones.

    It lacks the large tables by which a program places glyphs: in a PDF each has its place.
    """
    options = subset.Options(glyph_names=True, recommended_glyphs=True)
    options.drop_tables += ["FFTM", "GDEF", "GPOS", "GSUB"]
    font = subset.load_font(file, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=USUAL)
    subsetter.subset(font)
    buffer = io.BytesIO()
    font.save(buffer)
    return buffer.getvalue(), subsetter.glyph_index_map

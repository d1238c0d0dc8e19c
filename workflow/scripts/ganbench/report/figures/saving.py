"""Figures as SVG and PDF: drawn once, without date and program, so the same bytes every time.

`Figure.savefig` would draw each figure once more, to compute a layout.
"""

import io
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, BinaryIO

import matplotlib as mpl
from fontTools import subset
from matplotlib.backends import _backend_pdf_ps
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

LIGATURES = range(0xFB00, 0xFB05)
"""ff, fi, fl, ffi, ffl: matplotlib sets some of these itself."""

USUAL = (
    *range(0x20, 0x250),
    *range(0x370, 0x400),
    *range(0x2000, 0x2300),
    *range(0x25A0, 0x2600),
    *LIGATURES,
)
"""Characters of the small copy of a font: Latin, Greek, mathematical signs and shapes."""

EMBEDDED = frozenset([*range(0x20, 0x7F), ord("−"), ord("–"), ord("×"), *LIGATURES])
"""Characters that every PDF has of a font that it uses, so that most figures share a subset."""


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
    the figure gets `EMBEDDED`, too, by which most figures have the same subset, made once.
    """
    make_subset = _backend_pdf_ps.get_glyphs_subset

    @contextmanager
    def share_subset(file: Any, glyphs: Collection[int]) -> Iterator[Any]:
        copy = _copy_font(str(file))
        if not copy.places.keys() >= set(glyphs):
            with make_subset(file, glyphs) as result:
                yield result
            return
        places = frozenset(copy.places[glyph] for glyph in glyphs) | copy.embedded
        font, moved = _make_subset(str(file), places)
        numbers = {glyph: moved[place] for glyph, place in copy.places.items() if place in moved}
        yield _backend_pdf_ps.SubsetResults(_Written(font), numbers)

    _backend_pdf_ps.get_glyphs_subset = share_subset
    try:
        yield
    finally:
        _backend_pdf_ps.get_glyphs_subset = make_subset


@dataclass(frozen=True)
class _Written:
    """A font that fontTools wrote before; matplotlib asks it for nothing but its file."""

    data: bytes

    def save(self, file: BinaryIO, **_: object) -> None:
        file.write(self.data)


@dataclass(frozen=True)
class _Copy:
    """A font with its usual characters only, and the new numbers of its glyphs by the former ones.

    `embedded` are the new numbers of the glyphs of `EMBEDDED`.
    """

    data: bytes
    places: dict[int, int]
    embedded: frozenset[int]


@cache
def _make_subset(file: str, places: frozenset[int]) -> tuple[bytes, dict[int, int]]:
    """The glyphs at some places of the small copy of a font, and their new numbers by place."""
    options = _choose_options()
    font = subset.load_font(io.BytesIO(_copy_font(file).data), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(gids=places)
    subsetter.subset(font)
    return _write_font(font), subsetter.glyph_index_map


@cache
def _copy_font(file: str) -> _Copy:
    """The small copy of a font.

    It lacks the large tables by which a program places glyphs: in a PDF each has its place.
    """
    options = _choose_options()
    font = subset.load_font(file, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=USUAL)
    subsetter.subset(font)
    names = {code: name for code, name in font.getBestCmap().items() if code in EMBEDDED}
    embedded = frozenset(font.getGlyphID(name) for name in names.values())
    return _Copy(_write_font(font), subsetter.glyph_index_map, embedded)


def _choose_options() -> subset.Options:
    """Without hints, which only screens of few pixels need: they are half of a font."""
    options = subset.Options(glyph_names=True, recommended_glyphs=True, hinting=False)
    options.drop_tables += ["FFTM", "GDEF", "GPOS", "GSUB"]
    return options


def _write_font(font: subset.ttLib.TTFont) -> bytes:
    buffer = io.BytesIO()
    font.save(buffer)
    return buffer.getvalue()

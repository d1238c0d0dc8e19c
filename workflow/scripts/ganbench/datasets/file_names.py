"""Names of image files: the endings that are read, and lists of names in messages."""

import os
from collections.abc import Iterable

TGA_SUFFIXES = {".tga", ".icb", ".vda", ".vst"}
"""TGA files have no signature, so that only a name can say that a file is one."""
SUFFIXES = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif", ".bmp", ".gif"}
SUFFIXES |= {".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".jp2", ".j2k", ".j2c", ".jpx", ".jpf"}
SUFFIXES |= TGA_SUFFIXES
CONVERT_HEIC = (
    "by `heif-convert` of libheif or `mogrify -format png *.heic` of ImageMagick, or let the "
    "camera save JPEG"
)
NAMED_FILES = 5
"""Files that a message names."""


def count_files(names: Iterable[str], noun: str, plural: str = "") -> str:
    """The number of files and the first of them by name: 7 images (a.png, b.png, …)."""
    names = sorted(map(make_printable, names))
    more = ", …" if len(names) > NAMED_FILES else ""
    nouns = noun if len(names) == 1 else plural or f"{noun}s"
    return f"{len(names):,} {nouns} ({', '.join(names[:NAMED_FILES])}{more})"


def make_printable(name: str) -> str:
    """A file's name, with bytes that are not UTF-8 replaced: no text file can hold them."""
    return os.fsencode(name).decode("utf-8", errors="replace")

"""Reads image files in parallel, each cropped to a square and resized, refusing none silently."""

import os
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ganbench.datasets.sources import DatasetError

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "BMP", "GIF", "TIFF", "PPM")
"""What a file may be inside, whatever its name says: formats that no other program is run for."""
BLOCK = 32
"""Files that a thread reads before it reports."""
SHOWN = 5
"""Files that a message names."""
ORIENTATION = 0x0112
"""The EXIF tag that says how a camera was held."""

TRANSPARENT = ("RGBA", "LA", "PA")
MODES = ("1", "L", "P", "RGB", "CMYK", "YCbCr", *TRANSPARENT)
"""Pillow's names of the pixels whose colours are known: not those of 32 bits, of any range."""

Opener = Callable[[], Path | IO[bytes]]
"""Gives a file where it is read, so that not all are open at once."""


class _UnusableError(Exception):
    """Why an image cannot be used."""


@dataclass(frozen=True)
class Read:
    """What became of one file: a problem, and more words on it, or what was done to use it."""

    name: str
    problem: str = ""
    details: str = ""
    decisions: tuple[str, ...] = ()


def read_pictures(
    files: Sequence[tuple[str, Opener]],
    into: np.ndarray,
    advance: Callable[[int], None],
    size: tuple[int, int] | None = None,
) -> list[str]:
    """Fills `into`, uint8 `(count, channels, resolution, resolution)`, from (name, opener) pairs.

    The square at the centre of each image is resized with antialiasing: Pillow's bicubic filter,
    which Parmar et al. 2022 recommend (On aliased resizing). Gives in words what was done with
    images out of the ordinary. Where `size` is given, every image must have that (width, height).
    Raises DatasetError, naming the files, where any cannot be used. Equal whatever the number of
    threads.
    """

    def block(start: int) -> list[Read]:
        stop = min(start + BLOCK, len(files))
        return [_read(*files[index], into[index], size) for index in range(start, stop)]

    Image.init()  # once, not in every thread
    read: list[Read] = []
    with warnings.catch_warnings(), ThreadPoolExecutor(_processors()) as threads:
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        for found in threads.map(block, range(0, len(files), BLOCK)):
            read += found
            advance(len(read))
    _refuse([each for each in read if each.problem])
    decisions = defaultdict(list)
    for each in read:
        for decision in each.decisions:
            decisions[decision].append(each.name)
    return [f"{what}: {shown(names)}" for what, names in sorted(decisions.items())]


def _processors() -> int:
    """How many this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _refuse(unusable: list[Read]) -> None:
    if not unusable:
        return
    told = []
    for problem in sorted({each.problem for each in unusable}):
        files = [each for each in unusable if each.problem == problem]
        details = f"; the first: {files[0].details}" if files[0].details else ""
        told.append(f"{problem}: {shown(each.name for each in files)}{details}")
    raise DatasetError(f"images that cannot be used: {'; '.join(told)}. Mend or remove them")


def shown(names: Iterable[str]) -> str:
    """How many files, and the first of them by name."""
    names = sorted(map(printable, names))
    more = ", …" if len(names) > SHOWN else ""
    return f"{len(names):,} ({', '.join(names[:SHOWN])}{more})"


def printable(name: str) -> str:
    """A file's name without what no text file can hold: bytes that are not UTF-8."""
    return os.fsencode(name).decode("utf-8", errors="replace")


def _read(name: str, opener: Opener, into: np.ndarray, size: tuple[int, int] | None) -> Read:
    """Reads one file into `(channels, resolution, resolution)`."""
    try:
        pixels, decisions = _pixels(opener(), *into.shape[:2], size)
    except _UnusableError as error:
        return Read(name, str(error))
    except UnidentifiedImageError:
        return Read(name, "no image, whatever its name says")
    except FileNotFoundError:
        return Read(name, "missing")
    except PermissionError:
        return Read(name, "may not be read")
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        return Read(name, f"more than {Image.MAX_IMAGE_PIXELS:,} pixels")
    except MemoryError:
        raise
    except Exception as error:  # Pillow's readers raise what they come across
        return Read(name, "damaged", f"{type(error).__name__}: {error}")
    into[...] = pixels
    return Read(name, decisions=tuple(decisions))


def _pixels(
    file: Path | IO[bytes], channels: int, resolution: int, size: tuple[int, int] | None
) -> tuple[np.ndarray, list[str]]:
    if isinstance(file, Path) and file.exists() and not file.is_file():
        raise _UnusableError("not a file")
    with Image.open(file, formats=FORMATS) as opened:
        image, decisions = _plain(opened, channels)
    if size and image.size != size:
        raise _UnusableError(f"not {size[0]}×{size[1]}")
    side = min(image.size)
    if side < resolution:
        raise _UnusableError(f"smaller than {resolution}×{resolution}")
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side))  # first: resizing looks around a box
    resized = np.asarray(square.resize((resolution, resolution), Image.Resampling.BICUBIC))
    return (resized[None] if channels == 1 else resized.transpose(2, 0, 1)), decisions


def _plain(opened: Image.Image, channels: int) -> tuple[Image.Image, list[str]]:
    """Upright, opaque, 8 bits, grey or colour; and what it took to become so."""
    decisions = []
    if getattr(opened, "n_frames", 1) > 1:
        decisions.append("several frames: the first taken")
    deep = any(";16" in str(tile.args) for tile in opened.tile)
    opened.load()
    image = ImageOps.exif_transpose(opened)
    if opened.getexif().get(ORIENTATION, 1) != 1:
        decisions.append("turned upright as their EXIF says")
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.mode not in MODES:
        raise _UnusableError(f"pixels of a kind that is not read ({image.mode})")
    if deep:
        decisions.append("16 bits: the upper 8 taken")
    if "transparency" in image.info or image.mode in TRANSPARENT:
        decisions.append("with transparency: laid on white")
        image = _on_white(image)
    wanted = "L" if channels == 1 else "RGB"
    grey = image.mode in ("1", "L")
    if grey and wanted == "RGB":
        decisions.append("grey: three equal channels")
    elif not grey and wanted == "L":
        decisions.append("colour: brought to grey (ITU-R 601-2 luma)")
    if image.mode not in ("1", "L", "RGB"):
        decisions.append(f"{'palette' if image.mode == 'P' else image.mode}: brought to RGB")
        image = image.convert("RGB")
    return image.convert(wanted), decisions


def _on_white(image: Image.Image) -> Image.Image:
    """Grey stays grey, so that it is told as such."""
    grey = image.mode in ("1", "L", "LA")
    with_alpha = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, with_alpha).convert("L" if grey else "RGB")

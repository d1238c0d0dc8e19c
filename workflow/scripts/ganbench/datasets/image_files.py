"""Reads image files in parallel, each cropped to a square and resized; skips none silently."""

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
"""Formats that a file may have, whatever its name. Pillow reads them without other programs."""
BLOCK = 32
"""Files that a thread reads before it reports progress."""
NAMED_FILES = 5
"""Files that a message names."""
ORIENTATION = 0x0112
"""The EXIF tag for the orientation of the camera."""

TRANSPARENT = ("RGBA", "LA", "PA")
MODES = ("1", "L", "P", "RGB", "CMYK", "YCbCr", *TRANSPARENT)
"""Pillow's pixel formats that have a fixed range; those of 32 bits have none."""

Opener = Callable[[], Path | IO[bytes]]
"""Opens a file only when it is read, so that few are open at once."""


class _UnusableError(Exception):
    """The reason why an image cannot be used."""


@dataclass(frozen=True)
class _Outcome:
    """The result of reading one file: a problem with its details, or the conversions made.

    A conversion is a sentence with `{}` for the number of images.
    """

    name: str
    problem: str = ""
    details: str = ""
    conversions: tuple[str, ...] = ()


def read_images(
    files: Sequence[tuple[str, Opener]],
    into: np.ndarray,
    advance: Callable[[int], None],
    size: tuple[int, int] | None = None,
) -> list[str]:
    """Fills `into`, uint8 `(count, channels, resolution, resolution)`, from (name, opener) pairs.

    The central square of each image is resized by Pillow's bicubic filter, with antialiasing, as
    Parmar et al. 2022 (On aliased resizing) recommend. Returns a sentence for each kind of
    conversion that images needed. With `size`, every image must have that (width, height). Raises
    DatasetError, which names the files, if any cannot be used. The number of threads changes
    nothing.
    """

    def read_block(start: int) -> list[_Outcome]:
        stop = min(start + BLOCK, len(files))
        return [_read(*files[index], into[index], size) for index in range(start, stop)]

    Image.init()  # once, not in every thread
    outcomes: list[_Outcome] = []
    with warnings.catch_warnings(), ThreadPoolExecutor(_count_processors()) as threads:
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        for block in threads.map(read_block, range(0, len(files), BLOCK)):
            outcomes += block
            advance(len(outcomes))
    _refuse([outcome for outcome in outcomes if outcome.problem])
    names = defaultdict(list)
    for outcome in outcomes:
        for conversion in outcome.conversions:
            names[conversion].append(outcome.name)
    return [
        f"{conversion.format(count_files(names[conversion], 'image'))}."
        for conversion in sorted(names)
    ]


def _count_processors() -> int:
    """Processors that this process may use, where the system says so."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _refuse(unusable: list[_Outcome]) -> None:
    if not unusable:
        return
    problems = []
    for problem in sorted({outcome.problem for outcome in unusable}):
        outcomes = [outcome for outcome in unusable if outcome.problem == problem]
        details = f"; the first: {outcomes[0].details}" if outcomes[0].details else ""
        names = count_files([outcome.name for outcome in outcomes], "image")
        problems.append(f"{problem}: {names}{details}")
    raise DatasetError(f"unusable images: {'; '.join(problems)}. Repair or remove them")


def count_files(names: Iterable[str], noun: str) -> str:
    """The number of files and the first of them by name: 7 images (a.png, b.png, …)."""
    names = sorted(map(make_printable, names))
    more = ", …" if len(names) > NAMED_FILES else ""
    plural = "" if len(names) == 1 else "s"
    return f"{len(names):,} {noun}{plural} ({', '.join(names[:NAMED_FILES])}{more})"


def make_printable(name: str) -> str:
    """A file's name, with bytes that are not UTF-8 replaced: no text file can hold them."""
    return os.fsencode(name).decode("utf-8", errors="replace")


def _read(name: str, opener: Opener, into: np.ndarray, size: tuple[int, int] | None) -> _Outcome:
    """Reads one file into an array `(channels, resolution, resolution)`."""
    try:
        pixels, conversions = _read_pixels(opener(), *into.shape[:2], size)
    except _UnusableError as error:
        return _Outcome(name, str(error))
    except UnidentifiedImageError:
        return _Outcome(name, "not an image despite its name")
    except FileNotFoundError:
        return _Outcome(name, "missing")
    except PermissionError:
        return _Outcome(name, "permission denied")
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        return _Outcome(name, f"more than {Image.MAX_IMAGE_PIXELS:,} pixels")
    except MemoryError:
        raise
    except Exception as error:  # Pillow's readers raise errors of any type on damaged files
        return _Outcome(name, "damaged", f"{type(error).__name__}: {error}")
    into[...] = pixels
    return _Outcome(name, conversions=tuple(conversions))


def _read_pixels(
    file: Path | IO[bytes], channels: int, resolution: int, size: tuple[int, int] | None
) -> tuple[np.ndarray, list[str]]:
    if isinstance(file, Path) and file.exists() and not file.is_file():
        raise _UnusableError("not a regular file")
    with Image.open(file, formats=FORMATS) as opened:
        image, conversions = _convert(opened, channels)
    if size and image.size != size:
        raise _UnusableError(f"not {size[0]}×{size[1]}")
    side = min(image.size)
    if side < resolution:
        raise _UnusableError(f"smaller than {resolution}×{resolution}")
    left, top = (image.width - side) // 2, (image.height - side) // 2
    # cropped first: resizing a box of an image would read pixels outside the box
    square = image.crop((left, top, left + side, top + side))
    pixels = np.asarray(square.resize((resolution, resolution), Image.Resampling.BICUBIC))
    return (pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)), conversions


def _convert(opened: Image.Image, channels: int) -> tuple[Image.Image, list[str]]:
    """The image upright, opaque, 8 bits, in grey or colour; and the conversions that it took."""
    conversions = []
    if getattr(opened, "n_frames", 1) > 1:
        conversions.append("Used only the first frame of {}")
    has_16_bits = any(";16" in str(tile.args) for tile in opened.tile)
    opened.load()
    image = ImageOps.exif_transpose(opened)
    if opened.getexif().get(ORIENTATION, 1) != 1:
        conversions.append("Applied the EXIF orientation of {}")
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.mode not in MODES:
        raise _UnusableError(f"unsupported pixel format ({image.mode})")
    if has_16_bits:
        conversions.append("Kept the upper 8 of the 16 bits of {}")
    if "transparency" in image.info or image.mode in TRANSPARENT:
        conversions.append("Put a white background behind {}")
        image = _add_white_background(image)
    mode = "L" if channels == 1 else "RGB"
    is_grey = image.mode in ("1", "L")
    if is_grey and mode == "RGB":
        conversions.append("Used grey as three equal channels in {}")
    elif not is_grey and mode == "L":
        conversions.append("Converted colour to grey (ITU-R 601-2 luma) in {}")
    if image.mode not in ("1", "L", "RGB"):
        old = "a palette" if image.mode == "P" else image.mode
        conversions.append(f"Converted {old} to RGB in {{}}")
        image = image.convert("RGB")
    return image.convert(mode), conversions


def _add_white_background(image: Image.Image) -> Image.Image:
    """Keeps grey images grey, so that they are counted as such."""
    is_grey = image.mode in ("1", "L", "LA")
    with_alpha = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, with_alpha).convert("L" if is_grey else "RGB")

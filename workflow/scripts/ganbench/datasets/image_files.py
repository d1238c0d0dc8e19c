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
from PIL import Image, UnidentifiedImageError

from ganbench.datasets.file_names import CONVERT_HEIC, TGA_SUFFIXES, count_files
from ganbench.datasets.image_conversion import Conversion, UnusableError, convert_image
from ganbench.datasets.sources import DatasetError
from ganbench.jobs.systems import count_usable_cores

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "BMP", "GIF", "TIFF", "PPM", "JPEG2000")
"""Formats that a file may have, whatever its name. Pillow reads them without other programs."""
DEPTHS = (8, 10, 12, 14)
"""Bits that cameras and scanners use of the 16 in a file."""
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
"""Bytes 8 to 12 of HEIC files."""

BLOCK = 32
"""Files that a thread reads before it reports progress."""

Opener = Callable[[], Path | IO[bytes]]
"""Opens a file only when it is read, so that few are open at once."""


@dataclass(frozen=True)
class _Outcome:
    """The result of reading one file: a problem with its details, or the conversions made.

    A conversion is a sentence with `{}` for the number of images. The peaks are those of
    `Conversion`.
    """

    name: str
    problem: str = ""
    details: str = ""
    conversions: tuple[str, ...] = ()
    peak: int = -1
    colour_peak: int = -1


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

    outcomes = _read_all(files, into, size, 16, advance)
    bits = _find_depth([outcome.peak for outcome in outcomes])
    if bits < 16:  # known only now that all images have been seen
        deep = [index for index, outcome in enumerate(outcomes) if outcome.peak >= 0]
        for index in deep:
            outcomes[index] = _read(*files[index], into[index], size, bits)
    _refuse([outcome for outcome in [*outcomes, *_find_dark(outcomes)] if outcome.problem])
    names = defaultdict(list)
    for outcome in outcomes:
        for conversion in outcome.conversions:
            names[conversion].append(outcome.name)
    return [
        f"{conversion.format(count_files(names[conversion], 'image'))}."
        for conversion in sorted(names)
    ]


def _read_all(
    files: Sequence[tuple[str, Opener]],
    into: np.ndarray,
    size: tuple[int, int] | None,
    bits: int,
    advance: Callable[[int], None],
) -> list[_Outcome]:
    def read_block(start: int) -> list[_Outcome]:
        stop = min(start + BLOCK, len(files))
        return [_read(*files[index], into[index], size, bits) for index in range(start, stop)]

    Image.init()  # once, not in every thread
    outcomes: list[_Outcome] = []
    with warnings.catch_warnings(), ThreadPoolExecutor(count_usable_cores()) as threads:
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        for block in threads.map(read_block, range(0, len(files), BLOCK)):
            outcomes += block
            advance(len(outcomes))
    return outcomes


def _find_depth(peaks: Iterable[int]) -> int:
    """The bits that the values of all 16-bit images together use, of those in DEPTHS, or 16."""
    largest = max(peaks, default=-1)
    if largest <= 0:
        return 16
    return next((bits for bits in DEPTHS if largest < 1 << bits), 16)


def _find_dark(outcomes: list[_Outcome]) -> list[_Outcome]:
    """Problems of 16-bit colour images that use so few bits that Pillow drops most of them."""
    deep = [outcome for outcome in outcomes if outcome.colour_peak >= 0]
    largest = max((outcome.colour_peak for outcome in deep), default=0)
    if not deep or largest == 0 or largest >= 1 << (DEPTHS[-1] - 8):
        return []
    problem = (
        f"colour in 16 bits a channel with values below {(largest + 1) << 8:,} of 65,536, of which "
        "only the upper 8 bits can be read, so that almost nothing is left (scale them to 8 bits, "
        "for example by ImageMagick's `-depth 8 -auto-level`)"
    )
    return [_Outcome(outcome.name, problem) for outcome in deep]


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


def _read(
    name: str, opener: Opener, into: np.ndarray, size: tuple[int, int] | None, bits: int
) -> _Outcome:
    """Reads one file into an array `(channels, resolution, resolution)`."""
    is_tga = os.path.splitext(name)[1].lower() in TGA_SUFFIXES
    formats = ("TGA",) if is_tga else FORMATS
    try:
        conversion = _read_pixels(opener(), formats, into, size, bits)
    except UnusableError as error:
        return _Outcome(name, str(error))
    except UnidentifiedImageError:
        return _Outcome(name, _describe_unidentified(opener))
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
    steps, peak, colour_peak = conversion.steps, conversion.peak, conversion.colour_peak
    return _Outcome(name, conversions=tuple(steps), peak=peak, colour_peak=colour_peak)


def _describe_unidentified(opener: Opener) -> str:
    """Telephones and messengers save HEIC under the names of JPEG files."""
    file = opener()
    with file.open("rb") if isinstance(file, Path) else file as opened:
        start = opened.read(12)
    if start[4:8] == b"ftyp" and start[8:] in HEIC_BRANDS:
        return f"HEIC despite its name, which is not read (convert {CONVERT_HEIC})"
    return "not an image despite its name"


def _read_pixels(
    file: Path | IO[bytes],
    formats: Sequence[str],
    into: np.ndarray,
    size: tuple[int, int] | None,
    bits: int,
) -> Conversion:
    """Fills `into`, `(channels, resolution, resolution)`; returns what it took."""
    if isinstance(file, Path) and file.exists() and not file.is_file():
        raise UnusableError("not a regular file")
    channels, resolution, _ = into.shape
    with Image.open(file, formats=formats) as opened:
        conversion = convert_image(opened, channels, bits)
    image = conversion.image
    if size and image.size != size:
        raise UnusableError(f"not {size[0]}×{size[1]}")
    side = min(image.size)
    if side < resolution:
        raise UnusableError(f"smaller than {resolution}×{resolution}")
    if image.width != image.height:
        conversion.steps.append("Cropped {} to the square at the centre")
    left, top = (image.width - side) // 2, (image.height - side) // 2
    # cropped first: resizing a box of an image would read pixels outside the box
    square = image.crop((left, top, left + side, top + side))
    pixels = np.asarray(square.resize((resolution, resolution), Image.Resampling.BICUBIC))
    into[...] = pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)
    return conversion

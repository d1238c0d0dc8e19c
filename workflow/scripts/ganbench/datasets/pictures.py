"""Reads image files in parallel, each cropped to a square and resized, refusing none silently."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ganbench.datasets.sources import DatasetError

MOST_PIXELS = 50_000_000
"""Of one file: a small file that decodes to more is not opened."""
SHOWN = 5
"""Files that a message names."""


@dataclass(frozen=True)
class Read:
    """One file: its pixels `(channels, height, width)` or why there are none; what was done."""

    name: str
    pixels: np.ndarray | None
    problem: str = ""
    decisions: tuple[str, ...] = ()


def read_pictures(
    files: Sequence[tuple[str, Callable[[], Path | IO[bytes]]]],
    into: np.ndarray,
    advance: Callable[[int], None],
    prepared: Callable[[Image.Image], Image.Image] = lambda image: image,
) -> list[str]:
    """Fills `into`, uint8 `(count, channels, resolution, resolution)`, from (name, opener) pairs.

    Gives in words what was done with images out of the ordinary. `prepared` is applied first; then
    the square at the centre is taken and resized with antialiasing. Raises DatasetError, naming the
    files, where any cannot be used. Equal whatever the number of threads.
    """
    _, channels, resolution, _ = into.shape
    problems: dict[str, list[str]] = defaultdict(list)
    decisions: dict[str, list[str]] = defaultdict(list)

    def one(named: tuple[str, Callable[[], Path | IO[bytes]]]) -> Read:
        return read_picture(*named, channels=channels, resolution=resolution, prepared=prepared)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for index, read in enumerate(threads.map(one, files)):
            if read.pixels is None:
                problems[read.problem].append(read.name)
            else:
                into[index] = read.pixels
            for decision in read.decisions:
                decisions[decision].append(read.name)
            advance(index + 1)
    if problems:
        told = "; ".join(f"{what}: {shown(names)}" for what, names in sorted(problems.items()))
        raise DatasetError(f"images that cannot be used: {told}. Mend or remove them")
    return [f"{what}: {shown(names)}" for what, names in sorted(decisions.items())]


def shown(names: Iterable[str]) -> str:
    """How many files, and the first of them by name."""
    names = sorted(names)
    more = ", …" if len(names) > SHOWN else ""
    return f"{len(names):,} ({', '.join(names[:SHOWN])}{more})"


def read_picture(
    name: str,
    opener: Callable[[], Path | IO[bytes]],
    *,
    channels: int,
    resolution: int,
    prepared: Callable[[Image.Image], Image.Image],
) -> Read:
    """One file as pixels `(channels, resolution, resolution)`, or the problem with it."""
    try:
        with Image.open(opener()) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                return Read(name, None, f"more than {MOST_PIXELS:,} pixels")
            image, decisions = _plain(opened, channels)
    except UnidentifiedImageError:
        return Read(name, None, "no image, whatever its name says")
    except (FileNotFoundError, KeyError):
        return Read(name, None, "missing")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return Read(name, None, f"damaged ({error})")
    image = prepared(image)
    if min(image.size) < resolution:
        return Read(name, None, f"smaller than {resolution}×{resolution}")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side))  # first: resizing looks around a box
    image = square.resize((resolution, resolution), Image.Resampling.BICUBIC)
    pixels = np.asarray(image)
    return Read(
        name,
        pixels[None] if channels == 1 else pixels.transpose(2, 0, 1),
        decisions=tuple(decisions),
    )


def _plain(opened: Image.Image, channels: int) -> tuple[Image.Image, list[str]]:
    """Upright, opaque, 8 bits, grey or colour; and what it took to become so."""
    decisions = []
    if getattr(opened, "n_frames", 1) > 1:
        decisions.append("animated: the first frame taken")
    opened.load()
    image = ImageOps.exif_transpose(opened)
    if image.size != opened.size or opened.getexif().get(0x0112, 1) != 1:
        decisions.append("turned upright as their EXIF says")
    if image.mode.startswith("I") or image.mode == "F":
        decisions.append("16 bits brought to 8")
        image = Image.fromarray((np.asarray(image, dtype=np.float64) / 257).round().astype("uint8"))
    if "A" in image.mode or "transparency" in image.info:
        decisions.append("transparent: laid on white")
        alpha = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", alpha.size, "white"), alpha).convert("RGB")
    wanted = "L" if channels == 1 else "RGB"
    if image.mode == "L" and wanted == "RGB":
        decisions.append("grey among colour: three equal channels")
    elif image.mode not in ("L", "P") and wanted == "L":
        decisions.append("colour brought to grey (ITU-R 601-2 luma)")
    return image.convert(wanted), decisions

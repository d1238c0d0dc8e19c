"""Small folders of images for tests, and how they are read."""

import random
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ganbench.datasets.image_folder import read_image_folder
from ganbench.datasets.sources import Source


def write_folders(folder: Path, names: Iterable[str], images: int = 80) -> Path:
    """Writes that many different images of 8×8 into each sub-folder; `.` is the folder itself."""
    for name in names:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(images):
            pixels = random.Random(f"{name}/{number}").randbytes(3 * 8 * 8)
            (folder / name / f"{number:03}.ppm").write_bytes(b"P6 8 8 255\n" + pixels)
    return folder


def read_folder(folder: Path, channels: int = 3, **options: Any) -> Source:
    """The source at 8×8."""
    return read_image_folder(str(folder), channels, 8, sys.stdout, **options)

"""Converts colours from an image's embedded ICC profile to sRGB."""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

TOLERANCE = 2
"""Levels, of 255, by which a profile may differ from sRGB and still count as sRGB."""
INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
"""Relative colorimetric with black point compensation, as image editors convert by default."""


def convert_to_srgb(image: Image.Image, profile: bytes) -> tuple[Image.Image, str]:
    """The image in sRGB, grey if it was grey; and what was done, empty if the profile is sRGB."""
    is_grey = image.mode in ("1", "L")
    mode = "L" if is_grey else "CMYK" if image.mode == "CMYK" else "RGB"
    try:
        transform = _make_transform(profile, mode)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image, "Ignored the colour profile, damaged or of another colour space, of {}"
    if transform is None:
        return image, ""
    # grey values are neutral in sRGB too: three equal channels, of which one is kept
    converted = transform.apply(image.convert(mode))
    converted = converted.getchannel(1) if is_grey else converted
    return converted, "Converted the colour profile to sRGB in {}"


@lru_cache(maxsize=64)
def _make_transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform of a profile for images of a mode; None where it would change nothing."""
    transform = ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        renderingIntent=INTENT,
        flags=FLAGS,
    )
    if mode == "CMYK":
        return transform
    colours = _make_test_colours(mode)
    before = np.asarray(colours.convert("RGB")).astype(int)
    after = np.asarray(transform.apply(colours)).astype(int)
    return transform if np.abs(after - before).max() > TOLERANCE else None


def _make_test_colours(mode: str) -> Image.Image:
    """All greys, or colours on a grid over the whole cube."""
    if mode == "L":
        return Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    levels = np.arange(0, 256, 17, dtype=np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1)
    return Image.fromarray(grid.reshape(len(levels), -1, 3))

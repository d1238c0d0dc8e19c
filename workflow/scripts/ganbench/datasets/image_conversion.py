"""Brings an opened image into one form: upright, opaque, sRGB or grey, 8 bits a channel."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from ganbench.datasets.colour_profiles import convert_to_srgb

ORIENTATION = 0x0112
"""The EXIF tag for the orientation of the camera."""
TRANSPARENT = ("RGBA", "LA", "PA")
MODES = ("1", "L", "P", "RGB", "CMYK", "YCbCr", *TRANSPARENT)
"""Pillow's pixel formats that have a fixed range; those of 32 bits have none."""


class UnusableError(Exception):
    """The reason why an image cannot be used."""


@dataclass(frozen=True)
class Conversion:
    """A converted image and what was done, in sentences with `{}` for the number of images.

    `peak` is the largest opaque value of a grey image of 16 bits; `colour_peak` is that of the
    upper 8 bits of a colour image of 16 bits, all that Pillow reads. Both are -1 for other images.
    """

    image: Image.Image
    steps: list[str]
    peak: int = -1
    colour_peak: int = -1


def convert_image(opened: Image.Image, channels: int, bits: int) -> Conversion:
    """Converts an image to grey (1 channel) or colour (3); raises UnusableError if it cannot.

    `bits` says how many bits the values of 16-bit files use.
    """
    steps, peak, colour_peak = [], -1, -1
    if getattr(opened, "n_frames", 1) > 1:
        steps.append("Used only the first frame of {}")
    is_deep = any(";16" in str(tile.args) for tile in opened.tile)
    opened.load()
    image, profile = ImageOps.exif_transpose(opened), opened.info.get("icc_profile")
    if opened.getexif().get(ORIENTATION, 1) != 1:
        steps.append("Applied the EXIF orientation of {}")
    if image.mode.startswith("I;16"):
        image, peak = _reduce_grey(image, bits)
        steps.append(_describe_depth(bits))
    elif image.mode not in MODES:
        raise UnusableError(f"unsupported pixel format ({image.mode})")
    elif is_deep:
        opaque = image.convert("RGB") if image.mode in TRANSPARENT else image
        colour_peak = int(np.asarray(opaque).max())
        _reduce_transparency(image.info)
        steps.append(_describe_depth(16))
    if "transparency" in image.info or image.mode in TRANSPARENT:
        steps.append("Put a white background behind {}")
        image = _add_white_background(image)
    if profile:
        image, step = convert_to_srgb(image, profile)
        steps += [step] if step else []
    return Conversion(_set_channels(image, channels, steps), steps, peak, colour_peak)


def _describe_depth(bits: int) -> str:
    if bits == 16:
        return "Kept the upper 8 of the 16 bits of {}"
    return f"Scaled values of {bits} bits, the most that any image uses, in 16-bit files of {{}}"


def _reduce_grey(image: Image.Image, bits: int) -> tuple[Image.Image, int]:
    """8 bits of an image whose values use `bits` bits, and its largest opaque value."""
    values = np.asarray(image)
    transparent = image.info.get("transparency")
    is_opaque = np.full(values.shape, fill_value=True)
    if transparent is not None:
        is_opaque = values != transparent
    peak = int(values.max(initial=0, where=is_opaque))
    grey = Image.fromarray((values.astype(np.uint32) << 8 >> bits).clip(0, 255).astype(np.uint8))
    if transparent is not None:
        grey.putalpha(Image.fromarray(np.where(is_opaque, 255, 0).astype(np.uint8)))
    return grey, peak


def _reduce_transparency(info: dict[Any, Any]) -> None:
    """The colour that is transparent, in the 8 bits that Pillow reads of 16."""
    transparent = info.get("transparency")
    if isinstance(transparent, tuple):
        info["transparency"] = tuple(value >> 8 for value in transparent)
    elif isinstance(transparent, int):
        info["transparency"] = transparent >> 8


def _add_white_background(image: Image.Image) -> Image.Image:
    """Keeps grey images grey, so that they are counted as such."""
    is_grey = image.mode in ("1", "L", "LA")
    with_alpha = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, with_alpha).convert("L" if is_grey else "RGB")


def _set_channels(image: Image.Image, channels: int, steps: list[str]) -> Image.Image:
    """Grey or colour; adds to `steps` what this takes."""
    mode = "L" if channels == 1 else "RGB"
    is_grey = image.mode in ("1", "L")
    if is_grey and mode == "RGB":
        steps.append("Used grey as three equal channels in {}")
    elif not is_grey and mode == "L":
        steps.append("Converted colour to grey (ITU-R 601-2 luma) in {}")
    if image.mode not in ("1", "L", "RGB"):
        old = "a palette" if image.mode == "P" else image.mode
        steps.append(f"Converted {old} to RGB in {{}}")
        image = image.convert("RGB")
    return image.convert(mode)

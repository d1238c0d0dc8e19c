"""Numbers as short text for a page, which a script unpacks: exact ones, and levels of a range."""

import base64
from typing import Any

import numpy as np

from ganbench.report.figures.curves import find_view

ALPHABET = np.frombuffer(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", dtype=np.uint8
)

LEVELS = 4094
"""Levels of a range, of 12 bits; the last code is for values without a level. A figure that shows
the range is a few hundred pixels high."""

UNLEVELLED = 4095


def pack_numbers(values: np.ndarray) -> str:
    """Four characters for each value: the upper 24 bits of its float32, in base64.

    They hold at least four significant digits. What is not finite stays so.
    """
    single = np.ascontiguousarray(values, dtype=np.float32)
    bits = single.view(np.uint32)
    rounded = np.where(np.isfinite(single), bits + np.uint32(0x80), bits)
    upper = (rounded >> 8).astype(">u4").view(np.uint8).reshape(-1, 4)[:, 1:]
    return base64.b64encode(upper.tobytes()).decode()


def pack_levels(values: np.ndarray) -> list[Any]:
    """`[low, high, text, others]`: two characters for each value, its level between low and high.

    The range is that of a figure of these values alone (`find_view`). The few values outside it
    are in `others`, exact, by their places, where nothing is left of one that is not finite.
    """
    values = np.asarray(values, dtype=float)
    finite = np.isfinite(values)
    low, high = find_view(values[finite]) or (0.0, 1.0)
    inside = finite & (values >= low) & (values <= high)
    codes = np.full(len(values), UNLEVELLED)
    codes[inside] = np.rint((values[inside] - low) / ((high - low) or 1.0) * LEVELS)
    text = ALPHABET[np.stack([codes >> 6, codes & 63], axis=1)].tobytes().decode()
    others = {int(place): _shorten(values[place]) for place in np.flatnonzero(finite & ~inside)}
    return [_shorten(low), _shorten(high), text, *([others] if others else [])]


def _shorten(value: float) -> float:
    return float(f"{value:.6g}")

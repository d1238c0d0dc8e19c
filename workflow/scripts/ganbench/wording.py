"""How numbers, counts and lists read in a sentence or a table cell."""

from collections.abc import Sequence
from decimal import Decimal
from math import floor, isfinite, isnan, log10

MISSING = "–"
"""The text of a missing number."""


def is_missing(value: float | None) -> bool:
    """Whether a number is None or NaN."""
    return value is None or isnan(value)


def number(value: float | None, digits: int = 3) -> str:
    """A number with this many significant digits: 0.0123, −8.1, 1234.

    Never uses an exponent; uses a true minus sign. From 1000 on, all digits before the point are
    shown.
    """
    if is_missing(value):
        return MISSING
    text = f"{value:.{digits}g}"
    if "e" in text and abs(value) >= 1:
        text = f"{value:.0f}"
    return f"{Decimal(text):f}".replace("-", "−")


def fixed(value: float, places: int) -> str:
    """A number with this many decimal places, a true minus sign and no negative zero: −7.2."""
    return f"{value:z.{places}f}".replace("-", "−")


def decimal_places(half_width: float, size: float) -> int:
    """The number of decimal places for a value of about `size` that is known to ± `half_width`.

    Shows at least three significant digits of the size and two of the half width, but at most six
    digits of the size.
    """
    exponent = floor(log10(size)) if isfinite(size) and size > 0 else 0
    if not (isfinite(half_width) and half_width > 0):
        return max(0, 2 - exponent)
    places = max(1 - floor(log10(half_width)), 2 - exponent)
    return max(0, min(places, 5 - exponent))


def interval(value: float, low: float | None, high: float | None) -> tuple[str, str]:
    """A value and its interval, with as many decimal places as the interval's width justifies.

    Without an interval the second text is empty.
    """
    if is_missing(low) or is_missing(high):
        return number(value), ""
    half_width = (high - low) / 2
    places = decimal_places(half_width, max(abs(value), half_width))
    return fixed(value, places), f"{fixed(low, places)} to {fixed(high, places)}"


def p_value(p: float | None) -> str:
    """A p-value in a table cell: 0.596, < 0.001."""
    if is_missing(p):
        return MISSING
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def p_equals(p: float) -> str:
    """A p-value with its relation, to follow "p": "= 0.004", "< 0.001", "= 1"."""
    if p > 0.9995:
        return "= 1"
    return p_value(p) if p < 0.001 else f"= {p_value(p)}"


def percent(share: float) -> str:
    """An exact share, such as a level of confidence: 95 %, 99.9 %."""
    return f"{100 * share:g} %"


def whole_percent(share: float | None) -> str:
    """An estimated share: 17 %."""
    return MISSING if is_missing(share) else f"{100 * share:.0f} %"


def duration(seconds: float) -> str:
    """A time in seconds, minutes or hours: 42 s, 3 min, 2.5 h."""
    if is_missing(seconds):
        return MISSING
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def operations(flops: float | None) -> str:
    """A number of floating-point operations: 3.1 PFLOP."""
    if is_missing(flops):
        return MISSING
    for size, prefix in ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if flops >= size:
            return f"{number(flops / size)} {prefix}FLOP"
    return f"{number(flops)} FLOP"


def count(n: int, noun: str) -> str:
    """A number of things: 1 seed, 5 seeds."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def listing(names: Sequence[str], most: int = 4) -> str:
    """Names as an enumeration: "a", "a and b", "a, b and c", "a, b, c and 3 more"."""
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"

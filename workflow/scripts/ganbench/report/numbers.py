"""How the page writes numbers, and lists of them."""

from collections.abc import Sequence

import pandas as pd

from ganbench.evidence.wording import decimals, fixed


def short(value: float | None, digits: int = 3) -> str:
    """A number to so many significant digits, with a true minus sign; – where there is none."""
    if value is None or pd.isna(value):
        return "–"
    if value == 0:
        return "0"
    shown = f"{value:.{digits}g}"
    if "e" in shown and abs(value) >= 1:
        shown = f"{value:.0f}"
    return shown.replace("-", "−")


def interval(value: float, low: float | None, high: float | None) -> tuple[str, str]:
    """A value and its interval, all with the decimals that the interval's width deserves.

    Without an interval the value is `short` and the second text empty.
    """
    if low is None or high is None or pd.isna(low) or pd.isna(high):
        return short(value), ""
    half = (high - low) / 2
    places = decimals(half, max(abs(value), half))
    return fixed(value, places), f"{fixed(low, places)} to {fixed(high, places)}"


def chance(p: float | None) -> str:
    """A p-value: 0.596, < 0.001; – where there is none."""
    if p is None or pd.isna(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def duration(seconds: float) -> str:
    """Seconds as a person says them: 42 s, 3 min, 2.5 h; – where there are none."""
    if pd.isna(seconds):
        return "–"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def listed(items: Sequence[str], most: int) -> str:
    """Items one after the other; beyond `most` of them, how many more there are."""
    if len(items) > most:
        items = [*items[:most], f"and {len(items) - most} more"]
    return ", ".join(items)


def flops(count: float | None) -> str:
    """A number of floating-point operations as a person says it: 3.1 PFLOP; – where unknown."""
    if count is None or pd.isna(count):
        return "–"
    for size, prefix in ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M")):
        if count >= size:
            return f"{short(count / size)} {prefix}FLOP"
    return f"{short(count)} FLOP"


def share(value: float | None) -> str:
    """A share as a whole percentage: 17 %; – where there is none."""
    return "–" if value is None or pd.isna(value) else f"{100 * value:.0f} %"

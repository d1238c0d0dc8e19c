"""How the page writes numbers."""

import pandas as pd


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


def duration(seconds: float) -> str:
    """Seconds as a person says them: 42 s, 3 min, 2.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

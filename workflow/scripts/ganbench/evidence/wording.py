"""How numbers, counts, lists and failures read in a sentence."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import floor, isfinite, log10
from typing import Any

Row = Mapping[str, Any]
"""A row of a table by column: a dict or a pandas Series."""

NAMES_SHOWN = 4
"""Longer lists of names end in "and n more"."""


def rounded(value: float) -> str:
    """`value` to three significant digits, never with an exponent: 0.0123, 8.1, 1230."""
    return f"{Decimal(f'{value:.3g}'):f}".replace("-", "−")


def fixed(value: float, decimals: int) -> str:
    """`value` with so many decimals, a true minus sign and no negative zero: −7.2."""
    return f"{value:z.{decimals}f}".replace("-", "−")


def decimals(half_width: float, size: float) -> int:
    """How many decimals numbers of about `size` deserve, known to within ± `half_width`.

    The size shows at least three significant digits, the half width at least two; the size never
    more than six.
    """
    exponent = floor(log10(size)) if isfinite(size) and size > 0 else 0
    if not (isfinite(half_width) and half_width > 0):
        return max(0, 2 - exponent)
    wanted = max(1 - floor(log10(half_width)), 2 - exponent)
    return max(0, min(wanted, 5 - exponent))


def p_value(value: float) -> str:
    """A p-value with its sign of relation: "= 0.004", "< 0.001", "= 1"."""
    if value < 0.001:
        return "< 0.001"
    return "= 1" if value > 0.9995 else f"= {value:.3f}"


def percent(share: float) -> str:
    """A share as a percentage: 95 %."""
    return f"{100 * share:g} %"


def count(n: int, noun: str) -> str:
    """A number of things: 1 seed, 5 seeds."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def listed(names: Sequence[str]) -> str:
    """Names as one reads them: "a", "a and b", "a, b and c", "a, b, c and 3 more"."""
    if len(names) > NAMES_SHOWN:
        shown = NAMES_SHOWN - 1
        names = [*names[:shown], f"{len(names) - shown} more"]
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def measure(row: Row) -> str:
    """The metric of a row, with its reference where that is not the usual one."""
    return row["metric"] + (" (against train)" if row["reference"] == "train" else "")


def of_runs(n: int, failed: int) -> str:
    """What stands beside a metric whose runs failed in part: "of 5 runs, 2 failed"; else ""."""
    return f"of {count(int(n + failed), 'run')}, {int(failed)} failed" if failed else ""

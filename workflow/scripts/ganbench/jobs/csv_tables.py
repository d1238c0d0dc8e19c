"""Tables as CSV files, written without pandas, whose import takes longer than a small table."""

import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ganbench.jobs import files


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Writes a header and `rows`; where there is no number, None or NaN, a cell is empty.

    Floats are written with the digits that give the same float when they are read.
    """
    with files.whole(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_format_cell(value) for value in row] for row in rows)


def _format_cell(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value

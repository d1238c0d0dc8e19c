"""The table of the floor: the scores of real samples, whose meaning `catalogue.metrics` states."""

from collections.abc import Iterable
from pathlib import Path

from ganbench.jobs.csv_tables import write_table

Row = tuple[str, str, str, int, float]
"""Dataset, reference, metric, number of real samples, and value."""


def write_floor(file: Path, rows: Iterable[Row]) -> None:
    """Writes `floor.csv`."""
    write_table(file, ("dataset", "reference", "metric", "n", "value"), rows)

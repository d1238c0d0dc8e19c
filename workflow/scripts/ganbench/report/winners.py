"""The settings of a sweep that won, as the page shows them."""

from textwrap import indent
from typing import Any

import pandas as pd


def group_winners(table: pd.DataFrame | None) -> dict[str, dict[str, Any]]:
    """By dataset, the rows of `winners.csv` and the `variants` of a study that has the winners."""
    if table is None:
        return {}
    return {
        dataset: {
            "rows": rows.to_dict("records"),
            "yaml": "variants:\n" + "".join(indent(text, "  ") for text in rows["yaml"]),
        }
        for dataset, rows in table.groupby("dataset", sort=False)
    }

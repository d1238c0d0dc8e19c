"""Tables for papers, in booktabs LaTeX: needs the package `booktabs` and nothing else."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from ganbench.report.leaderboard import leaderboards
from ganbench.report.results import Results
from ganbench.wording import interval, number, p_value, whole_percent

_SPECIAL = {
    "\\": r"\textbackslash{}",
    **{each: f"\\{each}" for each in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "−": r"$-$",
    "–": "--",
    "±": r"$\pm$",
    "×": r"$\times$",
    "’": "'",
}

_COMPARED = {
    "dataset": ("dataset", str),
    "metric": ("metric", str),
    "variant": ("variant", str),
    "baseline": ("against", str),
    "verdict": ("verdict", str),
    "difference": ("difference", None),
    "p_value": ("p", p_value),
    "p_adjusted": ("p (Holm)", p_value),
    "probability_better": ("P(better)", number),
    "hedges_g": ("Hedges' g", number),
    "minimum_detectable_difference": ("detectable", number),
    "n_pairs": ("pairs", str),
}


def latex(table: pd.DataFrame, left: Sequence[str] = ()) -> str:
    """`table` as a `tabular` with all text escaped; columns but those in `left` to the right."""
    lines = [
        rf"\begin{{tabular}}{{{''.join('l' if name in left else 'r' for name in table)}}}",
        r"\toprule",
        _line(table.columns),
        r"\midrule",
        *(_line(row) for row in table.itertuples(index=False)),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def escaped(text: object) -> str:
    """Text that LaTeX prints as it is."""
    return "".join(_SPECIAL.get(each, each) for each in str(text))


def _line(cells: Sequence[object]) -> str:
    return " & ".join(escaped(cell) for cell in cells) + r" \\"


def papers(results: Results, tables: dict[str, pd.DataFrame]) -> dict[str, str]:
    """LaTeX of every table that a paper would print, by the name of its CSV."""
    return {
        "summary": _leaderboards(results, tables["summary"]),
        "comparisons": _compared(results, tables["comparisons"]),
        "pairs": _compared(results, tables["pairs"]),
        "rates": _rates(tables["rates"]),
        "ranks": _ranks(tables["ranks"]),
        "noise": _noise(tables["noise"]),
    }


def _leaderboards(results: Results, summary: pd.DataFrame) -> str:
    """A tabular for each dataset: variants by metrics, mean and interval over seeds."""
    found = []
    boards = leaderboards(results, summary, ())
    for dataset in results.datasets:
        mine = [board for board in boards if board["dataset"] == dataset]
        order = [row["variant"] for row in mine[0]["rows"]]
        table = pd.DataFrame({"variant": order})
        for board in mine:
            rows = {row["variant"]: row for row in board["rows"]}
            table[board["measure"]] = [_value(rows[variant]) for variant in order]
        found.append(f"% {dataset}\n" + latex(table, ["variant"]))
    return "\n".join(found)


def _value(row: dict) -> str:
    shown = f"{row['value']} ({row['interval']})" if row["interval"] else row["value"]
    failed = row["failed"] + row["missing"]
    return f"{shown}, of {row['of']}, {failed} failed" if failed else shown


def _compared(results: Results, table: pd.DataFrame) -> str:
    """The comparisons by each dataset's primary metric."""
    primary = [
        (name, dataset["primary"]["metric"], dataset["primary"]["reference"])
        for name, dataset in results.study["datasets"].items()
    ]
    places = zip(table["dataset"], table["metric"], table["reference"], strict=True)
    mine = table[np.array([place in primary for place in places], dtype=bool)]
    shown = pd.DataFrame(
        {
            heading: _differences(mine) if form is None else [form(each) for each in mine[name]]
            for name, (heading, form) in _COMPARED.items()
        }
    )
    return latex(shown, ["dataset", "metric", "variant", "against", "verdict"])


def _differences(table: pd.DataFrame) -> list[str]:
    columns = zip(table["difference"], table["ci_low"], table["ci_high"], strict=True)
    return [_around(*interval(*each)) for each in columns]


def _around(value: str, around: str) -> str:
    return f"{value} ({around})" if around else value


def _rates(table: pd.DataFrame) -> str:
    return _chosen(
        table,
        {"dataset": str, "variant": str, "outcome": str, "n": str, "count": str},
        {"rate": ("rate", "ci_low", "ci_high", whole_percent)},
    )


def _ranks(table: pd.DataFrame) -> str:
    return _chosen(
        table,
        {"variant": str, "datasets": str},
        {
            "mean rank": ("mean_rank", "rank_ci_low", "rank_ci_high", number),
            "P(improvement)": ("probability_of_improvement", "poi_ci_low", "poi_ci_high", number),
        },
    )


def _noise(table: pd.DataFrame) -> str:
    return _chosen(
        table,
        {
            **dict.fromkeys(("dataset", "variant", "metric", "reference"), str),
            **{"seeds": str, "repeats": str, "std_seeds": number, "std_sampling": number},
        },
        {},
    )


def _chosen(
    table: pd.DataFrame,
    columns: dict[str, Callable[[object], str]],
    estimates: dict[str, tuple[str, str, str, Callable[[float], str]]],
) -> str:
    """Some columns, then estimates with their intervals, each through its way of writing it."""
    shown = {
        name.replace("_", " "): [form(each) for each in table[name]]
        for name, form in columns.items()
    }
    for heading, (value, low, high, form) in estimates.items():
        rows = zip(table[value], table[low], table[high], strict=True)
        shown[heading] = [f"{form(a)} ({form(b)} to {form(c)})" for a, b, c in rows]
    words = ["dataset", "variant", "outcome", "metric", "reference"]
    return latex(pd.DataFrame(shown), words)

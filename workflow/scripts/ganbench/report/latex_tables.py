"""Tables for papers, in LaTeX. They need the package `booktabs` and nothing else.

They are set in `\\footnotesize` and fit a line of 6.5 inches of an article in 10 points, as far as
names are no longer than half of it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ganbench.report.leaderboard import build_leaderboards, describe_means
from ganbench.report.measures import column_heading, primary_measure
from ganbench.report.results import Results
from ganbench.wording import interval, is_missing, number, p_value, whole_percent

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "−": r"$-$",
    "–": "--",
    "±": r"$\pm$",
    "×": r"$\times$",
    "’": "'",
    "é": r"\'e",
}

LINE = 468.0
"""Points of a line of text: 6.5 inches, the width of an article of one column."""

NARROW, WIDE, GAP = 4.4, 7.5, 8.0
"""Points of a letter in `\\footnotesize`, and of the room between columns."""

_NARROW_LETTERS = frozenset("abcdefghijklnopqrstuvxyz0123456789 .,:;-()[]'_")

_TEXT_COLUMNS = (
    "dataset",
    "metric",
    "reference",
    "variant",
    "against",
    "role",
    "verdict",
    "outcome",
)
"""Aligned to the left; all others are numbers."""


def format_tables(results: Results, tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Every table that a paper would print in LaTeX, by the name of its CSV."""
    return {
        "summary": _format_summary(results, tables["summary"]),
        "comparisons": _format_comparisons(results, tables["comparisons"]),
        "pairs": _format_comparisons(results, tables["pairs"]),
        "rates": _format_rates(tables["rates"]),
        "ranks": _format_ranks(tables["ranks"]),
        "noise": _format_noise(tables["noise"]),
    }


def format_tabular(table: pd.DataFrame, keys: int = 1, title: str = "") -> str:
    """`table` with all text escaped, numbers aligned to the right, below its title.

    Where it would be wider than `LINE`, several tabulars stand below each other, and each begins
    with the first `keys` columns.
    """
    tabulars = [_format_columns(table[names]) for names in _split_columns(table, keys)]
    above = f"\\medskip\\noindent {escape_latex(title)}\\par\\smallskip\n" if title else ""
    return f"{{\\footnotesize\n{above}" + "\\medskip\n".join(tabulars) + "}\n"


def _split_columns(table: pd.DataFrame, keys: int) -> list[list[str]]:
    """The columns of each tabular."""
    widths = {name: _estimate_width([*_break_heading(name), *table[name]]) for name in table}
    names = list(table)
    groups = [names[:keys]]
    for name in names[keys:]:
        if len(groups[-1]) > keys and sum(map(widths.get, [*groups[-1], name])) > LINE:
            groups.append(names[:keys])
        groups[-1].append(name)
    return groups


def _estimate_width(cells: Iterable[object]) -> float:
    """Points of a column in `\\footnotesize` with the room beside it, rather too many."""
    return GAP + max(
        sum(NARROW if letter in _NARROW_LETTERS else WIDE for letter in str(cell)) for cell in cells
    )


def _break_heading(name: str) -> list[str]:
    """The lines of a heading: a measure, and what it is held against."""
    measure, against, reference = name.partition(" against ")
    return [measure, f"against {reference}"] if against else [name]


def _format_columns(table: pd.DataFrame) -> str:
    alignment = "".join("l" if name in _TEXT_COLUMNS else "r" for name in table)
    lines = [
        rf"\setlength{{\tabcolsep}}{{{GAP / 2:g}pt}}\noindent",
        rf"\begin{{tabular}}{{@{{}}{alignment}@{{}}}}",
        r"\toprule",
        " & ".join(map(_format_heading, table.columns)) + r" \\",
        r"\midrule",
        *(_format_line(row) for row in table.itertuples(index=False)),
        r"\bottomrule",
        r"\end{tabular}\par",
    ]
    return "\n".join(lines) + "\n"


def _format_heading(name: str) -> str:
    lines = [escape_latex(line) for line in _break_heading(name)]
    return lines[0] if len(lines) == 1 else r"\shortstack[r]{" + r"\\".join(lines) + "}"


def escape_latex(text: object) -> str:
    """Text with every character that LaTeX would interpret replaced by a command that prints it."""
    return "".join(_ESCAPES.get(character, character) for character in str(text))


def _format_line(cells: Sequence[object]) -> str:
    return " & ".join(escape_latex(cell) for cell in cells) + r" \\"


def _format_summary(results: Results, summary: pd.DataFrame) -> str:
    """A tabular for each dataset: variants by metrics, mean and interval over seeds."""
    tabulars = []
    all_boards = build_leaderboards(results, summary, published=[])
    for dataset in results.datasets:
        boards = [board for board in all_boards if board["dataset"] == dataset]
        variants = [row["variant"] for row in boards[0]["rows"]]
        table = pd.DataFrame({"variant": variants})
        for board in boards:
            rows = {row["variant"]: row for row in board["rows"]}
            heading = column_heading(board["metric"], board["reference"])
            table[heading] = [_format_score(rows[variant]) for variant in variants]
        tabulars.append(format_tabular(table, title=_title_summary(boards)))
    return "\n".join(tabulars)


def _title_summary(boards: Sequence[Mapping[str, Any]]) -> str:
    """The dataset of these boards, and what kinds of means they have."""
    means = describe_means({board["metric"]: board["mean_name"] for board in boards})
    return f"{boards[0]['dataset']}, {means} over seeds"


def _format_score(row: dict) -> str:
    score = _with_interval(row["value"], row["interval"])
    failed = row["failed"] + row["missing"]
    return f"{score}, of {row['of']}, {failed} failed" if failed else score


def _format_comparisons(results: Results, table: pd.DataFrame) -> str:
    """The comparisons by each dataset's primary metric, with their simultaneous intervals."""
    primary = {(name, *primary_measure(results, name)) for name in results.study["datasets"]}
    places = zip(table["dataset"], table["metric"], table["reference"], strict=True)
    rows = table[np.array([place in primary for place in places], dtype=bool)]
    limits = rows["simultaneous_low"], rows["simultaneous_high"]
    differences = zip(rows["difference"], *limits, strict=True)
    failed = zip(rows["failed_variant"], rows["failed_baseline"], strict=True)
    columns = {
        "dataset": rows["dataset"],
        "metric": rows["metric"],
        "variant": rows["variant"],
        "against": rows["baseline"],
        "role": rows["role"],
        "verdict": rows["verdict"],
        "difference": [_with_interval(*interval(*difference)) for difference in differences],
        "p": rows["p_value"].map(p_value),
        "p (adjusted)": rows["p_adjusted"].map(p_value),
        "P(better)": rows["probability_better"].map(number),
        "Hedges' g": rows["hedges_g"].map(number),
        "detectable": rows["minimum_detectable_difference"].map(number),
        "pairs": rows["n_pairs"],
        "failed": [f"{ours} against {theirs}" for ours, theirs in failed],
    }
    return _format_by_measure(
        pd.DataFrame({name: list(cells) for name, cells in columns.items()}, dtype=object)
    )


def _format_by_measure(comparisons: pd.DataFrame) -> str:
    """A table for each dataset and metric, below their names."""
    if not len(comparisons):
        return format_tabular(comparisons, keys=2)
    return "\n".join(
        format_tabular(
            rows.drop(columns=["dataset", "metric"]), keys=2, title=f"{dataset}, {metric}"
        )
        for (dataset, metric), rows in comparisons.groupby(["dataset", "metric"], sort=False)
    )


def _with_interval(value: str, around: str) -> str:
    return f"{value} ({around})" if around else value


def _format_rates(table: pd.DataFrame) -> str:
    columns = table[["dataset", "variant", "outcome", "n", "count"]].copy()
    columns["rate"] = _format_estimates(table, "rate", "ci_low", "ci_high", whole_percent)
    return format_tabular(columns)


def _format_ranks(table: pd.DataFrame) -> str:
    columns = table[["variant", "datasets"]].copy()
    columns["mean rank"] = _format_estimates(
        table, "mean_rank", "rank_ci_low", "rank_ci_high", number
    )
    columns["P(improvement)"] = _format_estimates(
        table, "probability_of_improvement", "poi_ci_low", "poi_ci_high", number
    )
    return format_tabular(columns)


def _format_estimates(
    table: pd.DataFrame, value: str, low: str, high: str, form: Callable[[float], str]
) -> list[str]:
    """Estimates with their intervals, as far as they exist, from the columns of these names."""
    rows = zip(table[value], table[low], table[high], strict=True)
    return [
        _with_interval(form(mean), "" if is_missing(start) else f"{form(start)} to {form(end)}")
        for mean, start, end in rows
    ]


def _format_noise(table: pd.DataFrame) -> str:
    columns = table[["dataset", "variant", "metric", "reference", "seeds", "repeats"]].copy()
    columns["std seeds"] = table["std_seeds"].map(number)
    columns["std sampling"] = table["std_sampling"].map(number)
    return format_tabular(columns)

"""Tables for papers, in LaTeX. They need the package `booktabs` and nothing else."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from ganbench.report.leaderboard import build_leaderboards
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


def format_tabular(table: pd.DataFrame) -> str:
    """`table` as a `tabular` with all text escaped, numbers aligned to the right."""
    alignment = "".join("l" if name in _TEXT_COLUMNS else "r" for name in table)
    lines = [
        rf"\begin{{tabular}}{{{alignment}}}",
        r"\toprule",
        _format_line(table.columns),
        r"\midrule",
        *(_format_line(row) for row in table.itertuples(index=False)),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


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
        tabulars.append(f"% {dataset}\n" + format_tabular(table))
    return "\n".join(tabulars)


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
    return format_tabular(pd.DataFrame({name: list(cells) for name, cells in columns.items()}))


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

"""The narrow table of a paper, in LaTeX and Markdown: the primary metric and two more."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ganbench.catalogue.metrics import METRICS, base_name
from ganbench.evidence.final_scores import direction, measure_name, select
from ganbench.evidence.verdict import VerdictKind
from ganbench.report.latex_tables import escape_latex
from ganbench.report.leaderboard import build_board, describe_means
from ganbench.report.measures import list_measures, primary_measure
from ganbench.report.results import Results
from ganbench.wording import MISSING, count, decimal_places, fixed, number, percent

Measure = tuple[str, str]

MORE = 2
"""Metrics beside the primary one."""

FIRST = ("recall", "precision")
"""The metrics that come next to a primary one of images: typical images alone score one of them."""

NO_BOLD = (
    "No variant is in bold: none was shown to be better than all others by one of these metrics."
)
SOME_BOLD = "Bold: shown to be better than every other variant by this metric."


@dataclass(frozen=True)
class Cell:
    """A mean with its limits as text, all empty but `value` where there is no interval."""

    value: str
    low: str = ""
    high: str = ""
    is_best: bool = False


@dataclass(frozen=True)
class PaperTable:
    """One dataset's table: `rows` by variant, the scores of `real` samples, and a `caption`.

    `headings` are the metrics' names with the arrow of the better direction; `failed` has the
    failed runs of each variant as text, and is empty if no run failed.
    """

    dataset: str
    headings: list[tuple[str, str]]
    rows: dict[str, list[Cell]]
    real: list[str]
    failed: dict[str, str]
    caption: str


def build_paper_tables(results: Results, tables: Mapping[str, pd.DataFrame]) -> list[PaperTable]:
    """The table of each dataset, with its variants from best to worst by the primary metric."""
    return [_build_table(results, tables, dataset) for dataset in results.datasets]


def _build_table(results: Results, tables: Mapping[str, pd.DataFrame], dataset: str) -> PaperTable:
    measures = _choose_measures(results, tables["summary"], dataset)
    boards = [build_board(results, tables["summary"], (), dataset, measure) for measure in measures]
    order = [row["variant"] for row in boards[0]["rows"]]
    best = [_find_best(results, tables["pairs"], dataset, measure) for measure in measures]
    rows = {
        variant: [
            _make_cell(row, is_best=variant == winner)
            for board, winner in zip(boards, best, strict=True)
            for row in board["rows"]
            if row["variant"] == variant
        ]
        for variant in order
    }
    return PaperTable(
        dataset=dataset,
        headings=[_name_column(metric, reference) for metric, reference in measures],
        rows=rows,
        real=[number(board["floor"]) for board in boards],
        failed=_count_failures(boards[0]["rows"]),
        caption=_write_caption(results, boards, best),
    )


def _choose_measures(results: Results, summary: pd.DataFrame, dataset: str) -> list[Measure]:
    """The primary measure and up to two others with a better direction, not of training images."""
    primary = primary_measure(results, dataset)
    others = [
        (metric, reference)
        for metric, reference in list_measures(results, summary, dataset)
        if (metric, reference) != primary and reference != "train" and direction(metric)
        if base_name(metric).split("_")[0] != base_name(primary[0]).split("_")[0]
    ]
    first = [other for name in FIRST for other in others if base_name(other[0]) == name]
    return [primary, *dict.fromkeys([*first, *others])][: 1 + MORE]


def _find_best(results: Results, pairs: pd.DataFrame, dataset: str, measure: Measure) -> str | None:
    """The variant that was better than each other one, if its verdicts say so."""
    metric, reference = measure
    rows = select(pairs, dataset=dataset, metric=metric, reference=reference)
    wins: dict[str, int] = {}
    for row in rows.to_dict("records"):
        winner = {VerdictKind.BETTER: "variant", VerdictKind.WORSE: "baseline"}.get(
            row["verdict"].kind
        )
        if winner:
            wins[row[winner]] = wins.get(row[winner], 0) + 1
    others = len(results.variants_on(dataset)) - 1
    return next((name for name, won in wins.items() if won == others), None)


def _make_cell(row: Mapping[str, Any], *, is_best: bool) -> Cell:
    mean, low, high = row["mean"], row["low"], row["high"]
    if mean is None:
        return Cell(MISSING)
    if low is None or high is None:
        return Cell(row["value"], is_best=is_best)
    half_width = (high - low) / 2
    places = decimal_places(half_width, max(abs(mean), half_width))
    return Cell(*(fixed(value, places) for value in (mean, low, high)), is_best=is_best)


def _name_column(metric: str, reference: str) -> tuple[str, str]:
    name = base_name(metric).replace("_", " ")
    arrow = {1: "↑", -1: "↓", 0: ""}[direction(metric)]
    return (f"{name} (train)" if reference == "train" else name), arrow


def _count_failures(rows: list[dict[str, Any]]) -> dict[str, str]:
    failed = {row["variant"]: row["failed"] + row["missing"] for row in rows}
    if not any(failed.values()):
        return {}
    return {row["variant"]: f"{failed[row['variant']]} of {row['of']}" for row in rows}


def _write_caption(results: Results, boards: list[dict[str, Any]], best: list[str | None]) -> str:
    """What the numbers are, for a reader who sees nothing else."""
    board, confidence = boards[0], results.study["report"]["confidence"]
    primary = measure_name((board["metric"], board["reference"]))
    names = [_explain(board) for board in boards]
    seeds = count(len(results.study["seeds"]), "training seed")
    sentences = [
        f"Final scores on {board['dataset']}: {_name_means(boards)} over {seeds} with its "
        f"{percent(confidence)} interval. The primary metric, declared before training, is "
        f"{primary}.",
        f"{'; '.join(dict.fromkeys(names))}.",
        f"{board['samples']:,} generated samples are scored; the last row is the score of as many "
        "real ones.",
    ]
    if board["dataset"] in results.extractors:
        extractor = results.extractors[board["dataset"]]
        sentences.append(f"Features: {extractor['name']} (SHA-256 {extractor['sha256'][:8]}).")
    if len(results.variants) > 1:
        sentences.append(SOME_BOLD if any(best) else NO_BOLD)
    return " ".join(sentences)


def _name_means(boards: Sequence[Mapping[str, Any]]) -> str:
    """The kind of mean of all columns, or which columns have which."""
    columns = {
        _name_column(board["metric"], board["reference"])[0]: board["mean_name"] for board in boards
    }
    return describe_means(columns)


def _explain(board: Mapping[str, Any]) -> str:
    name, _ = _name_column(board["metric"], board["reference"])
    definition = METRICS[base_name(board["metric"])]
    return name if name.lower() == definition.title.lower() else f"{name}: {definition.title}"


def format_paper_latex(results: Results, paper_tables: list[PaperTable]) -> str:
    """A `table` environment for each dataset, narrow enough for a column of two; needs booktabs."""
    return "\n".join(_format_latex(results.study["study"], table) for table in paper_tables)


def _format_latex(study: str, table: PaperTable) -> str:
    label = re.sub(r"[^A-Za-z0-9:-]+", "-", f"tab:{study}-{table.dataset}")
    headings = [f"{escape_latex(name)}{_LATEX_ARROWS[arrow]}" for name, arrow in table.headings]
    lines = [
        r"\begin{table}[t]",
        r"\centering",
        rf"\caption{{{escape_latex(table.caption)}}}",
        rf"\label{{{label}}}",
        r"\footnotesize",
        r"\setlength{\tabcolsep}{4pt}",
        r"\renewcommand{\arraystretch}{1.3}",  # limits of two lines would touch
        r"\vspace{4pt}",
        rf"\begin{{tabular}}{{@{{}}l{'r' * (len(headings) + bool(table.failed))}@{{}}}}",
        r"\toprule",
        _join_latex(["variant", *headings], "failed" if table.failed else None),
        r"\midrule",
        *(
            _join_latex(
                [escape_latex(variant), *map(_format_cell, cells)], table.failed.get(variant)
            )
            for variant, cells in table.rows.items()
        ),
        r"\midrule",
        _join_latex(["real samples", *map(escape_latex, table.real)], "" if table.failed else None),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


_LATEX_ARROWS = {"↑": r" $\uparrow$", "↓": r" $\downarrow$", "": ""}


def _join_latex(cells: list[str], failed: str | None) -> str:
    return " & ".join(cells if failed is None else [*cells, failed]) + r" \\"


def _format_cell(cell: Cell) -> str:
    """The mean, in bold if it is the best, with its limits below and above the line."""
    if cell.value == MISSING:
        return "--"
    value, low, high = (text.replace("−", "-") for text in (cell.value, cell.low, cell.high))
    limits = f"_{{{low}}}^{{{high}}}" if low else ""
    value = rf"\mathbf{{{value}}}" if cell.is_best else value
    return f"${value}{limits}$"


def format_paper_markdown(paper_tables: list[PaperTable]) -> str:
    """A Markdown table for each dataset, under its caption."""
    return "\n".join(map(_format_markdown, paper_tables))


def _format_markdown(table: PaperTable) -> str:
    failed = ["failed"] if table.failed else []
    headings = ["variant", *(f"{name} {arrow}".strip() for name, arrow in table.headings), *failed]
    rows = [
        [
            _escape_markdown(variant),
            *map(_format_markdown_cell, cells),
            *([table.failed[variant]] if failed else []),
        ]
        for variant, cells in table.rows.items()
    ]
    real = ["real samples", *table.real, *([""] if failed else [])]
    alignment = [":--", *["--:"] * (len(headings) - 1)]
    lines = [f"| {' | '.join(cells)} |" for cells in (headings, alignment, *rows, real)]
    return f"{_escape_markdown(table.caption)}\n\n" + "\n".join(lines) + "\n"


def _format_markdown_cell(cell: Cell) -> str:
    value = f"**{cell.value}**" if cell.is_best else cell.value
    return f"{value} ({cell.low} to {cell.high})" if cell.low else value


def _escape_markdown(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", text)
